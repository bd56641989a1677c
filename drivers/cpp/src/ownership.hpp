#pragma once

#include "descriptor.hpp"
#include "lock.hpp"
#include "names.hpp"
#include "ring.hpp"
#include "semaphore.hpp"

#include <zerobuffer/config.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

namespace zerobuffer::detail {

/// The four objects of a buffer: segment, two semaphores, lock file. The segment's name is the ownership: it is the
/// first to come, and the last but the lock file to go.
///
/// What belongs to a living owner or to another program is never touched, what a dead one left is replaced, and a
/// creation that fails half-way leaves nothing behind.
class Owned {
public:
    /// Takes the lock file.
    /// @throws BufferInUseError
    Owned(const Names& names, ::mode_t mode);
    ~Owned();

    /// Removes what a dead owner left.
    /// @throws BufferInUseError, InvalidOiebError
    void clear() const;

    /// Makes an empty segment, and holds the reader's lock on it.
    [[nodiscard]] LockDescriptor make_segment(::mode_t mode);

private:
    Names names_;
    ::pid_t owner_; ///< In a child of fork the objects belong to the parent.
    Descriptor directory_;
    LockDescriptor lock_;
    std::optional<struct ::stat> segment_; ///< Ours, once it is made.
};

struct Created {
    std::unique_ptr<Owned> owned;
    Semaphore data;
    Semaphore space;
    Ring ring;
};

[[nodiscard]] Created create(const Names& names, const BufferConfig& config);

/// What stands at the beginning of a segment, as far as it goes; zero where nothing does.
struct Beginning {
    ControlBlock block{};
    ::ssize_t length;

    explicit Beginning(int file) noexcept : length(::pread(file, &block, sizeof block, 0)) {}

    [[nodiscard]] bool is_buffer() const noexcept {
        return length == ::ssize_t{oieb_size} && block.oieb_size == oieb_size && block.version[0] == version_major;
    }
};

/// Whether a path leads to a file that is open. As long as it is, no other has its number.
[[nodiscard]] bool leads_to(const std::string& path, const struct ::stat& opened, int directory = AT_FDCWD) noexcept;

/// Whether somebody holds the lock file of a buffer.
[[nodiscard]] bool lock_file_held(const Names& names) noexcept;

} // namespace zerobuffer::detail
