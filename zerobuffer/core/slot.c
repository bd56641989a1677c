/* Zero-copy slots: a place in the ring, lent to be written into. */
#include "point.h"
#include "reader.h"
#include "writer.h"

typedef struct ZbSlot {
    PyObject_HEAD
    ZbWriter *writer;
    zb_plan plan;
    uint64_t size;
    PyObject *view;
    bool open;
    bool warned; /* a recorded warning holds the slot: it may be finalized twice */
} ZbSlot;

PyObject *zb_writer_acquire(PyObject *op, PyObject *const *args, Py_ssize_t count, PyObject *names) {
    ZbWriter *self = (ZbWriter *)op;
    int64_t timeout_ns;
    if (zb_parse_timeout("acquire", args, count, names, 1, &timeout_ns) < 0) return NULL;
    const Py_ssize_t size = PyNumber_AsSsize_t(args[0], PyExc_OverflowError);
    if (size == -1 && PyErr_Occurred()) return NULL;
    if (zb_writer_usable(self) < 0) return NULL;
    if (size < 0) return PyErr_Format(PyExc_ValueError, "acquire() needs a size of at least 1, not %zd", size);
    self->cancelled = false;
    zb_plan plan;
    if (zb_writer_plan(self, (uint64_t)size, timeout_ns, &plan) < 0) return NULL;
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
    PyObject *view = slot->view;
    slot->view = NULL;
    if (view != NULL) zb_view_end(view);
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
    /* The end of the view may run the callback of a weak reference, and that may close the writer. */
    if (zb_writer_usable(writer) < 0 || zb_writer_check_reader(writer, zb_now()) < 0) return NULL;
    ZB_POINT(WRITER_DATA);
    zb_commit commit = {0};
    zb_ring_stage(&writer->handle->ring, &slot->plan, slot->size, writer->sequence++, &commit);
    if (zb_writer_publish(writer, &commit) < 0) return NULL;
    Py_RETURN_NONE;
}

static PyObject *slot_abandon(PyObject *op, PyObject *Py_UNUSED(ignored)) {
    ZbSlot *slot = (ZbSlot *)op;
    if (slot->open) slot_end(slot);
    Py_RETURN_NONE;
}

static PyObject *slot_enter(PyObject *op, PyObject *Py_UNUSED(ignored)) { return slot_data(op, NULL); }

static PyObject *slot_exit(PyObject *op, PyObject *const *args, Py_ssize_t count) {
    /* It was committed or abandoned inside the block. */
    if (!((ZbSlot *)op)->open) Py_RETURN_NONE;
    return count > 0 && args[0] != Py_None ? slot_abandon(op, NULL) : slot_commit(op, NULL);
}

static void slot_finalize(PyObject *op) {
    ZbSlot *slot = (ZbSlot *)op;
    if (!slot->open || slot->warned || slot->writer->closed) return;
    slot->warned = true;
    zb_warn_lost(op,
                 "an acquired frame of buffer '%s' was neither committed nor abandoned: it is abandoned. "
                 "Use `with writer.acquire(size) as view:`",
                 slot->writer->handle->name);
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
