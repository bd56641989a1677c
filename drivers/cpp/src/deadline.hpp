#pragma once

#include <algorithm>
#include <chrono>
#include <optional>

namespace zerobuffer::detail {

using Clock = std::chrono::steady_clock;

/// A blocked wait looks at the other side this often, so that a death is noticed well within 50 ms.
inline constexpr auto slice_length = std::chrono::milliseconds(30);

/// The end of a timeout, which never overflows.
class Deadline {
public:
    explicit Deadline(std::chrono::nanoseconds timeout)
        : timeout_(std::max(timeout, std::chrono::nanoseconds::zero())),
          begin_(Clock::now()),
          end_(timeout_ >= Clock::time_point::max() - begin_ ? Clock::time_point::max() : begin_ + timeout_) {}

    /// The timeout as it was given.
    [[nodiscard]] double seconds() const { return std::chrono::duration<double>(timeout_).count(); }

    [[nodiscard]] std::chrono::nanoseconds left() const {
        if (end_ == Clock::time_point::max()) return std::chrono::nanoseconds::max();
        return std::max(end_ - Clock::now(), std::chrono::nanoseconds::zero());
    }

    /// Until when to wait before the next look at the other side; nothing when the time is over.
    [[nodiscard]] std::optional<Clock::time_point> next_slice() const {
        const auto now = Clock::now();
        if (now >= end_) return std::nullopt;
        return std::min(end_, now + slice_length);
    }

private:
    std::chrono::nanoseconds timeout_;
    Clock::time_point begin_;
    Clock::time_point end_;
};

} // namespace zerobuffer::detail
