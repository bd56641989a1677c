#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

/// The bytes that every implementation of protocol 1.0 shares.
namespace zerobuffer {

inline constexpr std::uint64_t block_alignment = 64;
inline constexpr std::uint8_t version_major = 1;

/// What our sides keep in the bytes that the protocol reserves; docs/stream.md says how. Those of others leave them 0.
struct Stream {
    std::uint64_t committed;  ///< Bytes ever committed, tails included. Its store is the commit of a frame.
    std::uint64_t released;   ///< Bytes ever released, tails included; `releasing` is set while more are.
    std::uint64_t connection; ///< The number of the connection, and in the low half its process; 0 once it closed.
    std::uint64_t start;      ///< `committed` when this writer connected.
};

inline constexpr std::uint64_t releasing = std::uint64_t{1} << 63;

/// The control block ("OIEB") at the start of a segment. Each field has one side that writes it, but for
/// payload_free_bytes, which both change by atomic addition.
struct ControlBlock {
    std::uint32_t oieb_size;
    std::array<std::uint8_t, 4> version;
    std::uint64_t metadata_size;
    std::uint64_t metadata_free_bytes;
    std::uint64_t metadata_written_bytes;
    std::uint64_t payload_size;
    std::uint64_t payload_free_bytes;
    std::uint64_t payload_write_pos;
    std::uint64_t payload_read_pos;
    std::uint64_t payload_written_count;
    std::uint64_t payload_read_count;
    std::uint64_t writer_pid;
    std::uint64_t reader_pid;
    Stream reserved;
};

/// Stands before each frame in the ring. All zero, it is the marker of a wrap.
struct FrameHeader {
    std::uint64_t size;
    std::uint64_t sequence;
};

inline constexpr std::uint64_t oieb_size = sizeof(ControlBlock);
inline constexpr std::uint64_t header_size = sizeof(FrameHeader);
/// The length that stands before the metadata.
inline constexpr std::uint64_t metadata_prefix = sizeof(std::uint64_t);

static_assert(oieb_size == 128 && header_size == 16);

/// Rounds a size up to the alignment of the blocks.
[[nodiscard]] constexpr std::uint64_t align(std::uint64_t size) noexcept {
    return (size + block_alignment - 1) / block_alignment * block_alignment;
}

/// Where a field stands, as this compiler sees it.
struct Field {
    std::string_view name;
    std::size_t offset;
    std::size_t size;
};

[[nodiscard]] std::span<const Field> oieb_fields() noexcept;
[[nodiscard]] std::span<const Field> header_fields() noexcept;

} // namespace zerobuffer
