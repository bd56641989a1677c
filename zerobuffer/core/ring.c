#include "ring.h"

#include <string.h>

#include "point.h"

static zb_status fault_at(zb_fault *fault, zb_status status, const char *field, uint64_t value, uint64_t limit) {
    fault->field = field;
    fault->value = value;
    fault->limit = limit;
    return status;
}

void zb_ring_format(void *base, uint64_t metadata_size, uint64_t payload_size, uint64_t reader_pid) {
    zb_oieb *oieb = base;
    /* Size and version first, in one store: a creation that is broken off can be told from other memory. */
    *(volatile uint64_t *)base = ZB_OIEB_SIZE | (uint64_t)ZB_VERSION_MAJOR << 32;
    zb_store(&oieb->metadata_size, metadata_size);
    zb_store(&oieb->metadata_free_bytes, metadata_size);
    zb_store(&oieb->payload_size, payload_size);
    zb_store(&oieb->payload_free_bytes, payload_size);
    zb_store(&oieb->committed, payload_size);
    zb_store(&oieb->released, payload_size);
    ZB_POINT(READER_FORMATTED);
    /* Release: a writer that sees reader_pid sees every field above. */
    zb_store(&oieb->reader_pid, reader_pid);
}

zb_status zb_ring_attach(zb_ring *ring, void *base, uint64_t length, zb_fault *fault) {
    if (length < ZB_OIEB_SIZE) return fault_at(fault, ZB_INVALID_OIEB, "length", length, ZB_OIEB_SIZE);
    zb_oieb *oieb = base;
    const uint32_t oieb_size = atomic_load_explicit(&oieb->oieb_size, memory_order_relaxed);
    if (oieb_size != ZB_OIEB_SIZE) return fault_at(fault, ZB_INVALID_OIEB, "oieb_size", oieb_size, ZB_OIEB_SIZE);
    const uint8_t major = *(volatile uint8_t *)&oieb->version[0];
    if (major != ZB_VERSION_MAJOR) {
        return fault_at(fault, ZB_VERSION_MISMATCH, "version.major", major, ZB_VERSION_MAJOR);
    }
    const uint64_t room = length - ZB_OIEB_SIZE;
    const uint64_t metadata_size = zb_load(&oieb->metadata_size);
    if (metadata_size > room || metadata_size % ZB_BLOCK_ALIGNMENT != 0) {
        return fault_at(fault, ZB_INVALID_OIEB, "metadata_size", metadata_size, room);
    }
    const uint64_t payload_size = zb_load(&oieb->payload_size);
    if (payload_size == 0 || payload_size != room - metadata_size || payload_size % ZB_BLOCK_ALIGNMENT != 0) {
        return fault_at(fault, ZB_INVALID_OIEB, "payload_size", payload_size, room - metadata_size);
    }
    ring->oieb = oieb;
    ring->metadata = (uint8_t *)base + ZB_OIEB_SIZE;
    ring->payload = ring->metadata + metadata_size;
    ring->metadata_size = metadata_size;
    ring->payload_size = payload_size;
    uint64_t write_pos, read_pos, free_bytes;
    const zb_status status = zb_ring_writer_state(ring, &write_pos, &free_bytes, fault);
    return status != ZB_OK ? status : zb_ring_reader_pos(ring, &read_pos, fault);
}

uint64_t zb_ring_always_fits(uint64_t payload_size) { return payload_size / 2 - ZB_HEADER_SIZE; }

uint64_t zb_ring_fits_at(uint64_t payload_size, uint64_t write_pos) {
    const uint64_t tail = payload_size - write_pos;
    const uint64_t most = tail > payload_size - tail ? tail : payload_size - tail;
    return most - ZB_HEADER_SIZE;
}

