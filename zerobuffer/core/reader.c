/* The reading side: takes the frames that are there, and lends them. */
#include "point.h"
#include "reader.h"

/* ---- frames -------------------------------------------------------------------------------------------------- */

static bool is_same(zb_identity one, zb_identity other) {
    return one.pid == other.pid && one.connection == other.connection;
}

/*
 * Notes who wrote frame 1 of a stream, before which `begin` bytes were read. The frame does not say whose it is, and it
 * may be older than the writer that is connected now:
 *
 *     writer A commits frame 1, and closes or dies
 *     writer B connects                              if B is ours, it stores stream_start = committed
 *     the reader reads frame 1 of A                  begin < stream_start: not of B
 *     the reader reads frame 1 of B                  begin >= stream_start: of B
 *
 * A foreign B stores no stream_start. The frame is taken for its own only if B was connected already when the reader
 * last found nothing to read.
 */
static void begin_stream(ZbReader *self, uint64_t begin) {
    const zb_oieb *oieb = self->handle->ring.oieb;
    const zb_identity now = zb_reader_writer(self);
    const bool ours = zb_connection_pid(zb_load(&oieb->connection)) == now.pid;
    const bool older = ours && (int64_t)(begin - zb_load(&oieb->stream_start)) < 0;
    const bool its_own = ours ? !older : is_same(now, self->idle);
    self->writer_seen = true;
    self->author = older ? 0 : now.pid;
    self->stream = now.pid != 0 && its_own ? now : zb_stream_of_the_gone;
}

