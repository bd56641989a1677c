#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace driver {

/// CRC-32 (IEEE) of some bytes, going on from that of what stood before them.
[[nodiscard]] std::uint32_t crc32(std::span<const std::byte> data, std::uint32_t before = 0) noexcept;

} // namespace driver
