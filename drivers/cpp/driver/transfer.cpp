#include "transfer.hpp"

#include "crc32.hpp"
#include "rpc.hpp"
#include "system.hpp"

#include <zerobuffer/layout.hpp>

#include <algorithm>
#include <sstream>
#include <utility>

namespace driver {

Clock::Clock(std::chrono::nanoseconds timeout)
    : timeout_(timeout), begin_(std::chrono::steady_clock::now()), processor_begin_(driver::processor_seconds()) {}

std::chrono::nanoseconds Clock::left() const {
    const std::chrono::nanoseconds spent = std::chrono::steady_clock::now() - begin_;
    return std::max(timeout_ - spent, std::chrono::nanoseconds::zero());
}

Failure Clock::ended(const zerobuffer::Error& error, std::uint64_t count, std::string_view what) const {
    using zerobuffer::Code;
    std::ostringstream text;
    text << "after " << count << ' ' << what << ": ";
    zerobuffer::Values details = error.values();
    if (error.code() == Code::timeout || error.code() == Code::buffer_full) {
        const double limit = std::chrono::duration<double>(timeout_).count();
        const bool full = error.code() == Code::buffer_full;
        text << (full ? "there was no space for more" : "nothing more came") << " within " << limit << " s";
        details.insert_or_assign("seconds", limit);
    } else {
        text << error.what();
    }
    return Failure(error.code(), text.str(), std::move(details));
}

double Clock::seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
}

double Clock::processor_seconds() const { return std::max(driver::processor_seconds() - processor_begin_, 0.0); }

void Transfer::add(std::uint64_t sequence, std::uint64_t size) {
    if (frames > 0 && sequence != last + 1) breaks++;
    if (first == 0) first = sequence;
    last = sequence;
    frames++;
    bytes += size;
    if (runs.empty() || runs.back().first != size) runs.emplace_back(size, 0);
    runs.back().second++;
}

void Transfer::add(std::uint64_t sequence, std::span<const std::byte> data) {
    add(sequence, data.size());
    const zerobuffer::FrameHeader header{.size = data.size(), .sequence = sequence};
    digest = crc32(data, crc32(std::as_bytes(std::span(&header, 1)), digest));
}

void Transfer::stop(const Clock& clock) {
    seconds = clock.seconds();
    cpu_seconds = clock.processor_seconds();
}

} // namespace driver
