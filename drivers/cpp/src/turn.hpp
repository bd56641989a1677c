#pragma once

#include "deadline.hpp"

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>

namespace zerobuffer::detail {

/// One thread at a time; the others wait in line, first come first served.
class Turn {
public:
    struct GiveBack {
        void operator()(Turn* turn) const noexcept { turn->give_back(); }
    };

    /// Gives the turn to the next one when it is destroyed.
    using Hold = std::unique_ptr<Turn, GiveBack>;

    /// Waits in line; nothing when the time is over. `reason` is asked now and then, and throws to give up.
    template <typename Reason>
    [[nodiscard]] Hold take(const Deadline& deadline, Reason reason) {
        std::unique_lock lock(mutex_);
        const Ticket ticket(*this, lock);
        for (;;) {
            reason();
            if (!taken_ && line_.front() == ticket.thread) {
                taken_ = true;
                return Hold(this);
            }
            const auto slice = deadline.next_slice();
            if (!slice) return nullptr;
            moved_.wait_until(lock, *slice);
        }
    }

private:
    /// A place in the line. The lock is held at both ends of its life.
    struct Ticket {
        Ticket(Turn& its_turn, std::unique_lock<std::mutex>&) : turn(its_turn) { turn.line_.push_back(thread); }

        Ticket(const Ticket&) = delete;
        Ticket& operator=(const Ticket&) = delete;

        ~Ticket() { std::erase(turn.line_, thread); }

        Turn& turn;
        std::thread::id thread = std::this_thread::get_id();
    };

    void give_back() {
        const std::lock_guard lock(mutex_);
        taken_ = false;
        moved_.notify_all();
    }

    std::mutex mutex_;
    std::condition_variable moved_;
    std::deque<std::thread::id> line_;
    bool taken_ = false;
};

} // namespace zerobuffer::detail
