/* The writing side: copying frames in, committing them, and the rest of a writer's life. */
#include "writer.h"

#include <string.h>
#include <unistd.h>

#include "point.h"

/* ---- frames -------------------------------------------------------------------------------------------------- */

int zb_writer_publish(ZbWriter *self, const zb_commit *commit) {
    if (commit->frames == 0) return 0;
    const zb_ring *ring = &self->handle->ring;
    self->write_pos = commit->new_pos;
    self->written_count += commit->counted;
    if (self->committed != 0) self->committed += commit->bytes;
    const uint64_t before = zb_ring_publish(ring, commit, self->written_count, self->committed);
    self->free_bytes = zb_ring_room(ring, self->committed);
    for (uint64_t i = 0; i < commit->frames; i++) {
        sem_post(self->handle->data);
        ZB_POINT(WRITER_POST);
    }
    ZB_POINT(WRITER_DONE);
    if (before >= commit->bytes && before <= ring->payload_size) return 0;
    /* Another writer changed the field since our last look. */
    const zb_fault fault = {"payload_free_bytes", before, ring->payload_size};
    self->looked_at = 0;
    zb_raise_fault(self->handle, ZB_INVALID_OIEB, &fault);
    return -1;
}

/*
 * Takes the bytes of an object; the caller releases them. Its `__buffer__` may do anything: it finds the writer busy,
 * and may close it. A buffer of Python objects is refused: their addresses mean nothing in another process.
 */
static int get_bytes(ZbWriter *self, PyObject *object, Py_buffer *data) {
    if (PyBytes_CheckExact(object)) {
        data->buf = PyBytes_AS_STRING(object);
        data->len = PyBytes_GET_SIZE(object);
        data->obj = NULL; /* there is nothing to release */
        return 0;
    }
    self->busy = true;
    const int failed = PyObject_GetBuffer(object, data, PyBUF_C_CONTIGUOUS | PyBUF_FORMAT);
    self->busy = false;
    if (failed) return -1;
    if (data->format != NULL && strchr(data->format, 'O') != NULL) {
        PyErr_Format(PyExc_TypeError, "a buffer of Python objects (format '%s') holds addresses, not data",
                     data->format);
    } else if (zb_writer_usable(self) == 0) {
        return 0;
    }
    PyBuffer_Release(data);
    return -1;
}

/* Copies the bytes to where they were planned. A large copy lets other threads run, and one may close the writer. */
static int stage(ZbWriter *self, const zb_plan *plan, const Py_buffer *data, zb_commit *commit) {
    self->busy = true;
    zb_copy(self->handle, self->handle->ring.payload + plan->at + ZB_HEADER_SIZE, data->buf, (size_t)data->len);
    self->busy = false;
    if (zb_endpoint_usable((ZbEndpoint *)self) < 0) return -1;
    ZB_POINT(WRITER_DATA);
    zb_ring_stage(&self->handle->ring, plan, (uint64_t)data->len, self->sequence++, commit);
    return 0;
}

static int write_one(ZbWriter *self, const Py_buffer *data, int64_t timeout_ns) {
    zb_plan plan;
    zb_commit commit = {0};
    if (zb_writer_plan(self, (uint64_t)data->len, timeout_ns, &plan) < 0) return -1;
    return stage(self, &plan, data, &commit) < 0 ? -1 : zb_writer_publish(self, &commit);
}

static PyObject *writer_write_frame(PyObject *op, PyObject *const *args, Py_ssize_t count, PyObject *names) {
    ZbWriter *self = (ZbWriter *)op;
    int64_t timeout_ns;
    if (zb_parse_timeout("write_frame", args, count, names, 1, &timeout_ns) < 0) return NULL;
    if (zb_writer_usable(self) < 0) return NULL;
    self->cancelled = false;
    Py_buffer data;
    if (get_bytes(self, args[0], &data) < 0) return NULL;
    const int done = write_one(self, &data, timeout_ns);
    if (data.obj != NULL) PyBuffer_Release(&data);
    if (done < 0) return NULL;
    Py_RETURN_NONE;
}

/* Stages one item of a batch. Returns 1, 0 when the batch must be published first, -1 with an error set. */
static int stage_item(ZbWriter *self, const Py_buffer *data, zb_commit *commit) {
    zb_plan plan;
    const uint64_t size = (uint64_t)data->len, ring_size = self->handle->ring.payload_size;
    if (zb_plan_frame(ring_size, self->write_pos, size, &plan) != ZB_OK) return 0; /* write_one says why */
    if (zb_plan_need(&plan) > self->free_bytes) return 0;
    if (stage(self, &plan, data, commit) < 0) return -1;
    self->write_pos = commit->new_pos;
    self->free_bytes -= zb_plan_need(&plan);
    return 1;
}

