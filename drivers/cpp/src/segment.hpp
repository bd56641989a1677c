#pragma once

#include "lock.hpp"

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
    ~Mapping();

    [[nodiscard]] std::span<std::byte> bytes() const noexcept { return bytes_; }

private:
    std::span<std::byte> bytes_;
};

/// The shared memory of a buffer, mapped, with the locks by which our sides see each other live.
class Segment {
public:
    /// A reader gets the frames without the right to write, and only the control block with it.
    enum class Access { reader, writer };

    /// `locks` is opened apart from the file that is mapped.
    /// @throws std::system_error
    Segment(LockDescriptor locks, int file, std::uint64_t length, Access access);

    [[nodiscard]] ControlBlock& control() const noexcept;

    [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return body_.bytes(); }

    /// Only for the writer's access.
    [[nodiscard]] std::span<std::byte> writable() const noexcept { return body_.bytes(); }

    [[nodiscard]] const LockDescriptor& locks() const noexcept { return locks_; }

    /// Whether it still has its name, as that of a living reader does.
    [[nodiscard]] bool has_name() const noexcept;

private:
    LockDescriptor locks_;
    Mapping body_;
    Mapping control_;
};

} // namespace zerobuffer::detail
