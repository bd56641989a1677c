/* Says whether there is a frame and whether its writer lives, and waits. docs/protocol.md has the rules. */
#include "point.h"
#include "reader.h"

const zb_identity zb_stream_of_the_gone = {.connection = UINT64_MAX};

/* ---- whether there is a frame -------------------------------------------------------------------------------- */

static bool is_committed(const ZbReader *self) {
    const uint64_t ahead = zb_load(&self->handle->ring.oieb->committed) - self->read;
    return ahead - 1 < self->handle->ring.payload_size;
}

/* Takes tokens until the reader has one more than it has read frames, or none is left. */
static bool take_tokens(ZbReader *self) {
    while (self->balance <= 0 && zb_semaphore_try(self->handle->data)) self->balance++;
    return self->balance > 0;
}

bool zb_reader_frame_there(ZbReader *self) { return take_tokens(self) || is_committed(self); }

#define TOKEN_PAUSES 400

void zb_reader_pay(ZbReader *self) {
    self->balance--;
    /* The frame may have been found by `committed`: then its token comes in a moment, unless the writer was killed. */
    for (int i = 0; self->balance < 0 && i < TOKEN_PAUSES; i++) {
        if (zb_semaphore_try(self->handle->data)) self->balance++;
        else zb_pause();
    }
}

void zb_reader_put_back(ZbReader *self) {
    if (self->closed) return;
    for (; self->balance > 0; self->balance--) sem_post(self->handle->data);
}

/* ---- the writer's life --------------------------------------------------------------------------------------- */

typedef enum writer_state { WRITER_ABSENT, WRITER_ALIVE, WRITER_CLOSED, WRITER_DEAD } writer_state;

static const char *const state_names[] = {"absent", "alive", "closed", "died"};

#define CHANGES_MOST 1000

zb_identity zb_reader_writer(const ZbReader *self) {
    const zb_oieb *oieb = self->handle->ring.oieb;
    /* `connection` first: an announcement that was taken back must not be found with the pid of the next writer. */
    const uint64_t connection = zb_load(&oieb->connection);
    return (zb_identity){zb_load(&oieb->writer_pid), zb_connection_number(connection)};
}

/* Whether the writer that `pid` and `connection` name lives: by the writer's lock, or by its pid if it is foreign. */
static bool writer_lives(ZbReader *self, uint64_t pid, uint64_t connection) {
    zb_peer_watch(&self->peer, pid);
    if (zb_handle_locked(self->handle, ZB_WRITER_LOCK)) {
        /* The pid may belong to another process by now. A pid that is unknown here is of another pid namespace. */
        if (self->peer.dead && !self->peer.unknown) zb_peer_renew(&self->peer);
        return true;
    }
    if (zb_connection_pid(connection) == pid) return false;
    if (!zb_peer_alive(&self->peer)) zb_peer_renew(&self->peer);
    return zb_peer_alive(&self->peer);
}

static writer_state look_at_writer(ZbReader *self, int64_t now) {
    zb_oieb *oieb = self->handle->ring.oieb;
    uint64_t connection = zb_load(&oieb->connection);
    uint64_t pid = zb_load(&oieb->writer_pid);
    for (int changes = 0; pid != 0; changes++) {
        self->writer_seen = true;
        if (zb_peer_fresh(&self->peer, pid, now)) return WRITER_ALIVE;
        if (writer_lives(self, pid, connection)) {
            self->peer.seen_alive = now;
            self->settled = false;
            return WRITER_ALIVE;
        }
        /* The writer may have closed, and another one connected, since the two words were loaded. */
        const uint64_t before = connection, looked_at = pid;
        connection = zb_load(&oieb->connection);
        pid = zb_load(&oieb->writer_pid);
        if ((pid == looked_at && connection == before) || changes == CHANGES_MOST) return WRITER_DEAD;
    }
    if (zb_load(&oieb->payload_written_count) != 0 || zb_load(&oieb->metadata_written_bytes) != 0) {
        self->writer_seen = true;
    }
    return self->writer_seen ? WRITER_CLOSED : WRITER_ABSENT;
}

/*
 * Sets the fields straight after a death, for a foreign writer that comes next. No writer may start from fields that
 * are about to change: the writer's lock keeps ours away meanwhile, and our pid in writer_pid keeps foreign ones away.
 */
