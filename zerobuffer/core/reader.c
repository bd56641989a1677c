/* The reading side: turning tokens of "data" into frames, and the rest of a reader's life. */
#include "point.h"
#include "reader.h"

/* ---- frames -------------------------------------------------------------------------------------------------- */

static zb_identity writer_identity(const ZbReader *self) {
    zb_identity identity = {.pid = zb_load(&self->handle->ring.oieb->writer_pid)};
    identity.connected_at = zb_handle_writer_lock(self->handle, &identity.first);
    return identity;
}

/*
 * A stream of sequence numbers begins at `found`, the frame (or the marker before it) that `index` others precede. It
 * belongs to the writer that is connected now, unless it was written before that one came. A foreign writer does not
 * say when it came: there, another restart pending behind the frame tells that its writer is gone already.
 */
static void begin_stream(ZbReader *self, const zb_found *found, uint64_t index) {
    const uint64_t ahead = zb_semaphore_pending(self->handle->data);
    self->streams++;
    self->writer_seen = true;
    self->stream = writer_identity(self);
    const bool older = self->stream.connected_at != 0
                           ? index < self->stream.first
                           : zb_ring_restart_ahead(&self->handle->ring, found->next_pos, ahead);
    if (self->stream.pid == 0 || older) self->stream = zb_stream_of_the_gone;
}

static bool another_writer(const ZbReader *self) {
    const zb_identity now = writer_identity(self);
    return now.pid != self->stream.pid || now.connected_at != self->stream.connected_at;
}

/*
 * Whether a token stands for no frame. A writer that takes over from a killed one posts what that one owed; if this
 * reader stood still for long between a token and its frame, that is one too many. So each succession excuses one,
 * that of a writer of whom nothing was read yet only where what stands there is `strange`: what is left of a frame that
 * was read can look like the next of another stream, but not of its own.
 */
static bool is_surplus(ZbReader *self, uint64_t pos, bool strange) {
    if (self->streams == 0) return false;
    const uint64_t successions = self->streams - 1 + (strange && another_writer(self));
    if (self->surplus >= successions || !zb_ring_drained(&self->handle->ring, pos)) return false;
    self->surplus++;
    return true;
}

/*
 * Finds the frame at `pos`, the `index`th: checked, leased, but read_pos not yet advanced. 1 when there is none because
 * the token is surplus, -1 with an error set.
 */
static int take_frame(ZbReader *self, uint64_t pos, uint64_t index, zb_found *found, uint64_t *lease) {
    zb_fault fault;
    if (is_surplus(self, pos, false)) return 1;
    zb_status status = zb_ring_peek(&self->handle->ring, pos, found, &fault);
    if (status != ZB_OK || found->sequence != self->expected) {
        if (is_surplus(self, pos, true)) return 1;
        /* With a token too many the first look may have come a moment before its frame. */
        status = zb_ring_peek(&self->handle->ring, pos, found, &fault);
    }
    if (status != ZB_OK) {
        zb_raise_fault(self->handle, status, &fault);
        return -1;
    }
    if (found->sequence != self->expected) {
        if (found->sequence != 1 || !another_writer(self)) {
            zb_raise(self->handle, "sequence_error", "{s:K,s:K}", "expected", (unsigned long long)self->expected,
                     "seen", (unsigned long long)found->sequence);
            return -1;
        }
    }
    if (found->sequence == 1) begin_stream(self, found, index);
    if (found->wrapped != 0) {
        if (zb_lease_push(self, found->wrapped, false) == UINT64_MAX) return -1;
        zb_lease_drain(self);
        ZB_POINT(READER_WRAP);
    }
    *lease = zb_lease_push(self, found->size + ZB_HEADER_SIZE, true);
    if (*lease == UINT64_MAX) return -1;
    self->expected = found->sequence + 1;
    self->last_size = found->size;
    return 0;
}

static int know_position(ZbReader *self) {
    if (self->position_known) return 0;
    zb_fault fault;
    const zb_ring *ring = &self->handle->ring;
    const zb_status status = zb_ring_reader_pos(ring, &self->read_pos, &fault);
    if (status != ZB_OK) {
        zb_raise_fault(self->handle, status, &fault);
        return -1;
    }
    self->read_count = zb_load(&ring->oieb->payload_read_count);
    self->position_known = true;
    return 0;
}

static void advance(ZbReader *self, uint64_t next_pos, uint64_t counted) {
    self->read_pos = next_pos;
    self->read_count += counted;
    zb_ring_advance(&self->handle->ring, next_pos, self->read_count);
    /* The next header is likely there already: fetch it while the caller works on this frame. */
    __builtin_prefetch(self->handle->ring.payload + next_pos);
}