/* Checks and leases the frame at `pos`, before which `begin` bytes were read. The read position stays where it is. */
static int take_frame(ZbReader *self, uint64_t pos, uint64_t begin, zb_found *found, uint64_t *lease) {
    zb_fault fault;
    const zb_status status = zb_ring_peek(&self->handle->ring, pos, found, &fault);
    if (status != ZB_OK) {
        zb_raise_fault(self->handle, status, &fault);
        return -1;
    }
    if (found->sequence != self->expected && (found->sequence != 1 || is_same(zb_reader_writer(self), self->stream))) {
        zb_raise(self->handle, "sequence_error", "{s:K,s:K}", "expected", (unsigned long long)self->expected, "seen",
                 (unsigned long long)found->sequence);
        return -1;
    }
    if (found->sequence == 1) begin_stream(self, begin);
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

int zb_reader_know_position(ZbReader *self) {
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

static void advance(ZbReader *self, uint64_t next_pos, uint64_t counted, uint64_t bytes) {
    self->read_pos = next_pos;
    self->read_count += counted;
    self->read += bytes;
    zb_ring_advance(&self->handle->ring, next_pos, self->read_count);
    /* The next header is likely there already. It is fetched while the caller works on this frame. */
    __builtin_prefetch(self->handle->ring.payload + next_pos);
}

static uint64_t bytes_of(const zb_found *found) { return found->wrapped + found->size + ZB_HEADER_SIZE; }

/* Waits until there is a frame; -1 with an error set. */
static int await_frame(ZbReader *self, int64_t timeout_ns) {
    if (!zb_reader_frame_there(self)) {
        self->cancelled = false;
        self->position_known = false;
        const int there = zb_reader_wait(self, timeout_ns, false);
        if (there == 0) zb_raise(self->handle, "closed", "{s:s}", "what", "cancelled wait");
        if (there <= 0) return -1;
    }
    ZB_POINT(READER_TOKEN);
    return zb_reader_know_position(self);
}

static PyObject *put_back(ZbReader *self) {
    zb_reader_put_back(self);
    return NULL;
}

static PyObject *reader_read_frame(PyObject *op, PyObject *const *args, Py_ssize_t count, PyObject *names) {
    ZbReader *self = (ZbReader *)op;
    int64_t timeout_ns;
    if (zb_parse_timeout("read_frame", args, count, names, 0, &timeout_ns) < 0) return NULL;
    if (zb_endpoint_usable((ZbEndpoint *)self) < 0) return NULL;
    zb_found found;
    uint64_t lease;
    if (await_frame(self, timeout_ns) < 0) return put_back(self);
    if (take_frame(self, self->read_pos, self->read, &found, &lease) < 0) return put_back(self);
    advance(self, found.next_pos, found.counted, bytes_of(&found));
    zb_reader_pay(self);
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
    if (zb_endpoint_usable((ZbEndpoint *)self) < 0) return NULL;
    if (await_frame(self, timeout_ns) < 0) return put_back(self);
    const uint64_t standing = 1 + zb_semaphore_pending(self->handle->data);
    const Py_ssize_t capacity = (uint64_t)most < standing ? most : (Py_ssize_t)standing;
    PyObject *batch = zb_frame_batch_new(self, capacity);
    if (batch == NULL) return put_back(self);
    uint64_t pos = self->read_pos, counted = 0, bytes = 0;
    Py_ssize_t taken = 0;
    do {
        zb_found found;
        uint64_t lease;
        if (take_frame(self, pos, self->read + bytes, &found, &lease) < 0) break;
        zb_frame_batch_append(batch, &found, lease);
        pos = found.next_pos;
        counted += found.counted;
        bytes += bytes_of(&found);
        zb_reader_pay(self);
        taken++;
    } while (taken < capacity && zb_semaphore_try(self->handle->data) && ++self->balance > 0);
    zb_reader_put_back(self);
    if (taken == 0) {
        Py_DECREF(batch);
        return NULL;
    }
    PyErr_Clear(); /* the frames before a broken one are delivered first; the next read meets the error again */
    advance(self, pos, counted, bytes);
    return batch;
}

/* ---- the rest ------------------------------------------------------------------------------------------------ */

static PyObject *reader_attach(PyObject *op, PyObject *args) {
    ZbReader *self = (ZbReader *)op;
    if (zb_endpoint_attach((ZbEndpoint *)self, args) < 0) return NULL;
    self->expected = 1;
    self->read = self->released = self->handle->ring.payload_size;
    Py_RETURN_NONE;
}

static PyObject *reader_wait(PyObject *op, PyObject *args) {
    ZbReader *self = (ZbReader *)op;
    PyObject *timeout;
    int anybody = false;
    if (!PyArg_ParseTuple(args, "O|p", &timeout, &anybody)) return NULL;
    const int64_t timeout_ns = zb_timeout_ns(timeout);
    if (timeout_ns < 0 || zb_endpoint_usable((ZbEndpoint *)self) < 0) return NULL;
    const int there = zb_reader_frame_there(self) ? 1 : zb_reader_wait(self, timeout_ns, anybody);
    zb_reader_put_back(self);
    return there < 0 ? NULL : PyBool_FromLong(there);
}

static PyObject *reader_metadata(PyObject *op, PyObject *Py_UNUSED(ignored)) {
    ZbReader *self = (ZbReader *)op;
    if (zb_endpoint_usable((ZbEndpoint *)self) < 0) return NULL;
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

/* A blocked writer wakes, and sees that reader_pid is 0. */
static PyObject *reader_close(PyObject *op, PyObject *Py_UNUSED(ignored)) {
    ZbReader *self = (ZbReader *)op;
    if (self->closed) Py_RETURN_NONE;
    self->closed = true;
    if (!self->handle->detached) {
        zb_store(&self->handle->ring.oieb->reader_pid, 0);
        sem_post(self->handle->space);
    }
    zb_endpoint_leave((ZbEndpoint *)self);
    Py_RETURN_NONE;
}

static void reader_dealloc(PyObject *op) {
    ZbReader *self = (ZbReader *)op;
    zb_endpoint_leave((ZbEndpoint *)self);
    PyMem_Free(self->leases.ring);
    Py_TYPE(op)->tp_free(op);
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

static PyGetSetDef reader_getset[] = {
    {"writer_state", zb_reader_writer_state, NULL, "absent (none has come), alive, closed or died.", NULL},
    {"held_frames", reader_held, NULL, "Frames read whose space was not yet given back.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyMemberDef reader_members[] = {
    {"_stream_pid", T_ULONGLONG, offsetof(ZbReader, author), READONLY, NULL},
    {"closed", T_BOOL, offsetof(ZbReader, closed), READONLY, "Whether the reader was closed."},
    {NULL, 0, 0, 0, NULL},
};

static PyMethodDef reader_methods[] = {
    {"read_frame", ZB_FASTCALL(reader_read_frame), ZB_FAST,
     "read_frame($self, timeout=5.0)\n--\n\nWait for the next frame and lend it."},
    {"read_frames", ZB_FASTCALL(reader_read_frames), ZB_FAST,
     "read_frames($self, maximum, timeout=5.0)\n--\n\nWait for a frame, and take up to `maximum` that are there."},
    {"get_metadata", reader_metadata, METH_NOARGS, "Return a copy of the metadata that the writer left."},
    {"_attach", reader_attach, METH_VARARGS, NULL},
    {"_wait", reader_wait, METH_VARARGS,
     "_wait($self, timeout, anybody=False)\n--\n\nWait until a frame can be read; False when cancelled. With "
     "`anybody`, a writer that is gone is no error: the frame may be that of the next one."},
    {"_set_cancelled", zb_endpoint_set_cancelled, METH_O, NULL},
    {"_close", reader_close, METH_NOARGS, NULL},
    {"_detach", zb_endpoint_detach, METH_NOARGS, NULL},
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
    .tp_members = reader_members,
};
