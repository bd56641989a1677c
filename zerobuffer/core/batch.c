/* Many frames, read and given back with one call each. Frame objects are made only of those that are looked at. */
#include "reader.h"

typedef struct entry {
    PyObject *frame; /* NULL until asked for */
    uint64_t lease;
    zb_found found;
} entry;

typedef struct ZbFrameBatch {
    PyObject_HEAD
    ZbReader *reader;
    Py_ssize_t count;
    bool released;
    bool warned; /* a recorded warning holds the batch: it may be finalized twice */
    entry *entries;
} ZbFrameBatch;

PyObject *zb_frame_batch_new(ZbReader *reader, Py_ssize_t capacity) {
    ZbFrameBatch *batch = PyObject_New(ZbFrameBatch, &ZbFrameBatchType);
    if (batch == NULL) return NULL;
    batch->reader = (ZbReader *)Py_NewRef((PyObject *)reader);
    batch->count = 0;
    batch->released = batch->warned = false;
    batch->entries = PyMem_Malloc((size_t)capacity * sizeof *batch->entries);
    if (batch->entries == NULL) {
        Py_DECREF(batch);
        return PyErr_NoMemory();
    }
    return (PyObject *)batch;
}

void zb_frame_batch_append(PyObject *self, const zb_found *found, uint64_t lease) {
    ZbFrameBatch *batch = (ZbFrameBatch *)self;
    batch->entries[batch->count++] = (entry){.lease = lease, .found = *found};
}

/* Gives back the entries of which no frame was made. A frame ends by its own release, so that its views end with it. */
static void give_back_unseen(ZbFrameBatch *batch) {
    for (Py_ssize_t i = 0; i < batch->count; i++) {
        if (batch->entries[i].frame == NULL) zb_lease_mark(batch->reader, batch->entries[i].lease);
    }
    zb_lease_drain(batch->reader);
}

static void batch_give_back(ZbFrameBatch *batch) {
    if (batch->released) return;
    batch->released = true;
    give_back_unseen(batch);
    for (Py_ssize_t i = 0; i < batch->count; i++) {
        if (batch->entries[i].frame != NULL) zb_frame_finish(batch->entries[i].frame);
    }
}

static void batch_finalize(PyObject *self) {
    ZbFrameBatch *batch = (ZbFrameBatch *)self;
    if (batch->released || batch->warned || batch->reader->closed) return;
    Py_ssize_t held = 0;
    for (Py_ssize_t i = 0; i < batch->count; i++) held += batch->entries[i].frame == NULL;
    if (held == 0) return; /* each frame answers for itself */
    batch->warned = true;
    zb_warn_lost(self,
                 "%zd frames of buffer '%s' were never released: use `with reader.read_frames(n) as frames:` or "
                 "frames.release()",
                 held, batch->reader->handle->name);
}

static void batch_dealloc(PyObject *self) {
    ZbFrameBatch *batch = (ZbFrameBatch *)self;
    if (!batch->released) {
        if (PyObject_CallFinalizerFromDealloc(self) < 0) return;
        give_back_unseen(batch);
    }
    for (Py_ssize_t i = 0; i < batch->count; i++) Py_XDECREF(batch->entries[i].frame);
    PyMem_Free(batch->entries);
    Py_DECREF(batch->reader);
    PyObject_Free(batch);
}

static Py_ssize_t batch_length(PyObject *self) { return ((ZbFrameBatch *)self)->count; }

static PyObject *batch_item(PyObject *self, Py_ssize_t index) {
    ZbFrameBatch *batch = (ZbFrameBatch *)self;
    if (index < 0 || index >= batch->count) {
        PyErr_SetString(PyExc_IndexError, "frame index out of range");
        return NULL;
    }
    entry *one = &batch->entries[index];
    if (one->frame == NULL && batch->released) {
        return zb_raise(batch->reader->handle, "frame_released", "{s:K}", "sequence",
                        (unsigned long long)one->found.sequence);
    }
    if (one->frame == NULL) one->frame = zb_frame_new(batch->reader, &one->found, one->lease);
    return Py_XNewRef(one->frame);
}

