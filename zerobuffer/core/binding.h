/* What the Python types of the core share. Everything here runs with the GIL held unless it says otherwise. */
#ifndef ZB_BINDING_H
#define ZB_BINDING_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdint.h>

#include "clock.h"
#include "peer.h"
#include "ring.h"
#include "wait.h"

/* Copies above this size release the GIL; below it, releasing costs more than the copy. */
#define ZB_COPY_GIL_LIMIT 32768
/* Calls that follow each other this fast rely on the last look at the shared fields. */
#define ZB_STREAMING_NS 2000
#define ZB_DEFAULT_TIMEOUT_NS 5000000000

/*
 * One mapped segment with its two semaphores. It lives until the last of its users is gone: the Reader or Writer
 * that opened it, every wait under way, and every memoryview into it. `refs` is guarded by the GIL.
 */
typedef struct zb_handle {
    int refs;
    bool detached; /* inherited through fork: the shared state belongs to the parent */
    int fd;
    void *base;
    size_t length;
    sem_t *data;
    sem_t *space;
    zb_ring ring;
    char name[256];
    char lock_path[512];
} zb_handle;

zb_handle *zb_handle_open(int fd, const char *name, const char *data_semaphore, const char *space_semaphore,
                          const char *lock_path);
void zb_handle_retain(zb_handle *handle);
void zb_handle_release(zb_handle *handle);
/*
 * Proof of life beside the pids, which mean nothing in another pid namespace: each side of ours holds a lock on the
 * segment, far behind its end, where it is in nobody's way. Where the writer's lock stands tells one connection from
 * another. A foreign reader proves its life by its lock file.
 */
void zb_handle_lock_reader(const zb_handle *handle);
/* `first` is the count that stood in payload_written_count when this writer came: the lock's length carries it. */
void zb_handle_lock_writer(const zb_handle *handle, uint64_t first);
void zb_handle_unlock(const zb_handle *handle);
int64_t zb_handle_writer_lock(const zb_handle *handle, uint64_t *first);
bool zb_handle_reader_lock_held(const zb_handle *handle);

/* Copies; a large copy releases the GIL, and the mapping outlives it whatever is closed meanwhile. */
void zb_copy(zb_handle *handle, void *target, const void *source, size_t size);

/* Raises the error of the catalogue with this code; `format` and what follows build a dict as Py_BuildValue does. */
PyObject *zb_raise(const zb_handle *handle, const char *code, const char *format, ...);
PyObject *zb_raise_fault(const zb_handle *handle, zb_status status, const zb_fault *fault);
PyObject *zb_raise_errno(const zb_handle *handle, const char *operation);
extern PyObject *zb_error_factory;

/* A timeout in seconds (None: for ever) as nanoseconds; -1 with an exception set when it is none. */
int64_t zb_timeout_ns(PyObject *seconds);
int64_t zb_deadline(int64_t timeout_ns, int64_t now);
/* Parses `(…required, timeout=…)` of a METH_FASTCALL | METH_KEYWORDS method. */
int zb_parse_timeout(const char *method, PyObject *const *args, Py_ssize_t count, PyObject *names, Py_ssize_t required,
                     int64_t *timeout_ns);

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
    PyObject_HEAD
    zb_handle *handle;
    bool closed;
    bool cancelled;
    bool writer_seen;
    bool rollback_due; /* once for each writer that dies */
    uint64_t tokens; /* taken from "data" but not yet turned into a frame */
    uint64_t expected;
    uint64_t last_size;
    /* Copies of the two fields that only we write: loading them back would wait for a cache line that the writer is
     * changing. Taken anew whenever the reader had to wait. */
    bool position_known;
    uint64_t read_pos;
    uint64_t read_count;
    zb_identity stream; /* pid 0: a writer that is gone */
    zb_peer peer;
    zb_spin spin;
    zb_headway headway;
    zb_leases leases;
} ZbReader;

typedef struct ZbWriter {
    PyObject_HEAD
    zb_handle *handle;
    bool closed;
    bool cancelled;
    bool slot_open;
    bool busy; /* a copy is under way with the GIL released */
    bool claimed;
    uint64_t sequence; /* of the next frame */
    uint32_t writes;
    /* Copies of what only we write, and the least that is free: good for ZB_STREAMING_NS after they were taken. */
    int64_t looked_at;
    uint64_t write_pos;
    uint64_t written_count;
    uint64_t free_bytes;
    zb_peer peer;
    zb_spin spin;
} ZbWriter;

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

extern PyTypeObject ZbReaderType, ZbWriterType, ZbFrameType, ZbFrameBatchType, ZbSlotType, ZbSpanType;

/* A memoryview over a new span; *span is borrowed and lives as long as the view. */
PyObject *zb_span_view(zb_handle *handle, ZbReader *reader, uint8_t *data, uint64_t size, uint64_t lease,
                       ZbSpan **span);
/* A view that was retired and has no other user, pointed at `data`; NULL when there is none. Its span comes empty. */
PyObject *zb_view_reuse(uint8_t *data, uint64_t size, ZbSpan **span);
/* Ends a view that nothing is derived from and keeps it for reuse (stealing the reference); false: it is not plain. */
bool zb_view_retire(PyObject *view);
/* Ends a view that its owner gives up: afterwards a use of it raises. Steals the reference. */
void zb_view_end(PyObject *view);

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

#endif
