/* What the Python types of the core share. All of it runs with the GIL held, unless it says otherwise. */
#ifndef ZB_BINDING_H
#define ZB_BINDING_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdint.h>
#include <structmember.h>

#include "clock.h"
#include "doze.h"
#include "peer.h"
#include "ring.h"
#include "semaphores.h"
#include "spin.h"

/* Copies above this size release the GIL; below it, releasing costs more than the copy. */
#define ZB_COPY_GIL_LIMIT 32768
#define ZB_DEFAULT_TIMEOUT_NS 5000000000

/*
 * One mapped segment with its two semaphores. Its users are the Reader or Writer that opened it, each wait under way
 * and each memoryview into it; it lives until the last of them is gone. The GIL guards `refs`.
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
 * Signs of life: each side of ours locks one byte far behind the end of the segment. The kernel drops the lock with the
 * process, in whatever pid namespace. zerobuffer/presence.py takes the reader's when the segment is made.
 */
#define ZB_READER_LOCK ((int64_t)1 << 40)
#define ZB_WRITER_LOCK ((int64_t)1 << 41)
/* Takes a lock; false if another process holds it. */
bool zb_handle_lock(const zb_handle *handle, int64_t place);
void zb_handle_unlock(const zb_handle *handle, int64_t place);
/* Whether another process holds a lock. */
bool zb_handle_locked(const zb_handle *handle, int64_t place);
/* Whether the segment still has a name. If it has none, it was replaced, and the lock file is another reader's. */
bool zb_handle_has_name(const zb_handle *handle);
/* Whether the lock file is held: then a foreign reader lives, even if its pid is not known here. */
bool zb_handle_lock_file_held(const zb_handle *handle);
/* In a child of fork: closes the descriptor that carries the parent's lock. The mapping stays for its users. */
void zb_handle_detach(zb_handle *handle);

/* Copies. A large copy releases the GIL; the mapping outlives it even if the endpoint is closed meanwhile. */
void zb_copy(zb_handle *handle, void *target, const void *source, size_t size);

/* Raises the error with this code. `format` and what follows build the dict of its values, as Py_BuildValue does. */
PyObject *zb_raise(const zb_handle *handle, const char *code, const char *format, ...);
PyObject *zb_raise_fault(const zb_handle *handle, zb_status status, const zb_fault *fault);
PyObject *zb_raise_errno(const zb_handle *handle, const char *operation);
/* Gives a ResourceWarning about an object that is dropped before its place in the ring was given back. */
void zb_warn_lost(PyObject *owner, const char *format, ...);
extern PyObject *zb_error_factory;

/* Converts a timeout in seconds (None: for ever) to nanoseconds; -1 with an exception set. */
int64_t zb_timeout_ns(PyObject *seconds);
int64_t zb_deadline(int64_t timeout_ns, int64_t now);
/* Parses `(…required, timeout=…)` of a METH_FASTCALL | METH_KEYWORDS method. */
int zb_parse_timeout(const char *method, PyObject *const *args, Py_ssize_t count, PyObject *names, Py_ssize_t required,
                     int64_t *timeout_ns);

/* Flags of the methods that take `(…, timeout=…)`, and the cast that their table needs. */
#define ZB_FAST (METH_FASTCALL | METH_KEYWORDS)
#define ZB_FASTCALL(function) ((PyCFunction)(void (*)(void))function)

/*
 * What a reader and a writer have in common, at the same place in both. Another thread sets `cancelled`: the wait under
 * way then ends within a slice. `naps` counts the sleeps of the wait under way.
 */
#define ZB_ENDPOINT_HEAD                                                                                               \
    PyObject_HEAD zb_handle *handle; /* NULL before it attaches and after it leaves */                                 \
    bool closed; /* also before it attaches */                                                                         \
    bool cancelled;                                                                                                    \
    zb_peer peer;                                                                                                      \
    zb_spin spin;                                                                                                      \
    zb_doze doze;                                                                                                      \
    int naps;

typedef struct ZbEndpoint {
    ZB_ENDPOINT_HEAD
} ZbEndpoint;

/*
 * One sleep of a blocked wait, without the GIL, until there is a token, which stays, or until `deadline`: for a slice
 * at most, or for a doze once the wait is long. Returns 0 to look again at what the wait is for, and at the peer, or -1
 * with an exception set, as when the endpoint was closed meanwhile.
 */
int zb_nap(ZbEndpoint *self, sem_t *semaphore, int64_t now, int64_t deadline, const char *operation);
/* The wait is over, and so are its naps. */
void zb_nap_over(ZbEndpoint *self);
/* Lets other processes run on this core, without the GIL; returns how many ticks that took. */
uint64_t zb_give_way(void);

/* Performs `_attach`; -1 with an exception set. */
int zb_endpoint_attach(ZbEndpoint *self, PyObject *args);
/* Lets go of the peer and the segment. The mapping stays for its other users. */
void zb_endpoint_leave(ZbEndpoint *self);
PyObject *zb_endpoint_new(PyTypeObject *type, PyObject *args, PyObject *named);
PyObject *zb_endpoint_set_cancelled(PyObject *op, PyObject *flag);
/* In a child of fork, before the close: the shared state and the locks are the parent's. */
PyObject *zb_endpoint_detach(PyObject *op, PyObject *ignored);
/* 0, or -1 with ClosedError set. */
int zb_endpoint_usable(const ZbEndpoint *self);

extern PyTypeObject ZbReaderType, ZbWriterType, ZbFrameType, ZbFrameBatchType, ZbSlotType, ZbSpanType;

/* The structures of layout.h by name: size, and each field's offset and size. */
PyObject *zb_layout(PyObject *module, PyObject *ignored);

/* Ends a memoryview, stealing the reference: a later use of it raises. */
void zb_view_end(PyObject *view);

#endif
