#pragma once

#include "json.hpp"

#include <chrono>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace driver {

/// The time that a verb has, and what it has spent.
class Clock {
public:
    explicit Clock(std::chrono::nanoseconds timeout);

    [[nodiscard]] std::chrono::steady_clock::time_point begin() const { return begin_; }

    [[nodiscard]] std::chrono::nanoseconds left() const;

    [[nodiscard]] bool is_over() const { return left() <= std::chrono::nanoseconds::zero(); }

    [[nodiscard]] double seconds() const;
    [[nodiscard]] double processor_seconds() const;

private:
    std::chrono::nanoseconds timeout_;
    std::chrono::steady_clock::time_point begin_;
    double processor_begin_;
};

/// Sums a series of frames up.
class Summary {
public:
    void add(std::uint64_t sequence, std::uint64_t size);
    /// Its bytes enter the digest.
    void add(std::uint64_t sequence, std::span<const std::byte> data);

    [[nodiscard]] std::uint64_t frames() const { return frames_; }

    /// The `transfer` of the contract.
    [[nodiscard]] Json plain(const Clock& clock) const;

private:
    std::uint64_t frames_ = 0;
    std::uint64_t bytes_ = 0;
    std::uint64_t first_ = 0;
    std::uint64_t last_ = 0;
    std::uint64_t breaks_ = 0;
    std::vector<std::pair<std::uint64_t, std::uint64_t>> runs_;
    std::uint32_t digest_ = 0;
};

} // namespace driver
