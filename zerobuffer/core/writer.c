/* The writing side: planning where a frame goes, waiting for space, copying, committing. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "binding.h"
#include "point.h"

/* Tokens of "space" pile up while the writer never blocks, and overflow at 2^31 - 1: drained every so many writes. */
#define DRAIN_INTERVAL 64u
#define ROOM_PAUSES 32

static int writer_usable(ZbWriter *self) {
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

static int check_reader(ZbWriter *self, int64_t now) {
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

static void drain_space_tokens(ZbWriter *self) {
    for (int i = 0; i < 65536 && zb_semaphore_try(self->handle->space); i++) {
    }
}

/* Takes the shared fields anew. */
static int look(ZbWriter *self) {
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

/* Waits until `need` bytes are free. 1 when they are, 0 when cancelled, -1 with an error set. */
static int wait_for_space(ZbWriter *self, uint64_t need, uint64_t size, int64_t timeout_ns, int64_t deadline) {
    const zb_oieb *oieb = self->handle->ring.oieb;
    bool spin = timeout_ns != 0;
    while (!space_free(oieb, need)) {
        bool ready = false;
        zb_wake wake = ZB_TIMED_OUT;
        int error = 0;
        zb_handle *handle = self->handle;
        zb_handle_retain(handle);
        if (spin && self->spin.limit_ns > 0) {
            spin = false;
            const uint64_t eighth = self->handle->ring.payload_size / 8;
            room space = {oieb, need > eighth ? need : eighth, zb_load(&oieb->payload_free_bytes)};
            Py_BEGIN_ALLOW_THREADS
            zb_spin_until(&self->spin, size, look_for_room, &space);
            Py_END_ALLOW_THREADS
            ready = space_free(oieb, need);
        }
        if (!ready && !self->closed && !self->cancelled) {
            const int64_t now = zb_now();
            if (check_reader(self, now) < 0) {
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
            const int64_t slice = deadline - now > ZB_SLICE_NS ? now + ZB_SLICE_NS : deadline;
            Py_BEGIN_ALLOW_THREADS
            wake = zb_semaphore_wait(handle->space, slice);
            error = errno;
            Py_END_ALLOW_THREADS
        }
        const bool closed = self->closed;
        zb_handle_release(handle);
        if (closed) return writer_usable(self);
        if (self->cancelled) return 0;
        if (wake == ZB_WAIT_FAILED) {
            errno = error;
            zb_raise_errno(self->handle, "wait for space");
            return -1;
        }
        if (wake == ZB_INTERRUPTED && PyErr_CheckSignals() != 0) return -1;
    }
    return zb_load(&self->handle->ring.oieb->reader_pid) == 0 ? check_reader(self, zb_now()) : 1;
}

/* A look at the reader and the shared fields, unless the last one was a moment ago. */
static int refresh(ZbWriter *self) {
    const int64_t now = zb_now();
    if (now - self->looked_at < ZB_STREAMING_NS) return 0;
    if (check_reader(self, now) < 0 || look(self) < 0) return -1;
    self->looked_at = now;
    return 0;
}

/* Plans a frame and waits until it can be written. The writer stays `busy` while it waits. */
static int plan_frame(ZbWriter *self, uint64_t size, int64_t timeout_ns, zb_plan *plan) {
    if (refresh(self) < 0) return -1;
    if (++self->writes % DRAIN_INTERVAL == 0) drain_space_tokens(self);
    int planned = plan_now(self, size, plan);
    if (planned == 0 && look(self) == 0) planned = plan_now(self, size, plan);
    const int64_t deadline = planned == 0 ? zb_deadline(timeout_ns, zb_now()) : 0;
    for (; planned == 0; planned = look(self) < 0 ? -1 : plan_now(self, size, plan)) {
        self->busy = true;
        const int ready = wait_for_space(self, zb_plan_need(plan), size, timeout_ns, deadline);
        self->busy = false;
        if (ready == 0) zb_raise(self->handle, "closed", "{s:s}", "what", "cancelled wait");
        if (ready <= 0) return -1;
    }
    if (PyErr_Occurred()) return -1;
    ZB_POINT(WRITER_PLANNED);
    return 0;
}

/* ---- frames -------------------------------------------------------------------------------------------------- */

static void copy_in(ZbWriter *self, uint8_t *target, const void *source, size_t size) {
    self->busy = true;
    zb_copy(self->handle, target, source, size);
    self->busy = false;
}

static int publish(ZbWriter *self, const zb_commit *commit) {
    if (commit->frames == 0) return 0;
    const zb_ring *ring = &self->handle->ring;
    self->write_pos = commit->new_pos;
    self->written_count += commit->counted;
    const uint64_t before = zb_ring_publish(ring, commit, self->written_count);
    self->free_bytes = before - commit->bytes;
    for (uint64_t i = 0; i < commit->frames; i++) {
        sem_post(self->handle->data);
        ZB_POINT(WRITER_POST);
    }
    ZB_POINT(WRITER_DONE);
    if (before >= commit->bytes && before <= ring->payload_size) return 0;
    /* Somebody else wrote to the field since our last look. */
    const zb_fault fault = {"payload_free_bytes", before, ring->payload_size};
    self->looked_at = 0;
    zb_raise_fault(self->handle, ZB_INVALID_OIEB, &fault);
    return -1;
}

static int write_one(ZbWriter *self, const void *data, size_t size, int64_t timeout_ns) {
    zb_plan plan;
    if (plan_frame(self, size, timeout_ns, &plan) < 0) return -1;
    copy_in(self, self->handle->ring.payload + plan.at + ZB_HEADER_SIZE, data, size);
    if (self->closed) return writer_usable(self);
    ZB_POINT(WRITER_DATA);
    zb_commit commit = {0};
    zb_ring_stage(&self->handle->ring, &plan, size, self->sequence, &commit);
    self->sequence++;
    return publish(self, &commit);
}

static PyObject *writer_write_frame(PyObject *op, PyObject *const *args, Py_ssize_t count, PyObject *names) {
    ZbWriter *self = (ZbWriter *)op;
    int64_t timeout_ns;
    if (zb_parse_timeout("write_frame", args, count, names, 1, &timeout_ns) < 0 || writer_usable(self) < 0) return NULL;
    int done;
    self->cancelled = false;
    if (PyBytes_CheckExact(args[0])) {
        done = write_one(self, PyBytes_AS_STRING(args[0]), (size_t)PyBytes_GET_SIZE(args[0]), timeout_ns);
    } else {
        Py_buffer data;
        if (PyObject_GetBuffer(args[0], &data, PyBUF_SIMPLE) < 0) return NULL;
        done = write_one(self, data.buf, (size_t)data.len, timeout_ns);
        PyBuffer_Release(&data);
    }
    if (done < 0) return NULL;
    Py_RETURN_NONE;
}

/* One item of a batch. Returns 1 staged, 0 when the batch must be published and space awaited first, -1 on error. */
static int stage_item(ZbWriter *self, const void *data, size_t size, zb_commit *commit) {
    const zb_ring *ring = &self->handle->ring;
    zb_plan plan;
    if (zb_plan_frame(ring->payload_size, self->write_pos, size, &plan) != ZB_OK) return 0; /* the slow path names it */
    if (zb_plan_need(&plan) > self->free_bytes) return 0;
    copy_in(self, ring->payload + plan.at + ZB_HEADER_SIZE, data, size);
    if (self->closed) return writer_usable(self);
    ZB_POINT(WRITER_DATA);
    zb_ring_stage(ring, &plan, size, self->sequence, commit);
    self->sequence++;
    self->write_pos = commit->new_pos;
    self->free_bytes -= zb_plan_need(&plan);
    return 1;
}

static int write_item(ZbWriter *self, PyObject *item, int64_t timeout_ns, zb_commit *commit) {
    Py_buffer buffer = {0};
    const void *data;
    size_t size;
    if (PyBytes_CheckExact(item)) {
        data = PyBytes_AS_STRING(item);
        size = (size_t)PyBytes_GET_SIZE(item);
    } else {
        if (PyObject_GetBuffer(item, &buffer, PyBUF_SIMPLE) < 0) return -1;
        data = buffer.buf;
        size = (size_t)buffer.len;
    }
    int done = stage_item(self, data, size, commit);
    if (done == 0) {
        done = publish(self, commit);
        *commit = (zb_commit){0};
        if (done == 0) done = write_one(self, data, size, timeout_ns);
    }
    if (buffer.obj != NULL) PyBuffer_Release(&buffer);
    return done < 0 ? -1 : 0;
}

static PyObject *writer_write_frames(PyObject *op, PyObject *const *args, Py_ssize_t count, PyObject *names) {
    ZbWriter *self = (ZbWriter *)op;
    int64_t timeout_ns;
    if (zb_parse_timeout("write_frames", args, count, names, 1, &timeout_ns) < 0 || writer_usable(self) < 0) {
        return NULL;
    }
    if (check_reader(self, zb_now()) < 0 || look(self) < 0) return NULL;
    PyObject *items = PySequence_Fast(args[0], "write_frames() takes an iterable of buffers");
    if (items == NULL) return NULL;
    self->cancelled = false;
    drain_space_tokens(self);
    zb_commit commit = {0};
    Py_ssize_t written = 0;
    while (written < PySequence_Fast_GET_SIZE(items)) {
        PyObject *item = PySequence_Fast_GET_ITEM(items, written);
        Py_INCREF(item);
        const int done = write_item(self, item, timeout_ns, &commit);
        Py_DECREF(item);
        if (done < 0) break;
        written++;
    }
    if (!self->closed && publish(self, &commit) < 0) written -= (Py_ssize_t)commit.frames;
    Py_DECREF(items);
    if (!PyErr_Occurred()) return PyLong_FromSsize_t(written);
    PyObject *type, *error, *traceback;
    PyErr_Fetch(&type, &error, &traceback);
    PyErr_NormalizeException(&type, &error, &traceback);
    PyObject *frames = PyLong_FromSsize_t(written);
    if (frames != NULL && error != NULL && PyObject_SetAttrString(error, "written", frames) < 0) PyErr_Clear();
    Py_XDECREF(frames);
    PyErr_Restore(type, error, traceback);
    return NULL;
}

/* ---- zero-copy slots ----------------------------------------------------------------------------------------- */

typedef struct ZbSlot {
    PyObject_HEAD
    ZbWriter *writer;
    zb_plan plan;
    uint64_t size;
    PyObject *view;
    bool open;
    bool warned; /* a recorded warning holds the slot: it may be finalized twice */
} ZbSlot;

static PyObject *writer_acquire(PyObject *op, PyObject *const *args, Py_ssize_t count, PyObject *names) {
    ZbWriter *self = (ZbWriter *)op;
    int64_t timeout_ns;
    if (zb_parse_timeout("acquire", args, count, names, 1, &timeout_ns) < 0 || writer_usable(self) < 0) return NULL;
    const Py_ssize_t size = PyNumber_AsSsize_t(args[0], PyExc_OverflowError);
    if (size == -1 && PyErr_Occurred()) return NULL;
    if (size < 0) return PyErr_Format(PyExc_ValueError, "acquire() needs a size of at least 1, not %zd", size);
    self->cancelled = false;
    zb_plan plan;
    if (plan_frame(self, (uint64_t)size, timeout_ns, &plan) < 0) return NULL;
    ZbSlot *slot = PyObject_New(ZbSlot, &ZbSlotType);
    if (slot == NULL) return NULL;
    slot->writer = (ZbWriter *)Py_NewRef(op);
    slot->plan = plan;
    slot->size = (uint64_t)size;
    slot->view = NULL;
    slot->warned = false;
    slot->open = self->slot_open = true;
    return (PyObject *)slot;
}

static void slot_end(ZbSlot *slot) {
    slot->open = slot->writer->slot_open = false;
    if (slot->view != NULL) {
        PyObject *view = slot->view;
        slot->view = NULL;
        zb_view_end(view);
    }
}

static int slot_usable(ZbSlot *slot) {
    if (slot->open && !slot->writer->closed) return 0;
    zb_raise(slot->writer->handle, "closed", "{s:s}", "what", "acquired frame");
    return -1;
}

static PyObject *slot_data(PyObject *op, void *Py_UNUSED(closure)) {
    ZbSlot *slot = (ZbSlot *)op;
    if (slot_usable(slot) < 0) return NULL;
    if (slot->view == NULL) {
        ZbSpan *span;
        zb_handle *handle = slot->writer->handle;
        slot->view = zb_span_view(handle, NULL, handle->ring.payload + slot->plan.at + ZB_HEADER_SIZE, slot->size, 0,
                                  &span);
        if (slot->view == NULL) return NULL;
    }
    return Py_NewRef(slot->view);
}

static PyObject *slot_commit(PyObject *op, PyObject *Py_UNUSED(ignored)) {
    ZbSlot *slot = (ZbSlot *)op;
    if (slot_usable(slot) < 0) return NULL;
    ZbWriter *writer = slot->writer;
    slot_end(slot);
    if (check_reader(writer, zb_now()) < 0) return NULL;
    ZB_POINT(WRITER_DATA);
    zb_commit commit = {0};
    zb_ring_stage(&writer->handle->ring, &slot->plan, slot->size, writer->sequence, &commit);
    writer->sequence++;
    if (publish(writer, &commit) < 0) return NULL;
    Py_RETURN_NONE;
}

static PyObject *slot_abandon(PyObject *op, PyObject *Py_UNUSED(ignored)) {
    ZbSlot *slot = (ZbSlot *)op;
    if (slot->open) slot_end(slot);
    Py_RETURN_NONE;
}

static PyObject *slot_enter(PyObject *op, PyObject *Py_UNUSED(ignored)) { return slot_data(op, NULL); }

static PyObject *slot_exit(PyObject *op, PyObject *const *args, Py_ssize_t count) {
    /* Committed or abandoned by hand inside the block: nothing is left to do. */
    if (!((ZbSlot *)op)->open) Py_RETURN_NONE;
    return count > 0 && args[0] != Py_None ? slot_abandon(op, NULL) : slot_commit(op, NULL);
}

static void slot_finalize(PyObject *op) {
    ZbSlot *slot = (ZbSlot *)op;
    if (!slot->open || slot->warned || slot->writer->closed) return;
    slot->warned = true;
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    if (PyErr_ResourceWarning(op, 1,
                              "an acquired frame of buffer '%s' was neither committed nor abandoned: it is abandoned. "
                              "Use `with writer.acquire(size) as view:`",
                              slot->writer->handle->name) < 0) {
        PyErr_WriteUnraisable(op);
    }
    PyErr_Restore(type, value, traceback);
}

static void slot_dealloc(PyObject *op) {
    ZbSlot *slot = (ZbSlot *)op;
    if (slot->open) {
        if (PyObject_CallFinalizerFromDealloc(op) < 0) return;
        slot_end(slot);
    }
    Py_DECREF(slot->writer);
    PyObject_Free(op);
}

static PyObject *slot_size(PyObject *op, void *Py_UNUSED(closure)) {
    return PyLong_FromUnsignedLongLong(((ZbSlot *)op)->size);
}

static PyGetSetDef slot_getset[] = {
    {"data", slot_data, NULL, "Writable memoryview into the ring, valid until the frame is committed or abandoned.",
     NULL},
    {"size", slot_size, NULL, "Number of bytes.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyMethodDef slot_methods[] = {
    {"commit", slot_commit, METH_NOARGS, "Make the frame part of the ring."},
    {"abandon", slot_abandon, METH_NOARGS, "Give the place up; nothing is written and no hole stays."},
    {"__enter__", slot_enter, METH_NOARGS, NULL},
    {"__exit__", (PyCFunction)(void (*)(void))slot_exit, METH_FASTCALL, NULL},
    {NULL, NULL, 0, NULL},
};

PyTypeObject ZbSlotType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "zerobuffer.FrameSlot",
    .tp_doc = "A place in the ring to write a frame into. `with` commits it, and abandons it on an exception.",
    .tp_basicsize = sizeof(ZbSlot),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_dealloc = slot_dealloc,
    .tp_finalize = slot_finalize,
    .tp_methods = slot_methods,
    .tp_getset = slot_getset,
};

/* ---- the rest ------------------------------------------------------------------------------------------------ */

static PyObject *writer_attach(PyObject *op, PyObject *args) {
    ZbWriter *self = (ZbWriter *)op;
    int fd;
    const char *name, *data, *space, *lock_path;
    double spin;
    if (!PyArg_ParseTuple(args, "issssd", &fd, &name, &data, &space, &lock_path, &spin)) return NULL;
    if (self->handle != NULL) return PyErr_Format(PyExc_RuntimeError, "already attached");
    self->handle = zb_handle_open(fd, name, data, space, lock_path);
    if (self->handle == NULL) return NULL;
    zb_spin_init(&self->spin, (int64_t)(spin * 1e9));
    self->closed = false;
    self->sequence = 1;
    Py_RETURN_NONE;
}

/* How many posts of "data" a dead writer still owes, once the reader is not between a token and its frame. */
static uint64_t owed_posts(const zb_handle *handle) {
    uint64_t owed = UINT64_MAX;
    for (int look = 0; look < 3; look++) {
        int pending = 0;
        sem_getvalue(handle->data, &pending);
        const uint64_t seen = zb_ring_recover(&handle->ring, (uint64_t)pending);
        if (seen < owed) owed = seen;
        if (owed == 0) break;
        const struct timespec moment = {.tv_nsec = 1000000};
        Py_BEGIN_ALLOW_THREADS
        nanosleep(&moment, NULL);
        Py_END_ALLOW_THREADS
    }
    return owed;
}

/*
 * Claims the buffer by compare-and-swap: from nobody, or from a writer that is dead. Returns None, the pid of the
 * living writer that has it, or -1 while the reader is repairing it.
 */
static PyObject *writer_claim(PyObject *op, PyObject *Py_UNUSED(ignored)) {
    ZbWriter *self = (ZbWriter *)op;
    if (writer_usable(self) < 0 || check_reader(self, zb_now()) < 0) return NULL;
    zb_oieb *oieb = self->handle->ring.oieb;
    uint64_t owner = zb_load(&oieb->writer_pid);
    if (owner != 0) {
        zb_peer peer;
        zb_peer_init(&peer);
        zb_peer_watch(&peer, owner);
        /* Our own number without a lock is that of a dead process that had it before us, as in a restarted container. */
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
    int pending = 0;
    sem_getvalue(self->handle->data, &pending);
    zb_handle_lock_writer(self->handle, zb_ring_first(&self->handle->ring, (uint64_t)(pending > 0 ? pending : 0)));
    /* A writer that left by itself owes nothing: what seems unposted then is a token that the reader already holds. */
    for (uint64_t owed = owner == 0 ? 0 : owed_posts(self->handle); owed > 0; owed--) sem_post(self->handle->data);
    self->looked_at = 0;
    Py_RETURN_NONE;
}

static PyObject *writer_wait_space(PyObject *op, PyObject *const *args, Py_ssize_t count, PyObject *names) {
    ZbWriter *self = (ZbWriter *)op;
    int64_t timeout_ns;
    if (zb_parse_timeout("_wait_space", args, count, names, 1, &timeout_ns) < 0 || writer_usable(self) < 0) return NULL;
    const Py_ssize_t size = PyNumber_AsSsize_t(args[0], PyExc_OverflowError);
    if (size == -1 && PyErr_Occurred()) return NULL;
    zb_plan plan;
    int ready = look(self) < 0 ? -1 : plan_now(self, (uint64_t)size, &plan);
    if (ready == 0) {
        ready = wait_for_space(self, zb_plan_need(&plan), (uint64_t)size, timeout_ns, zb_deadline(timeout_ns, zb_now()));
    }
    return ready < 0 ? NULL : PyBool_FromLong(ready);
}

static PyObject *writer_check_reader(PyObject *op, PyObject *Py_UNUSED(ignored)) {
    ZbWriter *self = (ZbWriter *)op;
    if (self->handle == NULL) return zb_raise(NULL, "closed", "{s:s}", "what", "writer");
    if (check_reader(self, zb_now()) < 0) return NULL;
    Py_RETURN_NONE;
}

static PyObject *writer_set_cancelled(PyObject *op, PyObject *flag) {
    const int cancelled = PyObject_IsTrue(flag);
    if (cancelled < 0) return NULL;
    ((ZbWriter *)op)->cancelled = cancelled;
    Py_RETURN_NONE;
}

static PyObject *writer_set_metadata(PyObject *op, PyObject *content) {
    ZbWriter *self = (ZbWriter *)op;
    Py_buffer data;
    if (writer_usable(self) < 0 || check_reader(self, zb_now()) < 0) return NULL;
    if (PyObject_GetBuffer(content, &data, PyBUF_SIMPLE) < 0) return NULL;
    zb_handle *handle = self->handle;
    zb_status status;
    zb_handle_retain(handle);
    self->busy = true;
    if (data.len < ZB_COPY_GIL_LIMIT) {
        status = zb_ring_metadata_write(&handle->ring, data.buf, (uint64_t)data.len);
    } else {
        Py_BEGIN_ALLOW_THREADS
        status = zb_ring_metadata_write(&handle->ring, data.buf, (uint64_t)data.len);
        Py_END_ALLOW_THREADS
    }
    self->busy = false;
    const uint64_t block = handle->ring.metadata_size;
    zb_handle_release(handle);
    const unsigned long long size = (unsigned long long)data.len;
    PyBuffer_Release(&data);
    if (status == ZB_METADATA_EMPTY) return zb_raise(self->handle, "metadata_empty", "{}");
    if (status == ZB_METADATA_EXISTS) return zb_raise(self->handle, "metadata_exists", "{}");
    if (status == ZB_METADATA_TOO_LARGE) {
        const unsigned long long limit = block < ZB_METADATA_PREFIX_SIZE ? 0 : block - ZB_METADATA_PREFIX_SIZE;
        return zb_raise(self->handle, "metadata_too_large", "{s:K,s:K}", "size", size, "limit", limit);
    }
    Py_RETURN_NONE;
}

/* Graceful: writer_pid becomes 0 and nothing is posted; the reader notices by itself. */
static PyObject *writer_close(PyObject *op, PyObject *Py_UNUSED(ignored)) {
    ZbWriter *self = (ZbWriter *)op;
    if (self->handle == NULL || self->closed) Py_RETURN_NONE;
    self->closed = true;
    if (self->claimed && !self->handle->detached) {
        uint64_t own = (uint64_t)getpid();
        zb_handle_unlock(self->handle);
        atomic_compare_exchange_strong(&self->handle->ring.oieb->writer_pid, &own, 0);
    }
    zb_peer_close(&self->peer);
    /* The mapping itself stays until the last wait, view or frame that uses it has gone. */
    zb_handle_release(self->handle);
    self->handle = NULL;
    Py_RETURN_NONE;
}

static PyObject *writer_detach(PyObject *op, PyObject *Py_UNUSED(ignored)) {
    ZbWriter *self = (ZbWriter *)op;
    if (self->handle == NULL) Py_RETURN_NONE;
    self->handle->detached = true;
    return writer_close(op, NULL);
}

static void writer_dealloc(PyObject *op) {
    ZbWriter *self = (ZbWriter *)op;
    PyTypeObject *type = Py_TYPE(op);
    writer_close(op, NULL);
    zb_peer_close(&self->peer);
    zb_handle_release(self->handle);
    type->tp_free(op);
}

static PyObject *writer_new(PyTypeObject *type, PyObject *Py_UNUSED(args), PyObject *Py_UNUSED(named)) {
    ZbWriter *self = (ZbWriter *)type->tp_alloc(type, 0);
    if (self != NULL) zb_peer_init(&self->peer);
    return (PyObject *)self;
}

static PyObject *writer_closed(PyObject *op, void *Py_UNUSED(closure)) {
    const ZbWriter *self = (ZbWriter *)op;
    return PyBool_FromLong(self->closed || self->handle == NULL);
}

static PyObject *writer_sequence(PyObject *op, void *Py_UNUSED(closure)) {
    return PyLong_FromUnsignedLongLong(((ZbWriter *)op)->sequence);
}

static PyObject *writer_free_bytes(PyObject *op, void *Py_UNUSED(closure)) {
    ZbWriter *self = (ZbWriter *)op;
    if (self->handle == NULL || self->closed) return zb_raise(self->handle, "closed", "{s:s}", "what", "writer");
    return PyLong_FromUnsignedLongLong(zb_load(&self->handle->ring.oieb->payload_free_bytes));
}

static PyObject *writer_reader_pid(PyObject *op, void *Py_UNUSED(closure)) {
    ZbWriter *self = (ZbWriter *)op;
    if (self->handle == NULL) return zb_raise(NULL, "closed", "{s:s}", "what", "writer");
    return PyLong_FromUnsignedLongLong(zb_load(&self->handle->ring.oieb->reader_pid));
}

static PyGetSetDef writer_getset[] = {
    {"closed", writer_closed, NULL, "Whether the writer was closed.", NULL},
    {"next_sequence", writer_sequence, NULL, "Sequence number that the next frame will carry.", NULL},
    {"_reader_pid", writer_reader_pid, NULL, "Process that reads, as the control block names it.", NULL},
    {"free_bytes", writer_free_bytes, NULL, "Bytes of the ring that are free now.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

#define FAST (METH_FASTCALL | METH_KEYWORDS)
#define FASTCALL(function) ((PyCFunction)(void (*)(void))function)

static PyMethodDef writer_methods[] = {
    {"write_frame", FASTCALL(writer_write_frame), FAST,
     "write_frame($self, data, timeout=5.0)\n--\n\nCopy one frame into the ring, waiting for space if need be."},
    {"write_frames", FASTCALL(writer_write_frames), FAST,
     "write_frames($self, items, timeout=5.0)\n--\n\nWrite many frames; the reader is woken once. Returns how many."},
    {"acquire", FASTCALL(writer_acquire), FAST,
     "acquire($self, size, timeout=5.0)\n--\n\nLend a writable place in the ring for one frame of `size` bytes."},
    {"set_metadata", writer_set_metadata, METH_O, "Write the metadata: once, before or after frames."},
    {"check_reader", writer_check_reader, METH_NOARGS, "Raise ReaderDeadError if the reader is gone."},
    {"_attach", writer_attach, METH_VARARGS, NULL},
    {"_claim", writer_claim, METH_NOARGS, NULL},
    {"_wait_space", FASTCALL(writer_wait_space), FAST, "Wait until a frame of this size can be written."},
    {"_set_cancelled", writer_set_cancelled, METH_O, NULL},
    {"_close", writer_close, METH_NOARGS, NULL},
    {"_detach", writer_detach, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

PyTypeObject ZbWriterType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "zerobuffer._core.Writer",
    .tp_doc = "The writing side of a mapped segment.",
    .tp_basicsize = sizeof(ZbWriter),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .tp_new = writer_new,
    .tp_dealloc = writer_dealloc,
    .tp_methods = writer_methods,
    .tp_getset = writer_getset,
};
