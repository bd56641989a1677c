#pragma once

#include "descriptor.hpp"

#include <zerobuffer/layout.hpp>

#include <cstddef>
#include <cstdint>
#include <span>

namespace zerobuffer::detail {

/// Mapped memory, unmapped in the end.
class Mapping {
public:
    /// @throws std::system_error
    Mapping(int file, std::size_t length, int protection);
    Mapping(Mapping&& other) noexcept;
    Mapping& operator=(Mapping&&) = delete;
    Mapping(const Mapping&) = delete;
    Mapping& operator=(const Mapping&) = delete;
    ~Mapping();

    [[nodiscard]] std::span<std::byte> bytes() const noexcept { return bytes_; }

private:
    std::span<std::byte> bytes_;
};

/// The shared memory of a buffer, mapped, with the locks by which our sides know each other.
///
/// The locks are a convention beside the protocol, and other implementations may go without: each side holds one on a
/// byte range far behind the end of the file. It ends with the process, so it proves a life across pid namespaces; the
/// place of a writer's tells one connection of a process from the next, and its length what was written before.
class Segment {
public:
    /// A reader gets the frames without the right to write, and only the control block with it.
    enum class Access { reader, writer };

    /// @throws std::system_error
    Segment(Descriptor file, std::uint64_t length, Access access);

    [[nodiscard]] ControlBlock& control() const noexcept;

    [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return body_.bytes(); }

    /// Only for the writer's access.
    [[nodiscard]] std::span<std::byte> writable() const noexcept { return body_.bytes(); }

    void lock_reader() const noexcept;

    /// `first` frames and markers were written before this connection.
    void lock_writer(std::uint64_t first) const noexcept;

    void unlock() const noexcept;

    [[nodiscard]] bool reader_lock_held() const noexcept;

    struct WriterLock {
        std::int64_t place = 0; ///< 0: nobody holds one.
        std::uint64_t first = 0;
    };

    /// The lock of the writer, unless it is our own.
    [[nodiscard]] WriterLock writer_lock() const noexcept;

private:
    Descriptor file_;
    Mapping body_;
    Mapping control_;
};

} // namespace zerobuffer::detail
