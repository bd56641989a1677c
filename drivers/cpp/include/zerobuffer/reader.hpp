#pragma once

#include <zerobuffer/config.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace zerobuffer {

namespace detail {
class ReaderCore;
}

/// What is known of the writer of a buffer.
enum class WriterState {
    absent, ///< None has come yet.
    alive,
    closed, ///< It has left by itself.
    died,
};

/// A frame in the ring, read-only by the hardware. Its space returns to the writer when it is released or destroyed;
/// frames may be released in any order. Its bytes stay where they are after their reader was closed.
class Frame {
public:
    Frame(Frame&& other) noexcept;
    Frame& operator=(Frame&& other) noexcept;
    ~Frame();

    /// The bytes, valid until the release.
    /// @throws FrameReleasedError The space belongs to the writer again.
    [[nodiscard]] std::span<const std::byte> data() const;

    [[nodiscard]] std::size_t size() const noexcept { return data_.size(); }

    /// From 1 for each connection of a writer.
    [[nodiscard]] std::uint64_t sequence() const noexcept { return sequence_; }

    /// Gives the space back; does nothing the second time.
    void release() noexcept;

private:
    friend class detail::ReaderCore;
    Frame(std::shared_ptr<detail::ReaderCore> core, std::span<const std::byte> data, std::uint64_t sequence,
          std::uint64_t lease) noexcept;

    std::shared_ptr<detail::ReaderCore> core_;
    std::span<const std::byte> data_;
    std::uint64_t sequence_;
    std::uint64_t lease_;
};

/// Creates a buffer, reads the frames that one writer puts into it, and removes it in the end.
///
/// All calls may come from several threads: reads wait in line, and close() ends those that wait.
class Reader {
public:
    /// @throws BufferInUseError A living reader has the name. What a dead one left is replaced.
    explicit Reader(std::string_view name, const BufferConfig& config = {});
    Reader(Reader&& other) noexcept;
    Reader& operator=(Reader&& other) noexcept;
    ~Reader();

    /// Waits for the next frame. Every frame that was committed is delivered before the end of its writer is reported.
    /// @throws TimeoutError Nothing came, and the writer is not known to be gone.
    /// @throws WriterDeadError The writer has died or left, and all its frames are read.
    [[nodiscard]] Frame read(std::chrono::nanoseconds timeout = default_timeout);

    /// A copy of the metadata.
    /// @throws NoMetadataError The writer has written none yet.
    [[nodiscard]] std::vector<std::byte> metadata() const;

    [[nodiscard]] WriterState writer_state();

    [[nodiscard]] const std::string& name() const;

    /// Wakes a blocked writer and removes the buffer; does nothing the second time.
    void close();

private:
    [[nodiscard]] detail::ReaderCore& core() const;

    std::shared_ptr<detail::ReaderCore> core_;
};

} // namespace zerobuffer