static void settle(ZbReader *self) {
    zb_handle *handle = self->handle;
    zb_oieb *oieb = handle->ring.oieb;
    const uint64_t dead = self->peer.pid;
    uint64_t claimed = dead, own = zb_load(&oieb->reader_pid);
    if (self->settled) return;
    if (zb_reader_know_position(self) < 0) {
        PyErr_Clear(); /* the position makes no sense: nothing is changed */
        return;
    }
    ZB_POINT(READER_DEATH);
    if (!atomic_compare_exchange_strong(&oieb->writer_pid, &claimed, own)) return;
    if (zb_handle_lock(handle, ZB_WRITER_LOCK)) {
        const bool drained = !zb_reader_frame_there(self);
        if (drained) zb_ring_settle(&handle->ring, self->read_pos, self->read, zb_leases_held(self));
        self->settled = true;
        zb_handle_unlock(handle, ZB_WRITER_LOCK);
    }
    atomic_compare_exchange_strong(&oieb->writer_pid, &own, dead);
}

/* ---- waiting ------------------------------------------------------------------------------------------------- */

/* What a spin without the GIL waits for: more tokens than `owed`. */
typedef struct expectation {
    sem_t *data;
    uint64_t owed;
} expectation;

static zb_look look_for_token(void *context) {
    const expectation *awaited = context;
    return zb_semaphore_pending(awaited->data) > awaited->owed ? ZB_READY : ZB_NOTHING;
}

static zb_look take_token(void *reader) { return take_tokens(reader) ? ZB_READY : ZB_NOTHING; }

/* Looks a last time for a frame and at the writer, and sleeps once. Returns as zb_reader_wait does. */
static int sleep_once(ZbReader *self, int64_t timeout_ns, int64_t deadline, bool anybody) {
    const int64_t now = zb_now();
    const writer_state state = look_at_writer(self, now);
    const zb_identity connected = zb_reader_writer(self);
    /* After the look at the writer: what a dead writer had committed is found here. */
    if (zb_reader_frame_there(self)) return 1;
    self->idle = connected;
    /* A token that a dead writer has not posted by now never comes. */
    if (state != WRITER_ALIVE) {
        self->balance = 0;
        self->stream = zb_stream_of_the_gone;
    }
    if (state == WRITER_DEAD) {
        settle(self);
        if (zb_reader_frame_there(self)) return 1;
    }
    if ((state == WRITER_CLOSED || state == WRITER_DEAD) && !anybody) {
        zb_raise(self->handle, "writer_dead", "{s:s,s:K}", "reason", state_names[state], "pid",
                 (unsigned long long)self->peer.pid);
        return -1;
    }
    if (now >= deadline) {
        zb_raise(self->handle, "timeout", "{s:d}", "seconds", (double)timeout_ns / 1e9);
        return -1;
    }
    return zb_nap((ZbEndpoint *)self, self->handle->data, now, deadline, "wait for data");
}

/* The caller retains the handle: the reader may be closed wherever the GIL is given up or a signal handler runs. */
static int wait_for_frame(ZbReader *self, int64_t timeout_ns, bool anybody) {
    const bool spin = timeout_ns != 0 && self->spin.limit_ns > 0;
    if (spin) {
        zb_headway_give(&self->headway, self->read_count);
        const int looks = zb_spin_briefly(&self->spin, take_token, self);
        zb_headway_learn(&self->headway, looks);
        if (looks > 0) return 1;
    }
    if (timeout_ns != 0 && zb_courtesy_due(&self->courtesy)) {
        const uint64_t ticks = zb_give_way();
        if (zb_endpoint_usable((ZbEndpoint *)self) < 0) return -1;
        zb_courtesy_learn(&self->courtesy, zb_semaphore_pending(self->handle->data), self->last_size, ticks);
        if (take_tokens(self)) return 1;
    }
    if (spin) {
        expectation awaited = {self->handle->data, self->balance < 0 ? (uint64_t)-self->balance : 0};
        Py_BEGIN_ALLOW_THREADS
        zb_spin_until(&self->spin, self->last_size, look_for_token, &awaited);
        Py_END_ALLOW_THREADS
        if (zb_endpoint_usable((ZbEndpoint *)self) < 0) return -1;
        if (take_tokens(self)) return 1;
    }
    const int64_t deadline = zb_deadline(timeout_ns, zb_now());
    while (!self->cancelled) {
        const int there = sleep_once(self, timeout_ns, deadline, anybody);
        if (there != 0) return there;
    }
    return 0;
}

int zb_reader_wait(ZbReader *self, int64_t timeout_ns, bool anybody) {
    zb_handle *handle = self->handle;
    zb_handle_retain(handle);
    const int there = wait_for_frame(self, timeout_ns, anybody);
    zb_handle_release(handle);
    zb_nap_over((ZbEndpoint *)self);
    return there;
}

PyObject *zb_reader_writer_state(PyObject *op, void *Py_UNUSED(closure)) {
    ZbReader *self = (ZbReader *)op;
    if (zb_endpoint_usable((ZbEndpoint *)self) < 0) return NULL;
    return PyUnicode_FromString(state_names[look_at_writer(self, zb_now())]);
}
