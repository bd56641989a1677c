/* Says whether the reader lives and where a frame goes, and waits until there is room for it. */
#include "point.h"
#include "writer.h"

/* A writer that never blocks takes the tokens of "space" once in so many writes: they would overflow at 2^31 - 1. */
#define DRAIN_INTERVAL 64u
#define ROOM_PAUSES 32

int zb_writer_usable(ZbWriter *self) {
    if (zb_endpoint_usable((ZbEndpoint *)self) < 0) return -1;
    if (self->busy || self->slot_open) {
        zb_raise(self->handle, "busy", "{s:s}", "reason",
                 self->slot_open ? "an acquired frame is neither committed nor abandoned"
                                 : "another thread is writing");
        return -1;
    }
    return 0;
}

/* ---- the reader's life --------------------------------------------------------------------------------------- */

/* Whether the reader that `pid` names lives: by the reader's lock, or by its pid or its lock file if it is foreign. */
static bool reader_lives(ZbWriter *self, uint64_t pid) {
    zb_handle *handle = self->handle;
    zb_peer_watch(&self->peer, pid);
    if (zb_handle_locked(handle, ZB_READER_LOCK)) return true;
    if (zb_load(&handle->ring.oieb->released) != 0) return false;
    if (!zb_handle_has_name(handle)) return false;
    return zb_peer_alive(&self->peer) || (self->peer.unknown && zb_handle_lock_file_held(handle));
}

/* NULL while the reader lives, else why it does not. */
static const char *reader_gone(ZbWriter *self, int64_t now) {
    const uint64_t pid = zb_load(&self->handle->ring.oieb->reader_pid);
    if (pid == 0) return "closed";
    if (zb_peer_fresh(&self->peer, pid, now)) return NULL;
    /* The reader may have closed since its pid was loaded. */
    if (!reader_lives(self, pid)) return zb_load(&self->handle->ring.oieb->reader_pid) == 0 ? "closed" : "died";
    self->peer.seen_alive = now;
    return NULL;
}

int zb_writer_check_reader(ZbWriter *self, int64_t now) {
    const char *reason = reader_gone(self, now);
    if (reason == NULL) return 0;
    zb_raise(self->handle, "reader_dead", "{s:s,s:K}", "reason", reason, "pid", (unsigned long long)self->peer.pid);
    return -1;
}

/* ---- space --------------------------------------------------------------------------------------------------- */

static bool space_free(const ZbWriter *self, uint64_t need) {
    const zb_ring *ring = &self->handle->ring;
    return zb_ring_room(ring, self->committed) >= need || zb_load(&ring->oieb->reader_pid) == 0;
}

/*
 * A writer that goes on at the first free byte of a full ring meets the reader on the same cache lines at every frame.
 * So it spins until an eighth of the ring is free, as long as the reader is at work, and looks seldom.
 */
typedef struct room {
    const zb_ring *ring;
    uint64_t committed;
    uint64_t wanted;
    uint64_t seen;
} room;

static zb_look look_for_room(void *context) {
    room *space = context;
    for (int i = 0; i < ROOM_PAUSES; i++) zb_pause();
    const uint64_t now = zb_ring_room(space->ring, space->committed);
    if (now >= space->wanted || zb_load(&space->ring->oieb->reader_pid) == 0) return ZB_READY;
    const bool moved = now != space->seen;
    space->seen = now;
    return moved ? ZB_PROGRESS : ZB_NOTHING;
}

void zb_writer_drain_space(ZbWriter *self) {
    for (int i = 0; i < 65536 && zb_semaphore_try(self->handle->space); i++) {
    }
}

