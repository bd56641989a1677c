/* Becoming the writer of a buffer. */
#include <time.h>
#include <unistd.h>

#include "writer.h"

/* Looks, a millisecond apart, before a post counts as owed. */
#define LOOKS 20
#define SNAPSHOT_TRIES 1000

/* The reader's position and the tokens that stood there with it. */
static void snapshot(const zb_handle *handle, uint64_t *read_pos, uint64_t *pending) {
    for (int tries = 0; tries < SNAPSHOT_TRIES; tries++) {
        *pending = zb_semaphore_pending(handle->data);
        *read_pos = zb_load(&handle->ring.oieb->payload_read_pos);
        /* Nobody posts while we hold the claim, so that an equal value means that no token was taken meanwhile. */
        if (zb_semaphore_pending(handle->data) == *pending) return;
    }
}

/*
 * How many posts of "data" a dead writer still owes. A reader that is between a token and its frame makes it look like
 * one too many: the least of several looks counts.
 */
static uint64_t owed_posts(const zb_handle *handle) {
    uint64_t owed = UINT64_MAX;
    for (int look = 0; look < LOOKS && owed > 0; look++) {
        const struct timespec moment = {.tv_nsec = look == 0 ? 0 : 1000000};
        Py_BEGIN_ALLOW_THREADS
        nanosleep(&moment, NULL);
        Py_END_ALLOW_THREADS
        uint64_t read_pos, pending;
        snapshot(handle, &read_pos, &pending);
        const uint64_t seen = zb_ring_recover(&handle->ring, read_pos, pending);
        if (seen < owed) owed = seen;
    }
    return owed;
}

/*
 * Claims the buffer by compare-and-swap: from nobody, or from a writer that is dead. Returns None, the pid of the
 * living writer that has it, or -1 while the reader is repairing it.
 */
PyObject *zb_writer_claim(PyObject *op, PyObject *Py_UNUSED(ignored)) {
    ZbWriter *self = (ZbWriter *)op;
    if (zb_writer_usable(self) < 0 || zb_writer_check_reader(self, zb_now()) < 0) return NULL;
    zb_oieb *oieb = self->handle->ring.oieb;
    uint64_t owner = zb_load(&oieb->writer_pid);
    if (owner != 0) {
        zb_peer peer;
        zb_peer_init(&peer);
        zb_peer_watch(&peer, owner);
        /* Our number without a lock is that of a dead process that had it before us, as in a restarted container. */
        const bool trusted = owner != (uint64_t)getpid() && zb_peer_alive(&peer);
        const bool doubtful = owner == (uint64_t)getpid() || peer.unknown;
        uint64_t first;
        const bool alive = trusted || (doubtful && zb_handle_writer_lock(self->handle, &first) != 0);
        zb_peer_close(&peer);
        if (alive) {
            /* The reader holds the claim for the moment in which it rolls back what a dead writer left. */
            const bool repairing = owner == zb_load(&oieb->reader_pid) && owner != (uint64_t)getpid();
            return repairing ? PyLong_FromLong(-1) : PyLong_FromUnsignedLongLong(owner);
        }
    }
    const uint64_t own = (uint64_t)getpid();
    if (!atomic_compare_exchange_strong(&oieb->writer_pid, &owner, own)) {
        return owner == 0 ? PyLong_FromLong(-1) : PyLong_FromUnsignedLongLong(owner);
    }
    self->claimed = true;
    zb_handle_lock_writer(self->handle, zb_ring_first(&self->handle->ring, zb_semaphore_pending(self->handle->data)));
    /* A writer that left by itself owes nothing: what seems unposted then is a token that the reader has just taken. */
    for (uint64_t owed = owner == 0 ? 0 : owed_posts(self->handle); owed > 0; owed--) sem_post(self->handle->data);
    self->looked_at = 0;
    zb_doze_nudge(self->handle->data);
    Py_RETURN_NONE;
}
