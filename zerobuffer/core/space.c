/* Room in the ring: whether the reader lives, where a frame goes, and waiting until it can. */
#include <sched.h>

#include "point.h"
#include "writer.h"

/* Tokens of "space" pile up while the writer never blocks, and overflow at 2^31 - 1: drained every so many writes. */
#define DRAIN_INTERVAL 64u
#define ROOM_PAUSES 32

int zb_writer_usable(ZbWriter *self) {
    if (self->handle == NULL || self->closed) {
        zb_raise(self->handle, "closed", "{s:s}", "what", "writer");
        return -1;
    }
    if (self->busy || self->slot_open) {
        zb_raise(self->handle, "busy", "{s:s}", "reason",
                 self->slot_open ? "an acquired frame is neither committed nor abandoned"
                                 : "another thread is writing");
        return -1;
    }
    return 0;
}

/* ---- the reader's life --------------------------------------------------------------------------------------- */

/* NULL while the reader lives, else why it does not. */
static const char *reader_gone(ZbWriter *self, int64_t now) {
    const uint64_t pid = zb_load(&self->handle->ring.oieb->reader_pid);
    if (pid == 0) return "closed";
    zb_peer_watch(&self->peer, pid);
    if (zb_peer_alive_recently(&self->peer, now)) return NULL;
    if (self->peer.unknown && zb_handle_reader_lock_held(self->handle)) return NULL;
    return "died";
}

int zb_writer_check_reader(ZbWriter *self, int64_t now) {
    const char *reason = reader_gone(self, now);
    if (reason == NULL) return 0;
    zb_raise(self->handle, "reader_dead", "{s:s,s:K}", "reason", reason, "pid", (unsigned long long)self->peer.pid);
    return -1;
}

/* ---- space --------------------------------------------------------------------------------------------------- */

static bool space_free(const zb_oieb *oieb, uint64_t need) {
    return zb_load(&oieb->payload_free_bytes) >= need || zb_load(&oieb->reader_pid) == 0;
}

/*
 * A writer that goes on at the first free byte of a full ring meets the reader on the same cache lines at every
 * frame. So it spins, as long as the reader is at work, until an eighth of the ring is free, and looks seldom.
 */
typedef struct room {
    const zb_oieb *oieb;
    uint64_t wanted;
    uint64_t seen;
} room;

static zb_look look_for_room(void *context) {
    room *space = context;
    for (int i = 0; i < ROOM_PAUSES; i++) zb_pause();
    const uint64_t now = zb_load(&space->oieb->payload_free_bytes);
    if (now >= space->wanted || zb_load(&space->oieb->reader_pid) == 0) return ZB_READY;
    const bool moved = now != space->seen;
    space->seen = now;
    return moved ? ZB_PROGRESS : ZB_NOTHING;
}

void zb_writer_drain_space(ZbWriter *self) {
    for (int i = 0; i < 65536 && zb_semaphore_try(self->handle->space); i++) {
    }
}

/* Takes the shared fields anew. */
int zb_writer_look(ZbWriter *self) {
    zb_fault fault;
    const zb_ring *ring = &self->handle->ring;
    const zb_status status = zb_ring_writer_state(ring, &self->write_pos, &self->free_bytes, &fault);
    if (status != ZB_OK) {
        self->looked_at = 0;
        zb_raise_fault(self->handle, status, &fault);
        return -1;
    }
    self->written_count = zb_load(&ring->oieb->payload_written_count);
    return 0;
}

/* Plans a frame of `size` bytes from the last look. Returns 1 planned, 0 when too little is free, -1 on error. */
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
        zb_raise(self->handle, "invalid_frame_size", "{s:s,s:K,s:K}", "field", "frame size", "value",
                 (unsigned long long)size, "limit", (unsigned long long)(ring->payload_size - ZB_HEADER_SIZE));
    }
    return -1;
}

