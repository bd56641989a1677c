#pragma once

#include <chrono>
#include <cstdint>

#include <sys/types.h>

namespace zerobuffer {

/// How long a call waits when it is not told.
inline constexpr std::chrono::nanoseconds default_timeout = std::chrono::seconds(5);
/// Waits for as long as the other side lives.
inline constexpr std::chrono::nanoseconds forever = std::chrono::nanoseconds::max();

/// How a reader creates its buffer.
struct BufferConfig {
    /// Bytes of the metadata block, of which 8 hold the length; 0 for no metadata. Rounded up to 64.
    std::uint64_t metadata_size = 1024;
    /// Bytes of the ring. Twice the largest frame with its header of 16 bytes is a good choice: then every frame can be
    /// written wherever the ring stands. Rounded up to 64.
    std::uint64_t payload_size = 10240;
    /// Access rights of all four objects, set exactly: the umask plays no part.
    ::mode_t mode = 0600;
    /// Whether to reserve the memory at once, so that a shortage is an error here and not a crash later.
    bool preallocate = true;
};

/// How a writer connects.
struct ConnectConfig {
    /// Whether to write into a buffer that another user made, who gets all that is written.
    bool any_owner = false;
};

} // namespace zerobuffer