static PyObject *batch_subscript(PyObject *self, PyObject *key) {
    if (PySlice_Check(key)) {
        PyObject *all = PySequence_List(self);
        PyObject *part = all == NULL ? NULL : PyObject_GetItem(all, key);
        Py_XDECREF(all);
        return part;
    }
    const Py_ssize_t index = PyNumber_AsSsize_t(key, PyExc_IndexError);
    if (index == -1 && PyErr_Occurred()) return NULL;
    return batch_item(self, index < 0 ? index + ((ZbFrameBatch *)self)->count : index);
}

/* A large frame is copied without the GIL. Its buffer is exported meanwhile, so that its space cannot return. */
static PyObject *copy_out(ZbFrameBatch *batch, Py_ssize_t index) {
    const zb_found *found = &batch->entries[index].found;
    if (zb_endpoint_usable((ZbEndpoint *)batch->reader) < 0) return NULL;
    if (batch->entries[index].frame == NULL && !batch->released && found->size < ZB_COPY_GIL_LIMIT) {
        return PyBytes_FromStringAndSize((const char *)found->data, (Py_ssize_t)found->size);
    }
    PyObject *frame = batch_item((PyObject *)batch, index);
    Py_buffer data;
    if (frame == NULL || PyObject_GetBuffer(frame, &data, PyBUF_SIMPLE) < 0) {
        Py_XDECREF(frame);
        return NULL; /* it was released by itself */
    }
    PyObject *copy = PyBytes_FromStringAndSize(NULL, data.len);
    if (copy != NULL) zb_copy(batch->reader->handle, PyBytes_AS_STRING(copy), data.buf, (size_t)data.len);
    PyBuffer_Release(&data);
    Py_DECREF(frame);
    return copy;
}

static PyObject *batch_tobytes(PyObject *self, PyObject *Py_UNUSED(ignored)) {
    ZbFrameBatch *batch = (ZbFrameBatch *)self;
    PyObject *list = PyList_New(batch->count);
    for (Py_ssize_t i = 0; list != NULL && i < batch->count; i++) {
        PyObject *copy = copy_out(batch, i);
        if (copy == NULL) {
            Py_CLEAR(list);
            break;
        }
        PyList_SET_ITEM(list, i, copy);
    }
    return list;
}

static PyObject *batch_release(PyObject *self, PyObject *Py_UNUSED(ignored)) {
    batch_give_back((ZbFrameBatch *)self);
    Py_RETURN_NONE;
}

static PyObject *batch_enter(PyObject *self, PyObject *Py_UNUSED(ignored)) { return Py_NewRef(self); }

static PyObject *batch_exit(PyObject *self, PyObject *const *Py_UNUSED(args), Py_ssize_t Py_UNUSED(count)) {
    batch_give_back((ZbFrameBatch *)self);
    Py_RETURN_NONE;
}

static PyObject *batch_repr(PyObject *self) {
    const ZbFrameBatch *batch = (ZbFrameBatch *)self;
    return PyUnicode_FromFormat("<FrameBatch of %zd%s>", batch->count, batch->released ? " released" : "");
}

static PyMethodDef batch_methods[] = {
    {"release", batch_release, METH_NOARGS, "Give all frames back at once."},
    {"tobytes", batch_tobytes, METH_NOARGS, "Copy every frame out: a list of bytes, in order."},
    {"__enter__", batch_enter, METH_NOARGS, NULL},
    {"__exit__", (PyCFunction)(void (*)(void))batch_exit, METH_FASTCALL, NULL},
    {NULL, NULL, 0, NULL},
};

static PySequenceMethods batch_sequence = {.sq_length = batch_length, .sq_item = batch_item};
static PyMappingMethods batch_mapping = {.mp_length = batch_length, .mp_subscript = batch_subscript};

PyTypeObject ZbFrameBatchType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "zerobuffer.FrameBatch",
    .tp_doc = "A sequence of frames read with one call; a context manager that releases them all.",
    .tp_basicsize = sizeof(ZbFrameBatch),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_SEQUENCE,
    .tp_dealloc = batch_dealloc,
    .tp_finalize = batch_finalize,
    .tp_repr = batch_repr,
    .tp_as_sequence = &batch_sequence,
    .tp_as_mapping = &batch_mapping,
    .tp_methods = batch_methods,
};