/* Lets others run on this core, the reader among them. */
static void give_way(ZbWriter *self, const room *space, uint64_t size) {
    zb_handle *handle = self->handle;
    const uint64_t begun = zb_ticks();
    zb_handle_retain(handle);
    Py_BEGIN_ALLOW_THREADS
    sched_yield();
    Py_END_ALLOW_THREADS
    const uint64_t now_free = zb_load(&space->oieb->payload_free_bytes);
    const uint64_t frames = now_free >= space->wanted ? now_free / (size + ZB_HEADER_SIZE) : 0;
    zb_courtesy_learn(&self->courtesy, frames, size, zb_ticks() - begun);
    zb_handle_release(handle);
}

static int nap_until_free(ZbWriter *self, uint64_t need, uint64_t size, int64_t timeout_ns, int64_t deadline) {
    const zb_oieb *oieb = self->handle->ring.oieb;
    const uint64_t eighth = self->handle->ring.payload_size / 8;
    room space = {.oieb = oieb, .wanted = need > eighth ? need : eighth};
    bool spin = timeout_ns != 0;
    if (timeout_ns != 0 && zb_courtesy_due(&self->courtesy)) {
        give_way(self, &space, size);
        if (self->closed) return zb_writer_usable(self);
    }
    while (!space_free(oieb, need)) {
        bool ready = false;
        zb_nap nap = {.wake = ZB_TIMED_OUT};
        zb_handle *handle = self->handle;
        zb_handle_retain(handle);
        if (spin && self->spin.limit_ns > 0) {
            spin = false;
            space.seen = zb_load(&oieb->payload_free_bytes);
            Py_BEGIN_ALLOW_THREADS
            zb_spin_until(&self->spin, size, look_for_room, &space);
            Py_END_ALLOW_THREADS
            ready = space_free(oieb, need);
        }
        if (!ready && !self->closed && !self->cancelled) {
            const int64_t now = zb_now();
            if (zb_writer_check_reader(self, now) < 0) {
                zb_handle_release(handle);
                return -1;
            }
            if (now >= deadline) {
                zb_handle_release(handle);
                zb_raise(self->handle, "buffer_full", "{s:d,s:K,s:K,s:K}", "seconds", (double)timeout_ns / 1e9, "size",
                         (unsigned long long)size, "needed", (unsigned long long)need, "free",
                         (unsigned long long)zb_load(&self->handle->ring.oieb->payload_free_bytes));
                return -1;
            }
            nap = zb_nap_on((ZbEndpoint *)self, handle->space, true, now, deadline);
        }
        const bool closed = self->closed;
        zb_handle_release(handle);
        if (closed) return zb_writer_usable(self);
        if (self->cancelled) return 0;
        if (zb_nap_ended(self->handle, nap, "wait for space") < 0) return -1;
    }
    return zb_load(&self->handle->ring.oieb->reader_pid) == 0 ? zb_writer_check_reader(self, zb_now()) : 1;
}

/* Waits until `need` bytes are free. 1 when they are, 0 when cancelled, -1 with an error set. */
static int wait_for_space(ZbWriter *self, uint64_t need, uint64_t size, int64_t timeout_ns, int64_t deadline) {
    const int ready = nap_until_free(self, need, size, timeout_ns, deadline);
    zb_nap_over((ZbEndpoint *)self);
    return ready;
}

/* A look at the reader and the shared fields, unless the last one was a moment ago. */
static int refresh(ZbWriter *self) {
    const uint64_t ticks = zb_ticks();
    if (ticks - self->looked_at < ZB_MOMENT_TICKS) return 0;
    if (zb_writer_check_reader(self, zb_now()) < 0 || zb_writer_look(self) < 0) return -1;
    self->looked_at = ticks;
    return 0;
}

/* Plans a frame and waits until it can be written. The writer stays `busy` while it waits. */
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
    if (zb_writer_usable(self) < 0) return NULL;
    const Py_ssize_t size = PyNumber_AsSsize_t(args[0], PyExc_OverflowError);
    if (size == -1 && PyErr_Occurred()) return NULL;
    zb_plan plan;
    int ready = zb_writer_look(self) < 0 ? -1 : plan_now(self, (uint64_t)size, &plan);
    if (ready == 0) {
        const int64_t deadline = zb_deadline(timeout_ns, zb_now());
        ready = wait_for_space(self, zb_plan_need(&plan), (uint64_t)size, timeout_ns, deadline);
    }
    return ready < 0 ? NULL : PyBool_FromLong(ready);
}
