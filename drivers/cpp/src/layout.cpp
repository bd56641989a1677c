#include <zerobuffer/layout.hpp>

#include <atomic>
#include <bit>

namespace zerobuffer {

static_assert(std::endian::native == std::endian::little, "the layout is little-endian");
static_assert(std::atomic_ref<std::uint64_t>::is_always_lock_free, "a lock would not be shared between processes");

#define ZEROBUFFER_FIELD(structure, field)                                                                             \
    Field { #field, offsetof(structure, field), sizeof(structure::field) }

std::span<const Field> oieb_fields() noexcept {
    static constexpr std::array fields{
        ZEROBUFFER_FIELD(ControlBlock, oieb_size),
        ZEROBUFFER_FIELD(ControlBlock, version),
        ZEROBUFFER_FIELD(ControlBlock, metadata_size),
        ZEROBUFFER_FIELD(ControlBlock, metadata_free_bytes),
        ZEROBUFFER_FIELD(ControlBlock, metadata_written_bytes),
        ZEROBUFFER_FIELD(ControlBlock, payload_size),
        ZEROBUFFER_FIELD(ControlBlock, payload_free_bytes),
        ZEROBUFFER_FIELD(ControlBlock, payload_write_pos),
        ZEROBUFFER_FIELD(ControlBlock, payload_read_pos),
        ZEROBUFFER_FIELD(ControlBlock, payload_written_count),
        ZEROBUFFER_FIELD(ControlBlock, payload_read_count),
        ZEROBUFFER_FIELD(ControlBlock, writer_pid),
        ZEROBUFFER_FIELD(ControlBlock, reader_pid),
        ZEROBUFFER_FIELD(ControlBlock, reserved),
    };
    return fields;
}

std::span<const Field> header_fields() noexcept {
    static constexpr std::array fields{
        ZEROBUFFER_FIELD(FrameHeader, size),
        ZEROBUFFER_FIELD(FrameHeader, sequence),
    };
    return fields;
}

} // namespace zerobuffer