zb_status zb_plan_frame(uint64_t payload_size, uint64_t write_pos, uint64_t size, zb_plan *plan) {
    if (size == 0) return ZB_INVALID_FRAME_SIZE;
    if (size > payload_size - ZB_HEADER_SIZE) return ZB_FRAME_TOO_LARGE;
    const uint64_t total = size + ZB_HEADER_SIZE;
    const uint64_t tail = payload_size - write_pos;
    const bool can_wrap = write_pos != 0 && total <= payload_size - tail;
    const bool fits = total <= tail;
    /* A rest of 1 to 15 bytes has no room for a marker, and foreign readers stumble over it: the frame wraps before. */
    const bool leaves_stub = fits && tail != total && tail - total < ZB_HEADER_SIZE;
    *plan = (zb_plan){.write_pos = write_pos, .at = write_pos, .total = total};
    if (fits && !(leaves_stub && can_wrap)) return ZB_OK;
    if (!can_wrap) return ZB_FRAME_UNWRITABLE;
    plan->at = 0;
    plan->tail = tail;
    plan->marker = tail >= ZB_HEADER_SIZE;
    return ZB_OK;
}

zb_status zb_ring_writer_state(const zb_ring *ring, uint64_t *write_pos, uint64_t *free_bytes, zb_fault *fault) {
    const uint64_t pos = zb_load(&ring->oieb->payload_write_pos);
    if (pos > ring->payload_size) {
        return fault_at(fault, ZB_INVALID_OIEB, "payload_write_pos", pos, ring->payload_size);
    }
    /* Acquire: the reader has finished with these bytes. */
    const uint64_t available = zb_load(&ring->oieb->payload_free_bytes);
    if (available > ring->payload_size) {
        return fault_at(fault, ZB_INVALID_OIEB, "payload_free_bytes", available, ring->payload_size);
    }
    *write_pos = pos == ring->payload_size ? 0 : pos;
    *free_bytes = available;
    return ZB_OK;
}

void zb_ring_stage(const zb_ring *ring, const zb_plan *plan, uint64_t size, uint64_t sequence, zb_commit *commit) {
    const zb_header header = {size, sequence};
    memcpy(ring->payload + plan->at, &header, sizeof header);
    if (plan->marker) {
        const zb_header marker = {0, 0};
        memcpy(ring->payload + plan->write_pos, &marker, sizeof marker);
    }
    ZB_POINT(WRITER_HEADER);
    const uint64_t end = plan->at + plan->total;
    commit->new_pos = end == ring->payload_size ? 0 : end;
    commit->bytes += zb_plan_need(plan);
    commit->counted += plan->marker ? 2 : 1;
    commit->frames++;
}

uint64_t zb_ring_publish(const zb_ring *ring, const zb_commit *commit, uint64_t count, uint64_t committed) {
    zb_oieb *oieb = ring->oieb;
    ZB_POINT(WRITER_INTENT);
    const uint64_t before = atomic_fetch_sub_explicit(&oieb->payload_free_bytes, commit->bytes, memory_order_acq_rel);
    ZB_POINT(WRITER_FREE);
    zb_store(&oieb->payload_write_pos, commit->new_pos);
    ZB_POINT(WRITER_POSITION);
    zb_store(&oieb->payload_written_count, count);
    ZB_POINT(WRITER_COUNT);
    /* The commit. Release: a reader that sees it sees the frame. A writer that dies before it has written nothing. */
    if (committed != 0) zb_store(&oieb->committed, committed);
    ZB_POINT(WRITER_COMMIT);
    /* The post that follows must not overtake these stores: a token tells foreign readers that there is a frame. */
    atomic_thread_fence(memory_order_release);
    return before;
}

#define STEADY_LOOKS 1000

/* Fields of both sides as they stood at one moment. */
typedef struct standing {
    uint64_t released, write_pos, free_bytes;
} standing;