static int take_token(ZbReader *self, int64_t timeout_ns) {
    if (zb_semaphore_try(self->handle->data)) return 0;
    self->cancelled = false;
    self->position_known = false;
    const int woken = zb_reader_wait(self, timeout_ns, ZB_TOKEN_TAKEN);
    if (woken == 0) zb_raise(self->handle, "closed", "{s:s}", "what", "cancelled wait");
    return woken > 0 ? 0 : -1;
}

/* After an error the token goes back, so that the next read meets the same one. */
static PyObject *put_back(ZbReader *self) {
    sem_post(self->handle->data);
    return NULL;
}

static PyObject *reader_read_frame(PyObject *op, PyObject *const *args, Py_ssize_t count, PyObject *names) {
    ZbReader *self = (ZbReader *)op;
    int64_t timeout_ns;
    if (zb_parse_timeout("read_frame", args, count, names, 0, &timeout_ns) < 0) return NULL;
    if (zb_reader_usable(self) < 0) return NULL;
    zb_found found;
    uint64_t lease;
    for (int taken = 1; taken > 0;) {
        if (take_token(self, timeout_ns) < 0) return NULL;
        ZB_POINT(READER_TOKEN);
        if (know_position(self) < 0) return put_back(self);
        taken = take_frame(self, self->read_pos, self->read_count, &found, &lease);
        if (taken < 0) return put_back(self);
    }
    advance(self, found.next_pos, found.counted);
    PyObject *frame = zb_frame_new(self, &found, lease);
    if (frame == NULL) {
        zb_lease_mark(self, lease);
        zb_lease_drain(self);
    }
    return frame;
}

static PyObject *reader_read_frames(PyObject *op, PyObject *const *args, Py_ssize_t count, PyObject *names) {
    ZbReader *self = (ZbReader *)op;
    int64_t timeout_ns;
    if (zb_parse_timeout("read_frames", args, count, names, 1, &timeout_ns) < 0) return NULL;
    const Py_ssize_t most = PyNumber_AsSsize_t(args[0], PyExc_OverflowError);
    if (most == -1 && PyErr_Occurred()) return NULL;
    if (most < 1) return PyErr_Format(PyExc_ValueError, "read_frames() needs a maximum of at least 1, not %zd", most);
    if (zb_reader_usable(self) < 0) return NULL;
    if (take_token(self, timeout_ns) < 0) return NULL;
    ZB_POINT(READER_TOKEN);
    if (know_position(self) < 0) return put_back(self);
    const uint64_t standing = 1 + zb_semaphore_pending(self->handle->data);
    const Py_ssize_t capacity = (uint64_t)most < standing ? most : (Py_ssize_t)standing;
    PyObject *batch = zb_frame_batch_new(self, capacity);
    if (batch == NULL) return put_back(self);
    uint64_t pos = self->read_pos, counted = 0;
    Py_ssize_t taken = 0;
    do {
        zb_found found;
        uint64_t lease;
        const int failed = take_frame(self, pos, self->read_count + counted, &found, &lease);
        if (failed < 0) {
            put_back(self);
            break;
        }
        if (failed > 0) continue;
        zb_frame_batch_append(batch, &found, lease);
        pos = found.next_pos;
        counted += found.counted;
        taken++;
    } while (taken == 0 ? take_token(self, timeout_ns) == 0
                        : taken < capacity && zb_semaphore_try(self->handle->data));
    if (taken == 0) {
        Py_DECREF(batch);
        return NULL;
    }
    PyErr_Clear(); /* what is whole is delivered first, and then the error */
    advance(self, pos, counted);
    return batch;
}

/* ---- the rest ------------------------------------------------------------------------------------------------ */

static PyObject *reader_attach(PyObject *op, PyObject *args) {
    ZbReader *self = (ZbReader *)op;
    if (zb_endpoint_attach((ZbEndpoint *)self, args) < 0) return NULL;
    self->expected = 1;
    zb_handle_lock_reader(self->handle);
    Py_RETURN_NONE;
}

static PyObject *wait_for(const char *method, PyObject *op, PyObject *const *args, Py_ssize_t count, PyObject *names,
                          zb_token token) {
    ZbReader *self = (ZbReader *)op;
    int64_t timeout_ns;
    if (zb_parse_timeout(method, args, count, names, 0, &timeout_ns) < 0 || zb_reader_usable(self) < 0) return NULL;
    const bool there = zb_semaphore_pending(self->handle->data) > 0;
    const int woken = there ? 1 : zb_reader_wait(self, timeout_ns, token);
    return woken < 0 ? NULL : PyBool_FromLong(woken);
}

static PyObject *reader_wait(PyObject *op, PyObject *const *args, Py_ssize_t count, PyObject *names) {
    return wait_for("_wait", op, args, count, names, ZB_TOKEN_SEEN);
}

