/*
 * The arithmetic of the ring over a mapped segment: no system call, no Python, no waiting.
 *
 * Nothing in shared memory is trusted. Each value is loaded once, checked against the mapping, and only then used. The
 * sizes are loaded once, when the segment is attached.
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
    ZB_METADATA_EXISTS,
    ZB_METADATA_TOO_LARGE,
    ZB_METADATA_EMPTY,
    ZB_NO_METADATA,
} zb_status;

/* A field that is wrong, and what it holds, for the error that the caller raises. */
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

/* Where a frame will stand, and what it takes from the ring. */
typedef struct zb_plan {
    uint64_t write_pos; /* where the writer stands now */
    uint64_t at;        /* where the header goes */
    uint64_t total;     /* header and data */
    uint64_t tail;      /* bytes given up at the end, 0 when the frame goes to write_pos */
    bool marker;        /* whether the tail has room for a wrap marker */
} zb_plan;

static inline uint64_t zb_plan_need(const zb_plan *plan) { return plan->tail + plan->total; }

/* Frames that are written but not yet committed: a batch moves the shared fields once. */
typedef struct zb_commit {
    uint64_t new_pos;
    uint64_t bytes;
    uint64_t counted; /* frames and markers */
    uint64_t frames;
} zb_commit;

/* A frame that zb_ring_peek found, behind a tail of `wrapped` bytes. */
typedef struct zb_found {
    uint8_t *data;
    uint64_t size;
    uint64_t sequence;
    uint64_t wrapped;
    uint64_t next_pos;
    uint64_t counted; /* 1, or 2 with a marker */
} zb_found;

/* Writes a fresh OIEB; the sizes are rounded already. reader_pid is stored last: with it the buffer exists. */
void zb_ring_format(void *base, uint64_t metadata_size, uint64_t payload_size, uint64_t reader_pid);
/* Checks the OIEB against the true length of the mapping and fills `ring`. */
zb_status zb_ring_attach(zb_ring *ring, void *base, uint64_t length, zb_fault *fault);

/* The largest frame that fits at any position, and the largest that fits an empty ring at `write_pos`. */
uint64_t zb_ring_always_fits(uint64_t payload_size);
uint64_t zb_ring_fits_at(uint64_t payload_size, uint64_t write_pos);
/* Plans a frame of `size` bytes for a ring whose writer stands at `write_pos`. Pure. */
zb_status zb_plan_frame(uint64_t payload_size, uint64_t write_pos, uint64_t size, zb_plan *plan);
/* Loads and checks the writer's position and the free bytes. */
zb_status zb_ring_writer_state(const zb_ring *ring, uint64_t *write_pos, uint64_t *free_bytes, zb_fault *fault);

/* Writes the header and the marker of a planned frame, whose data is written already, and adds it to `commit`. */
void zb_ring_stage(const zb_ring *ring, const zb_plan *plan, uint64_t size, uint64_t sequence, zb_commit *commit);
/*
 * Commits staged frames. `count` and `committed` are the new words of these names; a plain writer gives 0 for
 * `committed`. Returns the free bytes from before, unchecked. The caller then posts "data" once for each frame.
 */
uint64_t zb_ring_publish(const zb_ring *ring, const zb_commit *commit, uint64_t count, uint64_t committed);
/* The free bytes; for a plain writer `committed` is 0. More than payload_size if another process wrote nonsense. */
static inline uint64_t zb_ring_room(const zb_ring *ring, uint64_t committed) {
    if (committed == 0) return zb_load(&ring->oieb->payload_free_bytes);
    const uint64_t released = zb_load(&ring->oieb->released) & ~ZB_RELEASING;
    return ring->payload_size - (committed - released);
}

/*
 * A writer connects in two steps, both with the writer's lock held. First, if the last writer died: sets the fields to
 * what it had committed. `ours`: the dead writer kept the words of ours. False if that cannot be told now: try again.
 */
bool zb_ring_inherit(const zb_ring *ring, bool ours);
/* Second, with writer_pid 0: finds `committed`. ZB_PLAIN: the words of ours do not hold, and the writer works plain. */
typedef enum zb_resumed { ZB_RESUMED, ZB_PLAIN, ZB_TRY_AGAIN } zb_resumed;
zb_resumed zb_ring_resume(const zb_ring *ring, uint64_t *committed);
/* Announces the connection that is about to claim writer_pid, and where its stream starts. */
void zb_ring_announce(const zb_ring *ring, uint64_t committed, uint32_t pid);
void zb_ring_leave(const zb_ring *ring);
/*
 * Sets the fields straight after the death of a writer whose frames are all read. The caller has the claim. `read`
 * bytes were ever read, and `held` of them are not yet released.
 */
void zb_ring_settle(const zb_ring *ring, uint64_t read_pos, uint64_t read, uint64_t held);

/* Looks at the next frame from `pos`, and changes nothing. */
zb_status zb_ring_peek(const zb_ring *ring, uint64_t pos, zb_found *found, zb_fault *fault);
zb_status zb_ring_reader_pos(const zb_ring *ring, uint64_t *read_pos, zb_fault *fault);
void zb_ring_advance(const zb_ring *ring, uint64_t next_pos, uint64_t count);
/* Gives bytes back to the writer, and adds them to *released. */
void zb_ring_free(const zb_ring *ring, uint64_t *released, uint64_t bytes);

zb_status zb_ring_metadata_write(const zb_ring *ring, const void *data, uint64_t size);
zb_status zb_ring_metadata_read(const zb_ring *ring, const uint8_t **data, uint64_t *size, zb_fault *fault);

#endif
