/* The bytes that every implementation of protocol 1.0 shares: the OIEB at offset 0, and the frame header. */
#ifndef ZB_LAYOUT_H
#define ZB_LAYOUT_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define ZB_OIEB_SIZE 128u
#define ZB_BLOCK_ALIGNMENT 64u
#define ZB_VERSION_MAJOR 1u
#define ZB_HEADER_SIZE 16u
#define ZB_METADATA_PREFIX_SIZE 8u

#define ZB_RELEASING (UINT64_C(1) << 63)

typedef _Atomic uint64_t zb_shared_u64;

/*
 * Each field has one writer; only payload_free_bytes is changed by both sides, by atomic add and subtract. The last
 * four lie in bytes that the protocol reserves, and are ours: docs/stream.md says what they mean. `committed` and
 * `released` begin at payload_size: if `released` is 0, the reader does not know them.
 */
typedef struct zb_oieb {
    _Atomic uint32_t oieb_size;
    uint8_t version[4];
    zb_shared_u64 metadata_size;
    zb_shared_u64 metadata_free_bytes;
    zb_shared_u64 metadata_written_bytes;
    zb_shared_u64 payload_size;
    zb_shared_u64 payload_free_bytes;
    zb_shared_u64 payload_write_pos;
    zb_shared_u64 payload_read_pos;
    zb_shared_u64 payload_written_count;
    zb_shared_u64 payload_read_count;
    zb_shared_u64 writer_pid;
    zb_shared_u64 reader_pid;
    zb_shared_u64 committed;    /* bytes ever committed, tails included: the store that commits a frame */
    zb_shared_u64 released;     /* bytes ever released; ZB_RELEASING is set while a release is under way */
    zb_shared_u64 connection;   /* see zb_connection */
    zb_shared_u64 stream_start; /* `committed` when the writer connected */
} zb_oieb;

typedef struct zb_header {
    uint64_t size;
    uint64_t sequence;
} zb_header;

_Static_assert(sizeof(zb_oieb) == ZB_OIEB_SIZE, "the OIEB is 128 bytes");
_Static_assert(sizeof(zb_header) == ZB_HEADER_SIZE, "a frame header is 16 bytes");
_Static_assert(offsetof(zb_oieb, metadata_size) == 8, "metadata_size");
_Static_assert(offsetof(zb_oieb, committed) == 96, "8 bytes for each of the fields between, as they stand above");
_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "8-byte atomics must be lock-free to be shared between processes");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the layout is little-endian");

/* The word `connection`: its number, and the pid of the writer, 0 once it closed. */
static inline uint64_t zb_connection(uint64_t number, uint32_t pid) { return number << 32 | pid; }
static inline uint64_t zb_connection_number(uint64_t connection) { return connection >> 32; }
static inline uint32_t zb_connection_pid(uint64_t connection) { return (uint32_t)connection; }

static inline uint64_t zb_load(const zb_shared_u64 *field) {
    return atomic_load_explicit((zb_shared_u64 *)field, memory_order_acquire);
}

static inline void zb_store(zb_shared_u64 *field, uint64_t value) {
    atomic_store_explicit(field, value, memory_order_release);
}

#endif
