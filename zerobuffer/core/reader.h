/* The reading side: its state, and what it lends out. */
#ifndef ZB_READER_H
#define ZB_READER_H

#include "binding.h"

/* What the reader handed out and has not yet had back. Space returns in ring order, whatever order frames come back. */
typedef struct zb_lease {
    uint64_t bytes;
    bool returned;
    bool frame; /* a frame's release posts "space"; a wrapped tail's does not */
} zb_lease;

typedef struct zb_leases {
    zb_lease *ring;
    uint64_t mask; /* capacity - 1; capacity is a power of two */
    uint64_t head;
    uint64_t tail;
} zb_leases;

/* Which writer a stream of sequence numbers came from. */
typedef struct zb_identity {
    uint64_t pid;
    int64_t connected_at; /* which connection of that process, by the place of its lock; 0 for foreign writers */
    uint64_t first;       /* frames and markers that were written before this connection */
} zb_identity;

typedef struct ZbReader {
    ZB_ENDPOINT_HEAD
    bool writer_seen;
    bool rollback_due; /* once for each writer that dies */
    uint64_t expected;
    uint64_t last_size;
    /* Copies of the two fields that only we write: loading them back would wait for a cache line that the writer is
     * changing. Taken anew whenever the reader had to wait. */
    bool position_known;
    uint64_t read_pos;
    uint64_t read_count;
    zb_identity stream; /* pid 0: a writer that is gone */
    uint64_t streams;   /* how many have begun */
    uint64_t surplus;   /* tokens that stood for no frame */
    zb_headway headway;
    zb_courtesy courtesy;
    zb_leases leases;
} ZbReader;

/* Exports ring memory to memoryviews, and knows when the last of them is gone. */
typedef struct ZbSpan {
    PyObject_HEAD
    zb_handle *handle;
    ZbReader *reader; /* NULL for a writer's slot */
    uint8_t *data;
    uint64_t size;
    uint64_t lease;
    Py_ssize_t exports;
    bool finished; /* the frame was released: the lease goes back with the last view */
} ZbSpan;

/* A memoryview over a new span; *span is borrowed and lives as long as the view. */
PyObject *zb_span_view(zb_handle *handle, ZbReader *reader, uint8_t *data, uint64_t size, uint64_t lease,
                       ZbSpan **span);
/* A view that was retired and has no other user, pointed at `data`; NULL when there is none. Its span comes empty. */
PyObject *zb_view_reuse(uint8_t *data, uint64_t size, ZbSpan **span);
/* Ends a view that nothing is derived from and keeps it for reuse (stealing the reference); false: it is not plain. */
bool zb_view_retire(PyObject *view);

PyObject *zb_frame_new(ZbReader *reader, const zb_found *found, uint64_t lease);
void zb_frame_finish(PyObject *frame);
PyObject *zb_frame_batch_new(ZbReader *reader, Py_ssize_t capacity);
void zb_frame_batch_append(PyObject *batch, const zb_found *found, uint64_t lease);

/* Returns the lease's number, or UINT64_MAX with MemoryError set. */
uint64_t zb_lease_push(ZbReader *reader, uint64_t bytes, bool frame);
void zb_lease_mark(ZbReader *reader, uint64_t lease);
/* Gives the marked leases at the head back to the ring. */
void zb_lease_drain(ZbReader *reader);
uint64_t zb_leases_held(const ZbReader *reader);

/* ---- token.c ------------------------------------------------------------------------------------------------- */

int zb_reader_usable(const ZbReader *self);
/*
 * A token is taken with the GIL held, by the call that turns it into a frame at once or puts it back: whoever makes up
 * for the posts of a dead writer finds every frame either read or pending. All other waits only look; one that waits
 * for anybody's token goes on when the writer is gone, as another one may come.
 */
typedef enum zb_token { ZB_TOKEN_TAKEN, ZB_TOKEN_SEEN, ZB_TOKEN_OF_ANYBODY } zb_token;
/*
 * Waits for a token of "data", of which there was none. Returns 1 with a token, 0 when cancelled, -1 with an error set.
 * A death is reported only when no token is left: what was committed before it is delivered first.
 */
int zb_reader_wait(ZbReader *self, int64_t timeout_ns, zb_token token);
/* `absent`, `alive`, `closed` or `died`. */
PyObject *zb_reader_writer_state(PyObject *op, PyObject *ignored);
/* Differs from every identity that is connected now: what restarts after it is another stream. */
extern const zb_identity zb_stream_of_the_gone;

#endif