/* Takes the free bytes from the words of ours. If another writer has moved the position, this one goes on plain. */
static int look_at_words(ZbWriter *self, uint64_t write_pos) {
    const zb_ring *ring = &self->handle->ring;
    if (write_pos != self->write_pos) {
        self->committed = 0;
        zb_ring_leave(ring);
        return 0;
    }
    const uint64_t free_now = zb_ring_room(ring, self->committed);
    if (free_now <= ring->payload_size) {
        self->free_bytes = free_now;
        return 0;
    }
    const zb_fault fault = {"released", zb_load(&ring->oieb->released), self->committed};
    zb_raise_fault(self->handle, ZB_INVALID_OIEB, &fault);
    return -1;
}

int zb_writer_look(ZbWriter *self) {
    zb_fault fault;
    const zb_ring *ring = &self->handle->ring;
    uint64_t write_pos;
    const zb_status status = zb_ring_writer_state(ring, &write_pos, &self->free_bytes, &fault);
    if (status != ZB_OK) {
        self->looked_at = 0;
        zb_raise_fault(self->handle, status, &fault);
        return -1;
    }
    if (self->committed != 0 && look_at_words(self, write_pos) < 0) return -1;
    self->write_pos = write_pos;
    self->written_count = zb_load(&ring->oieb->payload_written_count);
    return 0;
}

/* Plans a frame by the last look. Returns 1, 0 when too little is free, -1 with an error set. */
static int plan_now(ZbWriter *self, uint64_t size, zb_plan *plan) {
    const zb_ring *ring = &self->handle->ring;
    const zb_status status = zb_plan_frame(ring->payload_size, self->write_pos, size, plan);
    if (status == ZB_OK) return zb_plan_need(plan) <= self->free_bytes;
    const unsigned long long always = zb_ring_always_fits(ring->payload_size);
    if (status == ZB_FRAME_TOO_LARGE) {
        zb_raise(self->handle, "frame_too_large", "{s:K,s:K,s:K}", "size", (unsigned long long)size, "largest",
                 (unsigned long long)(ring->payload_size - ZB_HEADER_SIZE), "always_fits", always);
    } else if (status == ZB_FRAME_UNWRITABLE) {
        zb_raise(self->handle, "frame_unwritable", "{s:K,s:K,s:K}", "size", (unsigned long long)size, "fits_now",
                 (unsigned long long)zb_ring_fits_at(ring->payload_size, self->write_pos), "always_fits", always);
    } else {
        const zb_fault fault = {"frame size", size, ring->payload_size - ZB_HEADER_SIZE};
        zb_raise_fault(self->handle, status, &fault);
    }
    return -1;
}

/* Looks a last time at the room and at the reader, and sleeps once. Returns as wait_for_space does. */
static int sleep_once(ZbWriter *self, uint64_t need, uint64_t size, int64_t timeout_ns, int64_t deadline) {
    const int64_t now = zb_now();
    /* Before the look: a token that is posted after the look ends the sleep. */
    zb_writer_drain_space(self);
    if (space_free(self, need)) return 1;
    if (zb_writer_check_reader(self, now) < 0) return -1;
    if (now >= deadline) {
        zb_raise(self->handle, "buffer_full", "{s:d,s:K,s:K,s:K}", "seconds", (double)timeout_ns / 1e9, "size",
                 (unsigned long long)size, "needed", (unsigned long long)need, "free",
                 (unsigned long long)zb_ring_room(&self->handle->ring, self->committed));
        return -1;
    }
    return zb_nap((ZbEndpoint *)self, self->handle->space, now, deadline, "wait for space");
}

