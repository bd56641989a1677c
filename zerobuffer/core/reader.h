/* The reading side: its state, and what it lends out. */
#ifndef ZB_READER_H
#define ZB_READER_H

#include "binding.h"

/* A stretch of the ring that is lent out. Frames may come back in any order; their space returns in ring order. */
typedef struct zb_lease {
    uint64_t bytes;
    bool returned;
    bool frame; /* its release posts "space"; that of a tail does not */
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
    uint64_t connection; /* the number of the last connection of ours */
} zb_identity;

typedef struct ZbReader {
    ZB_ENDPOINT_HEAD
    bool writer_seen;
    bool settled; /* the fields are straight after the death of the last writer */
    uint64_t expected;
    uint64_t last_size;
    bool position_known; /* false after a wait: the next two are loaded anew */
    /* Copies of two fields that only the reader writes. To load them back would wait for a cache line that the writer
     * is changing. */
    uint64_t read_pos;
    uint64_t read_count;
    uint64_t read;     /* bytes ever read, tails included: what `committed` is compared with */
    uint64_t released; /* bytes ever released */
    int64_t balance;   /* tokens taken, less frames read; above 0 only between a token and its frame */
    zb_identity stream; /* who wrote the stream; pid 0: a writer that is gone */
    uint64_t author;    /* pid that was connected when the stream began; 0: that writer cannot have written it */
    zb_identity idle;   /* the writer that was connected when nothing was left to read */
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
    bool finished; /* the frame was released: the lease ends with the last view */
} ZbSpan;

/* A memoryview over a new span; *span is borrowed and lives as long as the view. */
PyObject *zb_span_view(zb_handle *handle, ZbReader *reader, uint8_t *data, uint64_t size, uint64_t lease,
                       ZbSpan **span);
/* Points a retired view without another user at `data`; NULL when there is none. The caller fills its span. */
PyObject *zb_view_reuse(uint8_t *data, uint64_t size, ZbSpan **span);
/* Ends a view and keeps it for reuse, stealing the reference; false if something was derived from the view. */
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

/* The writer that is connected now. */
zb_identity zb_reader_writer(const ZbReader *self);
/* Whether there is a frame: by a token above those of the frames that were read, or by `committed`. */
bool zb_reader_frame_there(ZbReader *self);
/* Takes the token of a frame that was read. */
void zb_reader_pay(ZbReader *self);
/* Gives back the token of a frame that could not be read: the next read meets the same frame. */
void zb_reader_put_back(ZbReader *self);
/* Loads the read position, unless it is known; -1 with an error set. */
int zb_reader_know_position(ZbReader *self);
/*
 * Waits for a frame when there is none. Returns 1 when there is one, 0 when cancelled, -1 with an error set. That the
 * writer is gone is an error, unless the caller waits for anybody: then another writer may come.
 */
int zb_reader_wait(ZbReader *self, int64_t timeout_ns, bool anybody);
/* `absent`, `alive`, `closed` or `died`. */
PyObject *zb_reader_writer_state(PyObject *op, void *closure);
/* Differs from every identity that is connected now: what restarts after it is another stream. */
extern const zb_identity zb_stream_of_the_gone;

#endif
