#include "plan.hpp"

#include <zerobuffer/layout.hpp>

#include <algorithm>

namespace zerobuffer::detail {

Planned plan_frame(std::uint64_t payload_size, std::uint64_t write_pos, std::uint64_t size) noexcept {
    if (size == 0) return {Fit::empty, {}};
    if (size > payload_size - header_size) return {Fit::too_large, {}};
    Plan plan{.write_pos = write_pos, .at = write_pos, .size = size, .total = header_size + size};
    const std::uint64_t tail = payload_size - write_pos;
    const bool fits = plan.total <= tail;
    // A wrap takes the tail as well, and the reader can free no more than the whole ring.
    const bool can_wrap = write_pos > 0 && plan.total <= write_pos;
    // A rest of 1 to 15 bytes has no room for a marker, and readers of others stumble over it.
    const bool leaves_stub = fits && tail > plan.total && tail - plan.total < header_size;
    if (fits && !(leaves_stub && can_wrap)) return {Fit::yes, plan};
    if (!can_wrap) return {Fit::unwritable, {}};
    plan.at = 0;
    plan.tail = tail;
    plan.marker = tail >= header_size;
    return {Fit::yes, plan};
}

std::uint64_t always_fits(std::uint64_t payload_size) noexcept { return payload_size / 2 - header_size; }

std::uint64_t fits_at(std::uint64_t payload_size, std::uint64_t write_pos) noexcept {
    return std::max(payload_size - write_pos, write_pos) - header_size;
}

} // namespace zerobuffer::detail