/* ZB_PLAIN: they make no sense, or the reader is foreign. ZB_TRY_AGAIN: the reader is inside a release. */
static zb_resumed look_steadily(const zb_ring *ring, standing *found) {
    zb_fault fault;
    for (int looks = 0; looks < STEADY_LOOKS; looks++) {
        found->released = zb_load(&ring->oieb->released);
        if (found->released == 0) return ZB_PLAIN;
        if (zb_ring_writer_state(ring, &found->write_pos, &found->free_bytes, &fault) != ZB_OK) return ZB_PLAIN;
        const bool steady = zb_load(&ring->oieb->released) == found->released;
        if (steady && (found->released & ZB_RELEASING) == 0) return ZB_RESUMED;
    }
    return ZB_TRY_AGAIN;
}

bool zb_ring_inherit(const zb_ring *ring, bool ours) {
    const uint64_t size = ring->payload_size;
    zb_oieb *oieb = ring->oieb;
    standing found;
    const zb_resumed looked = look_steadily(ring, &found);
    if (looked != ZB_RESUMED) return looked == ZB_PLAIN;
    uint64_t used = zb_load(&oieb->committed) - found.released;
    if (!ours) {
        /* Its position tells what it wrote. If it is that of the reader, the ring is empty or full. */
        used = (found.write_pos + size - found.released % size) % size;
        if (used == 0 && found.free_bytes != size) used = size;
        if (used == size && found.free_bytes != 0) return false;
    }
    if (used > size) return true; /* nonsense is left alone */
    zb_store(&oieb->payload_write_pos, (found.released + used) % size);
    /* Added, not stored: the reader may release more meanwhile. */
    atomic_fetch_add_explicit(&oieb->payload_free_bytes, size - used - found.free_bytes, memory_order_acq_rel);
    return true;
}

zb_resumed zb_ring_resume(const zb_ring *ring, uint64_t *committed) {
    const uint64_t size = ring->payload_size;
    standing found;
    const zb_resumed looked = look_steadily(ring, &found);
    if (looked != ZB_RESUMED) return looked;
    *committed = found.released + size - found.free_bytes;
    return *committed % size == found.write_pos ? ZB_RESUMED : ZB_PLAIN;
}

void zb_ring_announce(const zb_ring *ring, uint64_t committed, uint32_t pid) {
    zb_oieb *oieb = ring->oieb;
    zb_store(&oieb->committed, committed);
    zb_store(&oieb->stream_start, committed);
    /* Last: a reader that finds the pid here finds where the stream starts. */
    const uint64_t number = zb_connection_number(zb_load(&oieb->connection)) + 1;
    zb_store(&oieb->connection, zb_connection(number, pid));
}

void zb_ring_leave(const zb_ring *ring) {
    zb_store(&ring->oieb->connection, zb_connection(zb_connection_number(zb_load(&ring->oieb->connection)), 0));
}

void zb_ring_settle(const zb_ring *ring, uint64_t read_pos, uint64_t read, uint64_t held) {
    zb_oieb *oieb = ring->oieb;
    if (held > ring->payload_size) return;
    zb_store(&oieb->committed, read);
    zb_store(&oieb->payload_write_pos, read_pos);
    zb_store(&oieb->payload_free_bytes, ring->payload_size - held);
    zb_store(&oieb->payload_written_count, zb_load(&oieb->payload_read_count));
}

zb_status zb_ring_reader_pos(const zb_ring *ring, uint64_t *read_pos, zb_fault *fault) {
    const uint64_t pos = zb_load(&ring->oieb->payload_read_pos);
    if (pos > ring->payload_size) {
        return fault_at(fault, ZB_INVALID_OIEB, "payload_read_pos", pos, ring->payload_size);
    }
    *read_pos = pos == ring->payload_size ? 0 : pos;
    return ZB_OK;
}

