/* What a reader and a writer do alike: attach to a segment, be told to stop waiting, leave. */
#include <errno.h>

#include "binding.h"

int zb_endpoint_attach(ZbEndpoint *self, PyObject *args) {
    int fd;
    const char *name, *data, *space, *lock_path;
    double spin;
    if (!PyArg_ParseTuple(args, "issssd", &fd, &name, &data, &space, &lock_path, &spin)) return -1;
    if (self->handle != NULL) {
        PyErr_SetString(PyExc_RuntimeError, "already attached");
        return -1;
    }
    self->handle = zb_handle_open(fd, name, data, space, lock_path);
    if (self->handle == NULL) return -1;
    zb_spin_init(&self->spin, (int64_t)(spin * 1e9));
    self->closed = false;
    return 0;
}

zb_nap zb_nap_on(sem_t *semaphore, zb_wake (*wait)(sem_t *, int64_t), int64_t now, int64_t deadline) {
    const int64_t slice = deadline - now > ZB_SLICE_NS ? now + ZB_SLICE_NS : deadline;
    zb_nap nap;
    Py_BEGIN_ALLOW_THREADS
    nap.wake = wait(semaphore, slice);
    nap.error = errno;
    Py_END_ALLOW_THREADS
    return nap;
}

int zb_nap_ended(const zb_handle *handle, zb_nap nap, const char *operation) {
    if (nap.wake == ZB_WAIT_FAILED) {
        errno = nap.error;
        zb_raise_errno(handle, operation);
        return -1;
    }
    return nap.wake == ZB_INTERRUPTED && PyErr_CheckSignals() != 0 ? -1 : 0;
}

void zb_endpoint_leave(ZbEndpoint *self) {
    zb_peer_close(&self->peer);
    zb_handle_release(self->handle);
    self->handle = NULL;
}

PyObject *zb_endpoint_new(PyTypeObject *type, PyObject *Py_UNUSED(args), PyObject *Py_UNUSED(named)) {
    ZbEndpoint *self = (ZbEndpoint *)type->tp_alloc(type, 0);
    if (self != NULL) zb_peer_init(&self->peer);
    return (PyObject *)self;
}

PyObject *zb_endpoint_set_cancelled(PyObject *op, PyObject *flag) {
    const int cancelled = PyObject_IsTrue(flag);
    if (cancelled < 0) return NULL;
    ((ZbEndpoint *)op)->cancelled = cancelled;
    Py_RETURN_NONE;
}

PyObject *zb_endpoint_closed(PyObject *op, void *Py_UNUSED(closure)) {
    const ZbEndpoint *self = (ZbEndpoint *)op;
    return PyBool_FromLong(self->closed || self->handle == NULL);
}
