#pragma once

#include "buffers.hpp"
#include "case.hpp"
#include "descriptor.hpp"
#include "names.hpp"
#include "plan.hpp"
#include "ring.hpp"
#include "semaphore.hpp"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <thread>

#include <fcntl.h>

namespace test {

/// A writer that knows the protocol alone, and whose pid is that of somebody who lives.
class Foreign {
public:
    explicit Foreign(const std::string& name)
        : ring_(open(name)),
          data_(zerobuffer::detail::Semaphore::open(zerobuffer::detail::Names(name).data_semaphore(), name)) {
        zerobuffer::detail::store(ring_.block().writer_pid, 1);
        ring_.refresh(state_);
    }

    void write(std::size_t size) {
        const zerobuffer::detail::Plan plan =
            zerobuffer::detail::plan_frame(ring_.payload_size(), state_.write_pos, size).plan;
        const auto end = std::chrono::steady_clock::now() + patience;
        for (ring_.refresh(state_); state_.free < plan.need(); ring_.refresh(state_)) {
            if (std::chrono::steady_clock::now() > end) throw Failure("nobody reads");
            std::this_thread::yield();
        }
        const auto content = ramp(size, sequence_);
        std::copy(content.begin(), content.end(), ring_.place(plan).begin());
        ring_.publish(plan, sequence_++, state_);
        data_.post();
    }

    /// Its next frame is number 1 again.
    void restart() { sequence_ = 1; }

    void close() { zerobuffer::detail::store(ring_.block().writer_pid, 0); }

private:
    static zerobuffer::detail::Ring open(const std::string& name) {
        const std::filesystem::path path = zerobuffer::detail::Names(name).segment();
        const zerobuffer::detail::Descriptor file(::open(path.c_str(), O_RDWR | O_CLOEXEC));
        return {name, zerobuffer::detail::Segment({}, file.get(), std::filesystem::file_size(path),
                                                  zerobuffer::detail::Segment::Access::writer)};
    }

    zerobuffer::detail::Ring ring_;
    zerobuffer::detail::Semaphore data_;
    zerobuffer::detail::Ring::WriterState state_;
    std::uint64_t sequence_ = 1;
};

/// Reads frames from number 1 on, and checks that they are whole.
inline void read_whole(zerobuffer::Reader& reader, std::uint64_t frames) {
    for (std::uint64_t sequence = 1; sequence <= frames; sequence++) {
        const zerobuffer::Frame frame = reader.read(patience);
        CHECK_EQUAL(frame.sequence(), sequence);
        CHECK(copy(frame.data()) == ramp(frame.size(), sequence));
    }
}

} // namespace test
