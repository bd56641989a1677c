/* Tokens of "data": waiting for them, and for the writer that posts them. */
#include <sched.h>

#include "reader.h"

int zb_reader_usable(const ZbReader *self) {
    if (self->handle != NULL && !self->closed) return 0;
    zb_raise(self->handle, "closed", "{s:s}", "what", "reader");
    return -1;
}

/* ---- the writer's life --------------------------------------------------------------------------------------- */

typedef enum writer_state { WRITER_ABSENT, WRITER_ALIVE, WRITER_CLOSED, WRITER_DEAD } writer_state;

/* Differs from every identity that is connected now: what restarts after it is another stream. */
const zb_identity zb_stream_of_the_gone = {.connected_at = -1};

static writer_state look_at_writer(ZbReader *self, int64_t now) {
    zb_oieb *oieb = self->handle->ring.oieb;
    const uint64_t pid = zb_load(&oieb->writer_pid);
    if (pid == 0) {
        if (zb_load(&oieb->payload_written_count) != 0 || zb_load(&oieb->metadata_written_bytes) != 0) {
            self->writer_seen = true;
        }
        self->stream = zb_stream_of_the_gone;
        return self->writer_seen ? WRITER_CLOSED : WRITER_ABSENT;
    }
    self->writer_seen = true;
    if (pid != self->peer.pid) self->rollback_due = true;
    zb_peer_watch(&self->peer, pid);
    if (zb_peer_alive_recently(&self->peer, now)) return WRITER_ALIVE;
    uint64_t first;
    if (zb_handle_writer_lock(self->handle, &first) == 0) return WRITER_DEAD;
    /* A pid that was never known here may belong to another pid namespace: the lock on the segment proves it alive. */
    if (self->peer.unknown) return WRITER_ALIVE;
    /* The pid of a dead writer has come again, and its new process is a writer, too. */
    zb_peer_close(&self->peer);
    zb_peer_watch(&self->peer, pid);
    self->rollback_due = true;
    if (zb_peer_alive(&self->peer)) return WRITER_ALIVE;
    return WRITER_DEAD;
}

/*
 * Takes back what a dead writer left half-committed. The claim (writer_pid) is held meanwhile, so that no new writer
 * starts from a position that is about to change; a new writer that meets it waits for the moment this takes.
 */
static void roll_back(ZbReader *self) {
    zb_oieb *oieb = self->handle->ring.oieb;
    uint64_t dead = self->peer.pid;
    if (!self->rollback_due) return;
    self->rollback_due = false;
    if (!atomic_compare_exchange_strong(&oieb->writer_pid, &dead, zb_load(&oieb->reader_pid))) return;
    if (zb_semaphore_pending(self->handle->data) == 0) zb_ring_rollback(&self->handle->ring, zb_leases_held(self));
    zb_store(&oieb->writer_pid, self->peer.pid);
}

static PyObject *raise_writer_gone(ZbReader *self, writer_state state) {
    return zb_raise(self->handle, "writer_dead", "{s:s,s:K}", "reason", state == WRITER_CLOSED ? "closed" : "died",
                    "pid", (unsigned long long)self->peer.pid);
}

static zb_look look_for_data(void *semaphore) { return zb_semaphore_pending(semaphore) > 0 ? ZB_READY : ZB_NOTHING; }

static zb_look take_data(void *semaphore) { return zb_semaphore_try(semaphore) ? ZB_READY : ZB_NOTHING; }

static bool token_there(ZbReader *self, zb_token token) {
    sem_t *data = self->handle->data;
    return token == ZB_TOKEN_TAKEN ? zb_semaphore_try(data) : zb_semaphore_pending(data) > 0;
}

/* Lets others run on this core. 1 when a token came of it, 0 when not, -1 with an error set. */
static int give_way(ZbReader *self, zb_token token) {
    zb_handle *handle = self->handle;
    const uint64_t begun = zb_ticks();
    zb_handle_retain(handle);
    Py_BEGIN_ALLOW_THREADS
    sched_yield();
    Py_END_ALLOW_THREADS
    const bool closed = self->closed;
    zb_handle_release(handle);
    if (closed) return zb_reader_usable(self);
    const uint64_t frames = zb_semaphore_pending(self->handle->data);
    zb_courtesy_learn(&self->courtesy, frames, self->last_size, zb_ticks() - begun);
    return frames > 0 && token_there(self, token);
}

static int wait_for_token(ZbReader *self, int64_t timeout_ns, zb_token token) {
    bool spin = timeout_ns != 0 && self->spin.limit_ns > 0;
    if (spin) {
        zb_headway_give(&self->headway, self->read_count);
        const zb_condition condition = token == ZB_TOKEN_TAKEN ? take_data : look_for_data;
        const int looks = zb_spin_briefly(&self->spin, condition, self->handle->data);
        zb_headway_learn(&self->headway, looks);
        if (looks > 0) return 1;
    }
    if (timeout_ns != 0 && zb_courtesy_due(&self->courtesy)) {
        const int there = give_way(self, token);
        if (there != 0) return there;
    }
    int64_t deadline = -1;
    for (;;) {
        bool woken = false;
        zb_nap nap = {.wake = ZB_TIMED_OUT};
        zb_handle *handle = self->handle;
        zb_handle_retain(handle);
        if (spin) {
            spin = false;
            Py_BEGIN_ALLOW_THREADS
            woken = zb_spin_until(&self->spin, self->last_size, look_for_data, handle->data);
            Py_END_ALLOW_THREADS
        }
        if (!woken && !self->closed && !self->cancelled) {
            const int64_t now = zb_now();
            if (deadline < 0) deadline = zb_deadline(timeout_ns, now);
            const writer_state state = look_at_writer(self, now);
            if (state == WRITER_CLOSED || state == WRITER_DEAD) {
                /* It may have posted between our last try and its end. */
                const bool there = token_there(self, token);
                if (!there && state == WRITER_DEAD) roll_back(self);
                if (!there && token != ZB_TOKEN_OF_ANYBODY) raise_writer_gone(self, state);
                if (there || token != ZB_TOKEN_OF_ANYBODY) {
                    zb_handle_release(handle);
                    return there ? 1 : -1;
                }
            }
            if (now >= deadline) {
                zb_handle_release(handle);
                zb_raise(self->handle, "timeout", "{s:d}", "seconds", (double)timeout_ns / 1e9);
                return -1;
            }
            nap = zb_nap_on((ZbEndpoint *)self, handle->data, false, now, deadline);
        }
        const bool closed = self->closed;
        zb_handle_release(handle);
        if (closed) return zb_reader_usable(self);
        if (token_there(self, token)) return 1;
        if (self->cancelled) return 0;
        if (zb_nap_ended(self->handle, nap, "wait for data") < 0) return -1;
    }
}

int zb_reader_wait(ZbReader *self, int64_t timeout_ns, zb_token token) {
    const int woken = wait_for_token(self, timeout_ns, token);
    zb_nap_over((ZbEndpoint *)self);
    return woken;
}

PyObject *zb_reader_writer_state(PyObject *op, PyObject *Py_UNUSED(ignored)) {
    ZbReader *self = (ZbReader *)op;
    if (zb_reader_usable(self) < 0) return NULL;
    static const char *const names[] = {"absent", "alive", "closed", "died"};
    return PyUnicode_FromString(names[look_at_writer(self, zb_now())]);
}
