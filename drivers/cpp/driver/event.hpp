#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

namespace driver {

/// Something that happens once, and that threads wait for.
class Event {
public:
    void set() {
        const std::lock_guard lock(mutex_);
        set_ = true;
        changed_.notify_all();
    }

    /// Says whether it happened within this time.
    bool wait(std::chrono::nanoseconds time) {
        constexpr std::chrono::nanoseconds longest = std::chrono::hours(24);
        std::unique_lock lock(mutex_);
        return changed_.wait_until(lock, std::chrono::steady_clock::now() + std::min(time, longest),
                                   [this] { return set_; });
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    bool set_ = false;
};

} // namespace driver
