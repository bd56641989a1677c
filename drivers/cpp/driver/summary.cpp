#include "summary.hpp"

#include "crc32.hpp"
#include "system.hpp"

#include <zerobuffer/layout.hpp>

#include <algorithm>

namespace driver {

Clock::Clock(std::chrono::nanoseconds timeout)
    : timeout_(timeout), begin_(std::chrono::steady_clock::now()), processor_begin_(driver::processor_seconds()) {}

std::chrono::nanoseconds Clock::left() const {
    const std::chrono::nanoseconds spent = std::chrono::steady_clock::now() - begin_;
    return std::max(timeout_ - spent, std::chrono::nanoseconds::zero());
}

double Clock::seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
}

double Clock::processor_seconds() const { return driver::processor_seconds() - processor_begin_; }

void Summary::add(std::uint64_t sequence, std::uint64_t size) {
    if (frames_ > 0 && sequence != last_ + 1) breaks_++;
    if (first_ == 0) first_ = sequence;
    last_ = sequence;
    frames_++;
    bytes_ += size;
    if (runs_.empty() || runs_.back().first != size) runs_.emplace_back(size, 0);
    runs_.back().second++;
}

void Summary::add(std::uint64_t sequence, std::span<const std::byte> data) {
    add(sequence, data.size());
    const zerobuffer::FrameHeader header{.size = data.size(), .sequence = sequence};
    digest_ = crc32(data, crc32(std::as_bytes(std::span(&header, 1)), digest_));
}

Json Summary::plain(const Clock& clock) const {
    Json::Array runs;
    for (const auto& [size, times] : runs_) runs.emplace_back(Json::Array{size, times});
    return Json::Object{
        {"frames", frames_},
        {"bytes", bytes_},
        {"first", first_},
        {"last", last_},
        {"breaks", breaks_},
        {"runs", std::move(runs)},
        {"digest", std::uint64_t{digest_}},
        {"seconds", clock.seconds()},
        {"cpu_seconds", std::max(clock.processor_seconds(), 0.0)},
    };
}

} // namespace driver
