#pragma once

#include <cstdint>

namespace zerobuffer::detail {

/// Where a frame will stand, and what writing it costs.
struct Plan {
    std::uint64_t write_pos; ///< Where the writer stands now.
    std::uint64_t at;        ///< Where the header goes.
    std::uint64_t size;      ///< Of the data.
    std::uint64_t total;     ///< Header and data.
    std::uint64_t tail = 0;  ///< Bytes given up at the end of the ring, 0 when nothing wraps.
    bool marker = false;     ///< Whether the tail has room for a wrap marker.

    [[nodiscard]] std::uint64_t need() const noexcept { return tail + total; }

    /// By how much payload_written_count goes up.
    [[nodiscard]] std::uint64_t counted() const noexcept { return marker ? 2 : 1; }

    [[nodiscard]] bool operator==(const Plan&) const = default;
};

enum class Fit {
    yes,
    empty,      ///< A frame has at least one byte.
    too_large,  ///< For the whole ring.
    unwritable, ///< At this position, however far the reader drains.
};

struct Planned {
    Fit fit;
    Plan plan;
};

/// Plans a frame for a writer that stands at `write_pos`. How much is free plays no part yet.
[[nodiscard]] Planned plan_frame(std::uint64_t payload_size, std::uint64_t write_pos, std::uint64_t size) noexcept;

/// The largest frame that can be written at any position.
[[nodiscard]] std::uint64_t always_fits(std::uint64_t payload_size) noexcept;

/// The largest frame that can be written at this position, once the reader has drained the ring.
[[nodiscard]] std::uint64_t fits_at(std::uint64_t payload_size, std::uint64_t write_pos) noexcept;

} // namespace zerobuffer::detail