static PyObject *reader_wait_for_anybody(PyObject *op, PyObject *const *args, Py_ssize_t count, PyObject *names) {
    return wait_for("_wait_for_anybody", op, args, count, names, ZB_TOKEN_OF_ANYBODY);
}

static PyObject *reader_metadata(PyObject *op, PyObject *Py_UNUSED(ignored)) {
    ZbReader *self = (ZbReader *)op;
    if (zb_reader_usable(self) < 0) return NULL;
    const uint8_t *data;
    uint64_t size;
    zb_fault fault;
    const zb_status status = zb_ring_metadata_read(&self->handle->ring, &data, &size, &fault);
    if (status == ZB_NO_METADATA) return zb_raise(self->handle, "no_metadata", "{}");
    if (status != ZB_OK) return zb_raise_fault(self->handle, status, &fault);
    PyObject *content = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)size);
    if (content != NULL) zb_copy(self->handle, PyBytes_AS_STRING(content), data, size);
    return content;
}

/* Ends the reader's part in the shared state: a blocked writer wakes and sees reader_pid 0. */
static PyObject *reader_close(PyObject *op, PyObject *Py_UNUSED(ignored)) {
    ZbReader *self = (ZbReader *)op;
    if (self->handle == NULL || self->closed) Py_RETURN_NONE;
    self->closed = true;
    if (!self->handle->detached) {
        zb_store(&self->handle->ring.oieb->reader_pid, 0);
        sem_post(self->handle->space);
    }
    zb_endpoint_leave((ZbEndpoint *)self);
    Py_RETURN_NONE;
}

static PyObject *reader_detach(PyObject *op, PyObject *Py_UNUSED(ignored)) {
    ZbReader *self = (ZbReader *)op;
    if (self->handle == NULL) Py_RETURN_NONE;
    self->handle->detached = true;
    return reader_close(op, NULL);
}

static void reader_dealloc(PyObject *op) {
    ZbReader *self = (ZbReader *)op;
    PyTypeObject *type = Py_TYPE(op);
    zb_endpoint_leave((ZbEndpoint *)self);
    PyMem_Free(self->leases.ring);
    type->tp_free(op);
}

static PyObject *reader_held(PyObject *op, void *Py_UNUSED(closure)) {
    const ZbReader *self = (ZbReader *)op;
    uint64_t frames = 0;
    for (uint64_t i = self->leases.head; i != self->leases.tail; i++) {
        const zb_lease *lease = &self->leases.ring[i & self->leases.mask];
        frames += lease->frame && !lease->returned;
    }
    return PyLong_FromUnsignedLongLong(frames);
}

static PyObject *reader_stream_pid(PyObject *op, void *Py_UNUSED(closure)) {
    return PyLong_FromUnsignedLongLong(((ZbReader *)op)->stream.pid);
}

static PyGetSetDef reader_getset[] = {
    {"_stream_pid", reader_stream_pid, NULL, "Process that wrote the last frame; 0 if it is known to be gone.", NULL},
    {"closed", zb_endpoint_closed, NULL, "Whether the reader was closed.", NULL},
    {"held_frames", reader_held, NULL, "Frames read whose space was not yet given back.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyMethodDef reader_methods[] = {
    {"read_frame", ZB_FASTCALL(reader_read_frame), ZB_FAST,
     "read_frame($self, timeout=5.0)\n--\n\nWait for the next frame and lend it."},
    {"read_frames", ZB_FASTCALL(reader_read_frames), ZB_FAST,
     "read_frames($self, maximum, timeout=5.0)\n--\n\nWait for a frame, and take up to `maximum` that are there."},
    {"get_metadata", reader_metadata, METH_NOARGS, "Return a copy of the metadata that the writer left."},
    {"_writer_state", zb_reader_writer_state, METH_NOARGS, "absent, alive, closed or died."},
    {"_attach", reader_attach, METH_VARARGS, NULL},
    {"_wait", ZB_FASTCALL(reader_wait), ZB_FAST, "Wait until a frame can be read; False when cancelled."},
    {"_wait_for_anybody", ZB_FASTCALL(reader_wait_for_anybody), ZB_FAST,
     "The same, but a writer that is gone is no error: the frame may be that of the next one."},
    {"_set_cancelled", zb_endpoint_set_cancelled, METH_O, NULL},
    {"_close", reader_close, METH_NOARGS, NULL},
    {"_detach", reader_detach, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

PyTypeObject ZbReaderType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "zerobuffer._core.Reader",
    .tp_doc = "The reading side of a mapped segment.",
    .tp_basicsize = sizeof(ZbReader),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .tp_new = zb_endpoint_new,
    .tp_dealloc = reader_dealloc,
    .tp_methods = reader_methods,
    .tp_getset = reader_getset,
};