/* The caller retains the handle: the writer may be closed wherever the GIL is given up or a signal handler runs. */
static int nap_until_free(ZbWriter *self, uint64_t need, uint64_t size, int64_t timeout_ns, int64_t deadline) {
    const zb_ring *ring = &self->handle->ring;
    const uint64_t eighth = ring->payload_size / 8;
    room space = {.ring = ring, .committed = self->committed, .wanted = need > eighth ? need : eighth};
    if (timeout_ns != 0 && zb_courtesy_due(&self->courtesy)) {
        const uint64_t ticks = zb_give_way();
        if (self->closed) return zb_writer_usable(self);
        const uint64_t free_now = zb_ring_room(ring, self->committed);
        const uint64_t frames = free_now >= space.wanted ? free_now / (size + ZB_HEADER_SIZE) : 0;
        zb_courtesy_learn(&self->courtesy, frames, size, ticks);
    }
    if (timeout_ns != 0 && self->spin.limit_ns > 0 && !space_free(self, need)) {
        space.seen = zb_ring_room(ring, self->committed);
        Py_BEGIN_ALLOW_THREADS
        zb_spin_until(&self->spin, size, look_for_room, &space);
        Py_END_ALLOW_THREADS
        if (self->closed) return zb_writer_usable(self);
    }
    int ready = space_free(self, need);
    while (ready == 0 && !self->cancelled) ready = sleep_once(self, need, size, timeout_ns, deadline);
    if (ready <= 0) return ready;
    return zb_load(&ring->oieb->reader_pid) == 0 ? zb_writer_check_reader(self, zb_now()) : 1;
}

/* Waits until `need` bytes are free. Returns 1, 0 when cancelled, -1 with an error set. */
static int wait_for_space(ZbWriter *self, uint64_t need, uint64_t size, int64_t timeout_ns, int64_t deadline) {
    zb_handle *handle = self->handle;
    zb_handle_retain(handle);
    const int ready = nap_until_free(self, need, size, timeout_ns, deadline);
    zb_handle_release(handle);
    zb_nap_over((ZbEndpoint *)self);
    return ready;
}

/* Looks at the reader and the shared fields, unless the last look was a moment ago. */
static int refresh(ZbWriter *self) {
    const uint64_t ticks = zb_ticks();
    if (ticks - self->looked_at < ZB_MOMENT_TICKS) return 0;
    if (zb_writer_check_reader(self, zb_now()) < 0 || zb_writer_look(self) < 0) return -1;
    self->looked_at = ticks;
    return 0;
}

int zb_writer_plan(ZbWriter *self, uint64_t size, int64_t timeout_ns, zb_plan *plan) {
    if (refresh(self) < 0) return -1;
    if (++self->writes % DRAIN_INTERVAL == 0) zb_writer_drain_space(self);
    int planned = plan_now(self, size, plan);
    if (planned == 0) planned = zb_writer_look(self) < 0 ? -1 : plan_now(self, size, plan);
    const int64_t deadline = planned == 0 ? zb_deadline(timeout_ns, zb_now()) : 0;
    for (; planned == 0; planned = zb_writer_look(self) < 0 ? -1 : plan_now(self, size, plan)) {
        self->busy = true;
        const int ready = wait_for_space(self, zb_plan_need(plan), size, timeout_ns, deadline);
        self->busy = false;
        if (ready == 0) zb_raise(self->handle, "closed", "{s:s}", "what", "cancelled wait");
        if (ready <= 0) return -1;
    }
    if (planned < 0) return -1;
    ZB_POINT(WRITER_PLANNED);
    return 0;
}

PyObject *zb_writer_wait_space(PyObject *op, PyObject *const *args, Py_ssize_t count, PyObject *names) {
    ZbWriter *self = (ZbWriter *)op;
    int64_t timeout_ns;
    if (zb_parse_timeout("_wait_space", args, count, names, 1, &timeout_ns) < 0) return NULL;
    const Py_ssize_t size = PyNumber_AsSsize_t(args[0], PyExc_OverflowError);
    if (size == -1 && PyErr_Occurred()) return NULL;
    if (zb_writer_usable(self) < 0) return NULL;
    zb_plan plan;
    int ready = zb_writer_look(self) < 0 ? -1 : plan_now(self, (uint64_t)size, &plan);
    if (ready == 0) {
        const int64_t deadline = zb_deadline(timeout_ns, zb_now());
        ready = wait_for_space(self, zb_plan_need(&plan), (uint64_t)size, timeout_ns, deadline);
    }
    return ready < 0 ? NULL : PyBool_FromLong(ready);
}