static int write_item(ZbWriter *self, PyObject *item, int64_t timeout_ns, zb_commit *commit) {
    Py_buffer data;
    if (get_bytes(self, item, &data) < 0) return -1;
    int done = stage_item(self, &data, commit);
    if (done == 0) {
        done = zb_writer_publish(self, commit);
        *commit = (zb_commit){0};
        if (done == 0) done = write_one(self, &data, timeout_ns);
    }
    if (data.obj != NULL) PyBuffer_Release(&data);
    return done < 0 ? -1 : 0;
}

/* Returns the items of an iterable; NULL if it is none. What it raises is kept until these items are written. */
static PyObject *gather(PyObject *source, PyObject **type, PyObject **error, PyObject **traceback) {
    if (PyList_CheckExact(source) || PyTuple_CheckExact(source)) return Py_NewRef(source);
    PyObject *iterator = PyObject_GetIter(source);
    PyObject *items = iterator == NULL ? NULL : PyList_New(0);
    PyObject *item;
    while (items != NULL && (item = PyIter_Next(iterator)) != NULL) {
        if (PyList_Append(items, item) < 0) Py_CLEAR(items);
        Py_DECREF(item);
    }
    Py_XDECREF(iterator);
    if (items != NULL) PyErr_Fetch(type, error, traceback);
    return items;
}

static void write_all(ZbWriter *self, PyObject *items, int64_t timeout_ns, Py_ssize_t *written) {
    if (zb_writer_usable(self) < 0 || zb_writer_check_reader(self, zb_now()) < 0 || zb_writer_look(self) < 0) return;
    self->cancelled = false;
    zb_writer_drain_space(self);
    zb_commit commit = {0};
    while (*written < PySequence_Fast_GET_SIZE(items)) {
        PyObject *item = Py_NewRef(PySequence_Fast_GET_ITEM(items, *written));
        const int done = write_item(self, item, timeout_ns, &commit);
        Py_DECREF(item);
        if (done < 0) break;
        ++*written;
    }
    if (self->closed || zb_writer_publish(self, &commit) < 0) *written -= (Py_ssize_t)commit.frames;
}

static PyObject *writer_write_frames(PyObject *op, PyObject *const *args, Py_ssize_t count, PyObject *names) {
    ZbWriter *self = (ZbWriter *)op;
    int64_t timeout_ns;
    if (zb_parse_timeout("write_frames", args, count, names, 1, &timeout_ns) < 0 || zb_writer_usable(self) < 0) {
        return NULL;
    }
    PyObject *type = NULL, *error = NULL, *traceback = NULL;
    PyObject *items = gather(args[0], &type, &error, &traceback);
    if (items == NULL) return NULL;
    Py_ssize_t written = 0;
    write_all(self, items, timeout_ns, &written);
    Py_DECREF(items);
    if (!PyErr_Occurred() && type == NULL) return PyLong_FromSsize_t(written);
    if (PyErr_Occurred()) {
        Py_XDECREF(type);
        Py_XDECREF(error);
        Py_XDECREF(traceback);
        PyErr_Fetch(&type, &error, &traceback);
    }
    PyErr_NormalizeException(&type, &error, &traceback);
    PyObject *frames = PyLong_FromSsize_t(written);
    if (frames != NULL && error != NULL && PyObject_SetAttrString(error, "written", frames) < 0) PyErr_Clear();
    Py_XDECREF(frames);
    PyErr_Restore(type, error, traceback);
    return NULL;
}

/* ---- the rest ------------------------------------------------------------------------------------------------ */

static PyObject *writer_attach(PyObject *op, PyObject *args) {
    ZbWriter *self = (ZbWriter *)op;
    ZB_POINT(WRITER_OPENED);
    if (zb_endpoint_attach((ZbEndpoint *)self, args) < 0) return NULL;
    const zb_ring *ring = &self->handle->ring;
    self->sequence = 1;
    self->reader_pid = zb_load(&ring->oieb->reader_pid);
    self->reader_is_ours = zb_load(&ring->oieb->released) != 0;
    self->always_fits = zb_ring_always_fits(ring->payload_size);
    Py_RETURN_NONE;
}

static PyObject *writer_check_reader(PyObject *op, PyObject *Py_UNUSED(ignored)) {
    ZbWriter *self = (ZbWriter *)op;
    if (zb_endpoint_usable((ZbEndpoint *)self) < 0 || zb_writer_check_reader(self, zb_now()) < 0) return NULL;
    Py_RETURN_NONE;
}

