#pragma once

#include <zerobuffer/error.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace driver {

class Failure;

/// The time that a verb has, and what it has spent.
class Clock {
public:
    explicit Clock(std::chrono::nanoseconds timeout);

    [[nodiscard]] std::chrono::steady_clock::time_point begin() const { return begin_; }

    [[nodiscard]] std::chrono::nanoseconds left() const;

    [[nodiscard]] bool is_over() const { return left() <= std::chrono::nanoseconds::zero(); }

    /// What is told of an error that ends a series: how far it came, and the limit of all. The library knows only what
    /// was left of that.
    [[nodiscard]] Failure ended(const zerobuffer::Error& error, std::uint64_t count,
                                std::string_view what = "frames") const;

    [[nodiscard]] double seconds() const;
    [[nodiscard]] double processor_seconds() const;

private:
    std::chrono::nanoseconds timeout_;
    std::chrono::steady_clock::time_point begin_;
    double processor_begin_;
};

/// Sums a series of frames up, as the contract says.
struct Transfer {
    std::uint64_t frames = 0;
    std::uint64_t bytes = 0;
    std::uint64_t first = 0;
    std::uint64_t last = 0;
    std::uint64_t breaks = 0;
    std::vector<std::pair<std::uint64_t, std::uint64_t>> runs = {};
    std::uint32_t digest = 0;
    double seconds = 0;
    double cpu_seconds = 0;

    void add(std::uint64_t sequence, std::uint64_t size);
    /// Its bytes enter the digest.
    void add(std::uint64_t sequence, std::span<const std::byte> data);

    /// Takes the time that the series has taken.
    void stop(const Clock& clock);
};

} // namespace driver
