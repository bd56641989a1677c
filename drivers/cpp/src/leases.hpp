#pragma once

#include <cstdint>
#include <deque>

namespace zerobuffer::detail {

/// What a reader has handed out and not yet had back. Space returns in the order of the ring, whatever order frames
/// come back in.
class Leases {
public:
    struct Returned {
        std::uint64_t bytes = 0;
        std::uint64_t frames = 0;
    };

    /// A tail that was passed: it waits for nobody but what stands before it.
    void pass_tail(std::uint64_t bytes);

    /// A frame; returns the number of its lease.
    [[nodiscard]] std::uint64_t add(std::uint64_t bytes);

    void give_back(std::uint64_t number) noexcept;

    /// Takes out what may return to the ring now.
    [[nodiscard]] Returned drain() noexcept;

private:
    struct Lease {
        std::uint64_t bytes;
        bool frame;
        bool returned;
    };

    std::deque<Lease> leases_;
    std::uint64_t first_ = 0;
};

} // namespace zerobuffer::detail