static PyObject *writer_set_metadata(PyObject *op, PyObject *content) {
    ZbWriter *self = (ZbWriter *)op;
    Py_buffer data;
    if (zb_writer_usable(self) < 0 || zb_writer_check_reader(self, zb_now()) < 0) return NULL;
    if (get_bytes(self, content, &data) < 0) return NULL;
    zb_handle *handle = self->handle;
    zb_status status;
    zb_handle_retain(handle);
    self->busy = true;
    Py_BEGIN_ALLOW_THREADS
    status = zb_ring_metadata_write(&handle->ring, data.buf, (uint64_t)data.len);
    Py_END_ALLOW_THREADS
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

/* Nothing is posted: the reader notices by itself that writer_pid is 0, at once if it dozes. */
static PyObject *writer_close(PyObject *op, PyObject *Py_UNUSED(ignored)) {
    ZbWriter *self = (ZbWriter *)op;
    if (self->closed) Py_RETURN_NONE;
    self->closed = true;
    if (self->claimed && !self->handle->detached) {
        zb_oieb *oieb = self->handle->ring.oieb;
        uint64_t own = (uint64_t)getpid();
        const bool left = atomic_compare_exchange_strong(&oieb->writer_pid, &own, 0);
        zb_ring_leave(&self->handle->ring);
        /* Last: as long as writer_pid names us, we hold the lock. */
        zb_handle_unlock(self->handle, ZB_WRITER_LOCK);
        if (left) zb_doze_nudge(self->handle->data);
    }
    zb_endpoint_leave((ZbEndpoint *)self);
    Py_RETURN_NONE;
}

static void writer_dealloc(PyObject *op) {
    writer_close(op, NULL);
    Py_TYPE(op)->tp_free(op);
}

static PyObject *writer_free_bytes(PyObject *op, void *Py_UNUSED(closure)) {
    ZbWriter *self = (ZbWriter *)op;
    if (zb_endpoint_usable((ZbEndpoint *)self) < 0) return NULL;
    return PyLong_FromUnsignedLongLong(zb_ring_room(&self->handle->ring, self->committed));
}

static PyGetSetDef writer_getset[] = {
    {"free_bytes", writer_free_bytes, NULL, "Bytes of the ring that are free now.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyMemberDef writer_members[] = {
    {"closed", T_BOOL, offsetof(ZbWriter, closed), READONLY, "Whether the writer was closed."},
    {"next_sequence", T_ULONGLONG, offsetof(ZbWriter, sequence), READONLY, "Sequence number of the next frame."},
    {"_reader_is_ours", T_BOOL, offsetof(ZbWriter, reader_is_ours), READONLY, NULL},
    {"_reader_pid", T_ULONGLONG, offsetof(ZbWriter, reader_pid), READONLY, NULL},
    {"_always_fits", T_ULONGLONG, offsetof(ZbWriter, always_fits), READONLY, "Size that fits at any position."},
    {NULL, 0, 0, 0, NULL},
};

static PyMethodDef writer_methods[] = {
    {"write_frame", ZB_FASTCALL(writer_write_frame), ZB_FAST,
     "write_frame($self, data, timeout=5.0)\n--\n\nCopy one frame into the ring, waiting for space if need be."},
    {"write_frames", ZB_FASTCALL(writer_write_frames), ZB_FAST,
     "write_frames($self, items, timeout=5.0)\n--\n\nWrite many frames; the reader is woken once. Returns how many."},
    {"acquire", ZB_FASTCALL(zb_writer_acquire), ZB_FAST,
     "acquire($self, size, timeout=5.0)\n--\n\nLend a writable place in the ring for one frame of `size` bytes."},
    {"set_metadata", writer_set_metadata, METH_O, "Write the metadata: once, before or after frames."},
    {"check_reader", writer_check_reader, METH_NOARGS, "Raise ReaderDeadError if the reader is gone."},
    {"_attach", writer_attach, METH_VARARGS, NULL},
    {"_claim", zb_writer_claim, METH_NOARGS, NULL},
    {"_wait_space", ZB_FASTCALL(zb_writer_wait_space), ZB_FAST, "Wait until a frame of this size can be written."},
    {"_set_cancelled", zb_endpoint_set_cancelled, METH_O, NULL},
    {"_close", writer_close, METH_NOARGS, NULL},
    {"_detach", zb_endpoint_detach, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

PyTypeObject ZbWriterType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "zerobuffer._core.Writer",
    .tp_doc = "The writing side of a mapped segment.",
    .tp_basicsize = sizeof(ZbWriter),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .tp_new = zb_endpoint_new,
    .tp_dealloc = writer_dealloc,
    .tp_methods = writer_methods,
    .tp_getset = writer_getset,
    .tp_members = writer_members,
};
