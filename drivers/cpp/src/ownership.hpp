#pragma once

#include "descriptor.hpp"
#include "names.hpp"
#include "ring.hpp"
#include "semaphore.hpp"

#include <zerobuffer/config.hpp>

#include <cstdint>
#include <memory>
#include <optional>

#include <sys/stat.h>
#include <sys/types.h>

namespace zerobuffer::detail {

/// The four objects of a buffer: segment, two semaphores, lock file. They are removed in the end, the lock file last,
/// whatever fails on the way.
///
/// What belongs to a living owner is never touched, what a dead one left is replaced, and a creation that fails
/// half-way leaves nothing behind.
class Owned {
public:
    /// Takes the lock and clears the place.
    /// @throws BufferInUseError
    Owned(const Names& names, ::mode_t mode);
    Owned(const Owned&) = delete;
    Owned& operator=(const Owned&) = delete;
    ~Owned();

private:
    void take_lock(::mode_t mode);

    Names names_;
    ::pid_t owner_; ///< In a child of fork the objects belong to the parent.
    Descriptor directory_;
    Descriptor lock_;
};

struct Created {
    std::unique_ptr<Owned> owned;
    Semaphore data;
    Semaphore space;
    Ring ring;
};

[[nodiscard]] Created create(const Names& names, const BufferConfig& config);

/// When a segment was made, in seconds since the epoch. Writers set the time of the last change when they connect, but
/// never to a moment before the creation.
[[nodiscard]] double made_at(const struct ::stat& facts) noexcept;

[[nodiscard]] bool is_same_file(const struct ::stat& one, const struct ::stat& other) noexcept;

/// Whether somebody holds the lock file of a buffer, or will not have it looked at.
[[nodiscard]] bool lock_file_held(const Names& names) noexcept;

} // namespace zerobuffer::detail
