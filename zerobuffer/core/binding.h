/* What the Python types of the core share. Everything here runs with the GIL held unless it says otherwise. */
#ifndef ZB_BINDING_H
#define ZB_BINDING_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdint.h>

#include "clock.h"
#include "doze.h"
#include "peer.h"
#include "ring.h"
#include "wait.h"

/* Copies above this size release the GIL; below it, releasing costs more than the copy. */
#define ZB_COPY_GIL_LIMIT 32768
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
 * Signs of life: each side of ours holds a lock on the segment, one byte far behind its end. The kernel drops it with
 * the process, in whatever pid namespace. The reader's is taken when the segment is made (zerobuffer/presence.py).
 */
#define ZB_READER_LOCK ((int64_t)1 << 40)
#define ZB_WRITER_LOCK ((int64_t)1 << 41)
/* Takes a lock; false if somebody else holds it. */
bool zb_handle_lock(const zb_handle *handle, int64_t place);
void zb_handle_unlock(const zb_handle *handle, int64_t place);
/* Whether somebody else holds a lock. */
bool zb_handle_locked(const zb_handle *handle, int64_t place);
/* Whether the segment still has a name: without one it was replaced, and the lock file is another reader's. */
bool zb_handle_has_name(const zb_handle *handle);
/* Whether somebody holds the lock file: a foreign reader whose pid is not known here may live. */
bool zb_handle_lock_file_held(const zb_handle *handle);
/* In a child of fork: lets go of the descriptor that carries the parent's lock, whoever still uses the mapping. */
void zb_handle_detach(zb_handle *handle);

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

/* Flags of the methods that take `(…, timeout=…)`, and the cast that their table needs. */
#define ZB_FAST (METH_FASTCALL | METH_KEYWORDS)
#define ZB_FASTCALL(function) ((PyCFunction)(void (*)(void))function)

/*
 * What a reader and a writer have in common, at the same place in both. `cancelled` is set from another thread: the
 * wait under way ends within a slice. `naps` counts those of the wait under way.
 */
#define ZB_ENDPOINT_HEAD                                                                                               \
    PyObject_HEAD zb_handle *handle;                                                                                   \
    bool closed;                                                                                                       \
    bool cancelled;                                                                                                    \
    zb_peer peer;                                                                                                      \
    zb_spin spin;                                                                                                      \
    zb_doze doze;                                                                                                      \
    int naps;

typedef struct ZbEndpoint {
    ZB_ENDPOINT_HEAD
} ZbEndpoint;

/* One sleep of a blocked wait, without the GIL; `error` is the errno of one that failed. */
typedef struct zb_nap {
    zb_wake wake;
    int error;
} zb_nap;

/*
 * Naps until there is a token, which stays, or `deadline`; for a slice at the most, or for a doze once the wait is long.
 * The caller then looks at what it waits for, and at the peer.
 */
zb_nap zb_nap_on(ZbEndpoint *self, sem_t *semaphore, int64_t now, int64_t deadline);
/* What a nap that did not bring what was waited for means: 0 to look again, -1 with an exception set. */
int zb_nap_ended(const zb_handle *handle, zb_nap nap, const char *operation);
/* The wait is over, and so are its naps. */
void zb_nap_over(ZbEndpoint *self);

/* Maps the segment that the arguments of `_attach` name; -1 with an exception set. */
int zb_endpoint_attach(ZbEndpoint *self, PyObject *args);
/* Lets go of the peer and the segment. The mapping stays until the last wait, view or frame that uses it has gone. */
void zb_endpoint_leave(ZbEndpoint *self);
PyObject *zb_endpoint_new(PyTypeObject *type, PyObject *args, PyObject *named);
PyObject *zb_endpoint_set_cancelled(PyObject *op, PyObject *flag);
PyObject *zb_endpoint_closed(PyObject *op, void *closure);

extern PyTypeObject ZbReaderType, ZbWriterType, ZbFrameType, ZbFrameBatchType, ZbSlotType, ZbSpanType;

/* The structures of layout.h by name: size, and each field's offset and size. */
PyObject *zb_layout(void);

/* Ends a memoryview that its owner gives up: afterwards a use of it raises. Steals the reference. */
void zb_view_end(PyObject *view);

#endif
