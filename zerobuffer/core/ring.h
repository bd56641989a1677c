/*
 * The arithmetic of the ring over a mapped segment: no system call, no Python, no waiting.
 *
 * Whatever stands in shared memory is untrusted: every value is loaded once, checked against the mapping, and only
 * then used. The sizes are taken once, when the segment is attached, and never read again.
 */
#ifndef ZB_RING_H
#define ZB_RING_H

#include <stdbool.h>
#include <stdint.h>

#include "layout.h"

typedef enum zb_status {
    ZB_OK = 0,
    ZB_INVALID_OIEB,
    ZB_VERSION_MISMATCH,
    ZB_FRAME_TOO_LARGE,
    ZB_FRAME_UNWRITABLE,
    ZB_INVALID_FRAME_SIZE,
    ZB_SEQUENCE,
    ZB_METADATA_EXISTS,
    ZB_METADATA_TOO_LARGE,
    ZB_METADATA_EMPTY,
    ZB_NO_METADATA,
} zb_status;

/* Which field was wrong and what it held, for the error that the caller raises. */
typedef struct zb_fault {
    const char *field;
    uint64_t value;
    uint64_t limit;
} zb_fault;

typedef struct zb_ring {
    zb_oieb *oieb;
    uint8_t *metadata;
    uint8_t *payload;
    uint64_t metadata_size;
    uint64_t payload_size;
} zb_ring;

/* Where a frame of `total` bytes (header included) will stand, and what writing it costs. */
typedef struct zb_plan {
    uint64_t write_pos; /* where the writer stands now */
    uint64_t at;        /* where the header goes */
    uint64_t total;     /* header and data */
    uint64_t tail;      /* bytes given up at the end, 0 when the frame goes to write_pos */
    bool marker;        /* whether the tail has room for a wrap marker */
} zb_plan;

static inline uint64_t zb_plan_need(const zb_plan *plan) { return plan->tail + plan->total; }

/* Commits made but not yet published: a batch moves the shared fields once. */
typedef struct zb_commit {
    uint64_t new_pos;
    uint64_t bytes;
    uint64_t counted; /* frames and markers */
    uint64_t frames;
} zb_commit;

/* A frame found by zb_ring_read. `wrapped` bytes of tail were passed on the way and are to be freed before it. */
typedef struct zb_found {
    uint8_t *data;
    uint64_t size;
    uint64_t sequence;
    uint64_t wrapped;
    uint64_t next_pos;
    uint64_t counted; /* 1, or 2 with a marker */
} zb_found;

/* Writes a fresh OIEB (sizes already rounded); reader_pid is stored last, which is what makes the buffer exist. */
void zb_ring_format(void *base, uint64_t metadata_size, uint64_t payload_size, uint64_t reader_pid);
/* Checks the OIEB against the true length of the mapping and fills `ring`. */
zb_status zb_ring_attach(zb_ring *ring, void *base, uint64_t length, zb_fault *fault);

/* The size that fits at any position, and the largest that can ever fit at `write_pos`. */
uint64_t zb_ring_always_fits(uint64_t payload_size);
uint64_t zb_ring_fits_at(uint64_t payload_size, uint64_t write_pos);
/* Pure: where a frame of `size` bytes goes in a ring of `payload_size` whose writer stands at `write_pos`. */
zb_status zb_plan_frame(uint64_t payload_size, uint64_t write_pos, uint64_t size, zb_plan *plan);
/* Loads and checks the writer's position and the free bytes. */
zb_status zb_ring_writer_state(const zb_ring *ring, uint64_t *write_pos, uint64_t *free_bytes, zb_fault *fault);

/* Header (and marker) of a planned frame whose data already stands behind its header; adds it to `commit`. */
void zb_ring_stage(const zb_ring *ring, const zb_plan *plan, uint64_t size, uint64_t sequence, zb_commit *commit);
/*
 * Makes staged frames part of the ring: `count` is the new payload_written_count, `committed` the new word of that name,
 * 0 for a plain writer. Returns the free bytes as they were before, unchecked. The caller then posts "data" once a frame.
 */
uint64_t zb_ring_publish(const zb_ring *ring, const zb_commit *commit, uint64_t count, uint64_t committed);
/*
 * Free bytes, for a plain writer (`committed` is 0) or one of ours; more than payload_size if somebody else wrote
 * there.
 */
static inline uint64_t zb_ring_room(const zb_ring *ring, uint64_t committed) {
    if (committed == 0) return zb_load(&ring->oieb->payload_free_bytes);
    const uint64_t released = zb_load(&ring->oieb->released) & ~ZB_RELEASING;
    return ring->payload_size - (committed - released);
}

/*
 * A writer connects in two steps, both with the writer's lock held. First, if the last one died: its fields are set to
 * what it committed; `ours` says that it kept the words. False: not to be told now, try again.
 */
bool zb_ring_inherit(const zb_ring *ring, bool ours);
/* Second, with writer_pid 0: finds `committed`. PLAIN: the words do not hold, the writer works as the protocol says. */
typedef enum zb_resumed { ZB_RESUMED, ZB_PLAIN, ZB_TRY_AGAIN } zb_resumed;
zb_resumed zb_ring_resume(const zb_ring *ring, uint64_t *committed);
/* Announces the connection that is about to claim writer_pid, and where its stream starts; pid 0: it is over. */
void zb_ring_announce(const zb_ring *ring, uint64_t committed, uint32_t pid);
void zb_ring_leave(const zb_ring *ring);
/*
 * Sets everything straight after the death of a writer whose frames are all read. The caller holds the claim. `read` are
 * the bytes ever read, `held` those of them that are not yet released.
 */
void zb_ring_settle(const zb_ring *ring, uint64_t read_pos, uint64_t read, uint64_t held);

/* Looks at the next frame from `pos`, changing nothing. */
zb_status zb_ring_peek(const zb_ring *ring, uint64_t pos, zb_found *found, zb_fault *fault);
zb_status zb_ring_reader_pos(const zb_ring *ring, uint64_t *read_pos, zb_fault *fault);
void zb_ring_advance(const zb_ring *ring, uint64_t next_pos, uint64_t count);
/* Gives bytes back to the writer; *released are those ever released. */
void zb_ring_free(const zb_ring *ring, uint64_t *released, uint64_t bytes);

zb_status zb_ring_metadata_write(const zb_ring *ring, const void *data, uint64_t size);
zb_status zb_ring_metadata_read(const zb_ring *ring, const uint8_t **data, uint64_t *size, zb_fault *fault);

#endif
