#pragma once

#include <zerobuffer/config.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace zerobuffer {

namespace detail {
class WriterCore;
struct Plan;
} // namespace detail

/// A place in the ring to write one frame into. Destroyed without a commit, it is as if it had never been asked for.
class Slot {
public:
    Slot(Slot&& other) noexcept;
    Slot& operator=(Slot&& other) noexcept;
    ~Slot();

    /// The bytes to fill, valid until the commit.
    /// @throws ClosedError It was committed or abandoned, or its writer was closed.
    [[nodiscard]] std::span<std::byte> data() const;

    /// The number that the frame will carry.
    [[nodiscard]] std::uint64_t sequence() const noexcept { return sequence_; }

    /// Makes the frame part of the ring; returns its number.
    std::uint64_t commit();

    /// Gives the place up; does nothing the second time.
    void abandon() noexcept;

private:
    friend class detail::WriterCore;
    Slot(std::shared_ptr<detail::WriterCore> core, std::unique_ptr<detail::Plan> plan, std::span<std::byte> data,
         std::uint64_t sequence) noexcept;

    std::shared_ptr<detail::WriterCore> core_;
    std::unique_ptr<detail::Plan> plan_;
    std::span<std::byte> data_;
    std::uint64_t sequence_;
};

/// Connects to a buffer and writes frames into it. A buffer has one writer.
///
/// One thread writes at a time: a second one is refused with BusyError. close() may come from any thread, and ends a
/// call that waits.
class Writer {
public:
    /// Connects; waits for a reader that is not there yet for as long as `timeout` says.
    /// @throws NotFoundError No reader has created the buffer.
    /// @throws WriterExistsError Another writer, which lives, has it.
    /// @throws ReaderDeadError Its reader is gone.
    /// @throws PermissionDeniedError Another user has made it, or it may not be opened.
    explicit Writer(std::string_view name, std::chrono::nanoseconds timeout = std::chrono::nanoseconds::zero(),
                    const ConnectConfig& config = {});
    Writer(Writer&& other) noexcept;
    Writer& operator=(Writer&& other) noexcept;
    ~Writer();

    /// Copies one frame into the ring, waiting for space; returns its number.
    /// @throws BufferFullError There was no space in time.
    /// @throws FrameTooLargeError It is larger than the ring.
    /// @throws FrameUnwritableError At this position it can never be written; `values()` says which sizes can.
    /// @throws ReaderDeadError The reader has died or left.
    std::uint64_t write(std::span<const std::byte> data, std::chrono::nanoseconds timeout = default_timeout);

    /// Returns a place in the ring for one frame of `size` bytes.
    [[nodiscard]] Slot acquire(std::uint64_t size, std::chrono::nanoseconds timeout = default_timeout);

    /// Writes the metadata: once, before or after frames.
    void set_metadata(std::span<const std::byte> content);

    /// The number that the next frame will carry.
    [[nodiscard]] std::uint64_t next_sequence() const;

    /// @throws ReaderDeadError The reader has died or left.
    void check_reader() const;

    [[nodiscard]] const std::string& name() const;

    /// Disconnects. The reader gets every frame that was written, then learns of the end.
    void close();

private:
    [[nodiscard]] detail::WriterCore& core() const;

    std::shared_ptr<detail::WriterCore> core_;
};

} // namespace zerobuffer
