/* What a reader and a writer do alike: attach to a segment, sleep, leave. */
#include <errno.h>
#include <sched.h>
#include <unistd.h>

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

/* Whether there is no peer that could end. A peer whose pid is not known here may live. */
static bool nobody_there(const ZbEndpoint *self) {
    return self->peer.pid == 0 || (self->peer.dead && !self->peer.unknown);
}

/* Whether this nap may be a doze: there is no peer that could end, or a thread tells when it does. */
static bool may_doze(ZbEndpoint *self) {
    if (self->naps < ZB_DOZE_AFTER_SLICES || !zb_doze_possible()) return false;
    if (nobody_there(self)) return true;
    /* A peer with our pid is of another pid namespace. */
    if (self->peer.pid == (uint64_t)getpid()) return false;
    return self->peer.pidfd >= 0 && zb_doze_watch(&self->doze, self->peer.pid, self->peer.pidfd);
}

int zb_nap(ZbEndpoint *self, sem_t *semaphore, int64_t now, int64_t deadline, const char *operation) {
    zb_wake wake;
    const uint32_t news = zb_doze_news(&self->doze);
    const bool dozes = may_doze(self);
    const int64_t most = now + (dozes ? ZB_DOZE_NS : ZB_SLICE_NS);
    const int64_t until = deadline < most ? deadline : most;
    /* The peer may have ended before `news` was read: the doze would not see that call. */
    if (dozes && !nobody_there(self) && !zb_peer_alive(&self->peer)) return 0;
    self->naps++;
    Py_BEGIN_ALLOW_THREADS
    wake = dozes ? zb_doze_on(&self->doze, semaphore, news, until) : zb_semaphore_watch(semaphore, until);
    Py_END_ALLOW_THREADS
    if (wake == ZB_WAIT_FAILED) zb_raise_errno(self->handle, operation);
    /* Always: a signal that came just before the nap did not interrupt it. */
    if (wake == ZB_WAIT_FAILED || PyErr_CheckSignals() != 0) return -1;
    return zb_endpoint_usable(self);
}

uint64_t zb_give_way(void) {
    const uint64_t begun = zb_ticks();
    Py_BEGIN_ALLOW_THREADS
    sched_yield();
    Py_END_ALLOW_THREADS
    return zb_ticks() - begun;
}

void zb_nap_over(ZbEndpoint *self) {
    self->naps = 0;
    zb_doze_end(&self->doze);
}

void zb_endpoint_leave(ZbEndpoint *self) {
    zb_doze_call(&self->doze);
    zb_doze_join(&self->doze);
    zb_peer_close(&self->peer);
    zb_handle_release(self->handle);
    self->handle = NULL;
}

PyObject *zb_endpoint_new(PyTypeObject *type, PyObject *Py_UNUSED(args), PyObject *Py_UNUSED(named)) {
    ZbEndpoint *self = (ZbEndpoint *)type->tp_alloc(type, 0);
    if (self == NULL) return NULL;
    self->closed = true;
    zb_peer_init(&self->peer);
    return (PyObject *)self;
}

PyObject *zb_endpoint_set_cancelled(PyObject *op, PyObject *flag) {
    const int cancelled = PyObject_IsTrue(flag);
    if (cancelled < 0) return NULL;
    ZbEndpoint *self = (ZbEndpoint *)op;
    self->cancelled = cancelled;
    if (cancelled) zb_doze_call(&self->doze);
    Py_RETURN_NONE;
}

PyObject *zb_endpoint_detach(PyObject *op, PyObject *Py_UNUSED(ignored)) {
    ZbEndpoint *self = (ZbEndpoint *)op;
    if (self->handle != NULL) zb_handle_detach(self->handle);
    Py_RETURN_NONE;
}

int zb_endpoint_usable(const ZbEndpoint *self) {
    if (!self->closed) return 0;
    const char *what = PyObject_TypeCheck((PyObject *)self, &ZbReaderType) ? "reader" : "writer";
    zb_raise(self->handle, "closed", "{s:s}", "what", what);
    return -1;
}
