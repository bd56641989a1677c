#pragma once

#include "event.hpp"
#include "handles.hpp"
#include "results.hpp"
#include "rpc.hpp"

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace driver {

/// Requests that are not answered yet.
class PendingRequests {
public:
    /// One of them, for as long as it lives.
    class Entry {
    public:
        Entry(PendingRequests& all, const Request& request);
        Entry(const Entry&) = delete;
        Entry& operator=(const Entry&) = delete;
        ~Entry();

        [[nodiscard]] std::uint64_t number() const { return number_; }

    private:
        PendingRequests& all_;
        std::uint64_t number_;
    };

    /// Waits until none of them makes objects any more. A creation ends by itself, however slow the machine is; cut
    /// short, it would leave what it has made.
    void await_makers();

    /// All but the one of this number.
    [[nodiscard]] std::vector<RequestUnderWay> others(std::uint64_t number) const;

private:
    struct Call {
        Id id;
        std::string verb;
        std::chrono::steady_clock::time_point begin;
    };

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::uint64_t last_ = 0;
    std::map<std::uint64_t, Call> calls_;
};

/// What all verbs share.
struct Dispatcher {
    Handles handles;
    PendingRequests pending;
    Event ending;

    /// @throws Failure The driver ends meanwhile, or already does.
    void sleep(std::chrono::nanoseconds time) {
        if (ending.wait(time)) throw Failure(zerobuffer::Code::closed, "the driver is ending");
    }

    /// Performs one request.
    /// @throws Failure
    [[nodiscard]] Result perform(const Request& request);

    /// Closes all that is open, has what waits end, and leaves nothing half made.
    void end() {
        ending.set();
        handles.end();
        pending.await_makers();
    }
};

} // namespace driver