zb_status zb_ring_peek(const zb_ring *ring, uint64_t pos, zb_found *found, zb_fault *fault) {
    zb_header header;
    found->wrapped = 0;
    found->counted = 1;
    /* One wrap at most: at 0 there is neither a marker nor a short tail. */
    for (int wraps = 0;; wraps++) {
        const uint64_t tail = ring->payload_size - pos;
        if (tail < ZB_HEADER_SIZE) {
            found->wrapped = tail;
            pos = 0;
            continue;
        }
        memcpy(&header, ring->payload + pos, sizeof header);
        if (header.size != 0 || header.sequence != 0) break;
        if (wraps > 0 || pos == 0) {
            return fault_at(fault, ZB_INVALID_FRAME_SIZE, "wrap marker without a frame behind it", 0,
                            ring->payload_size - ZB_HEADER_SIZE);
        }
        found->wrapped = tail;
        found->counted = 2;
        pos = 0;
    }
    const uint64_t room = ring->payload_size - pos - ZB_HEADER_SIZE;
    if (header.size == 0 || header.size > room) {
        return fault_at(fault, ZB_INVALID_FRAME_SIZE, "frame header", header.size, room);
    }
    found->data = ring->payload + pos + ZB_HEADER_SIZE;
    found->size = header.size;
    found->sequence = header.sequence;
    const uint64_t end = pos + ZB_HEADER_SIZE + header.size;
    found->next_pos = end == ring->payload_size ? 0 : end;
    return ZB_OK;
}

void zb_ring_advance(const zb_ring *ring, uint64_t next_pos, uint64_t count) {
    zb_store(&ring->oieb->payload_read_pos, next_pos);
    ZB_POINT(READER_POSITION);
    zb_store(&ring->oieb->payload_read_count, count);
    ZB_POINT(READER_COUNT);
}

void zb_ring_free(const zb_ring *ring, uint64_t *released, uint64_t bytes) {
    zb_oieb *oieb = ring->oieb;
    /* While the mark is set, no writer compares `released` with payload_free_bytes. */
    zb_store(&oieb->released, *released | ZB_RELEASING);
    /* Release: our last read of those bytes happens before the writer may reuse them. */
    atomic_fetch_add_explicit(&oieb->payload_free_bytes, bytes, memory_order_acq_rel);
    ZB_POINT(READER_FREE);
    *released += bytes;
    zb_store(&oieb->released, *released);
}

zb_status zb_ring_metadata_write(const zb_ring *ring, const void *data, uint64_t size) {
    zb_oieb *oieb = ring->oieb;
    if (size == 0) return ZB_METADATA_EMPTY;
    if (ring->metadata_size < ZB_METADATA_PREFIX_SIZE || size > ring->metadata_size - ZB_METADATA_PREFIX_SIZE) {
        return ZB_METADATA_TOO_LARGE;
    }
    if (zb_load(&oieb->metadata_written_bytes) != 0) return ZB_METADATA_EXISTS;
    memcpy(ring->metadata + ZB_METADATA_PREFIX_SIZE, data, size);
    memcpy(ring->metadata, &size, sizeof size);
    ZB_POINT(WRITER_METADATA);
    zb_store(&oieb->metadata_free_bytes, ring->metadata_size - size - ZB_METADATA_PREFIX_SIZE);
    /* Release: a reader that sees a length sees the content. */
    zb_store(&oieb->metadata_written_bytes, size + ZB_METADATA_PREFIX_SIZE);
    return ZB_OK;
}

zb_status zb_ring_metadata_read(const zb_ring *ring, const uint8_t **data, uint64_t *size, zb_fault *fault) {
    const uint64_t written = zb_load(&ring->oieb->metadata_written_bytes);
    if (written == 0) return ZB_NO_METADATA;
    if (written <= ZB_METADATA_PREFIX_SIZE || written > ring->metadata_size) {
        return fault_at(fault, ZB_INVALID_OIEB, "metadata_written_bytes", written, ring->metadata_size);
    }
    uint64_t prefix;
    memcpy(&prefix, ring->metadata, sizeof prefix);
    if (prefix != written - ZB_METADATA_PREFIX_SIZE) {
        return fault_at(fault, ZB_INVALID_OIEB, "metadata length", prefix, written - ZB_METADATA_PREFIX_SIZE);
    }
    *data = ring->metadata + ZB_METADATA_PREFIX_SIZE;
    *size = prefix;
    return ZB_OK;
}
