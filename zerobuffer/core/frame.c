/* Frames, the spans that export their memory, and the leases by which space returns. */
#include <stddef.h>

#include "point.h"
#include "reader.h"

/* ---- leases ------------------------------------------------------------------------------------------------ */

uint64_t zb_lease_push(ZbReader *reader, uint64_t bytes, bool frame) {
    zb_leases *leases = &reader->leases;
    if (leases->ring == NULL || leases->tail - leases->head > leases->mask) {
        const uint64_t capacity = leases->ring == NULL ? 64 : (leases->mask + 1) * 2;
        zb_lease *grown = PyMem_Calloc(capacity, sizeof *grown);
        if (grown == NULL) {
            PyErr_NoMemory();
            return UINT64_MAX;
        }
        for (uint64_t i = leases->head; i != leases->tail; i++) {
            grown[i & (capacity - 1)] = leases->ring[i & leases->mask];
        }
        PyMem_Free(leases->ring);
        leases->ring = grown;
        leases->mask = capacity - 1;
    }
    leases->ring[leases->tail & leases->mask] = (zb_lease){.bytes = bytes, .frame = frame, .returned = !frame};
    return leases->tail++;
}

void zb_lease_mark(ZbReader *reader, uint64_t lease) {
    if (reader->closed || lease < reader->leases.head) return;
    reader->leases.ring[lease & reader->leases.mask].returned = true;
}

void zb_lease_drain(ZbReader *reader) {
    if (reader->closed || reader->handle->detached) return;
    zb_leases *leases = &reader->leases;
    uint64_t bytes = 0, posts = 0;
    while (leases->head != leases->tail && leases->ring[leases->head & leases->mask].returned) {
        const zb_lease *lease = &leases->ring[leases->head & leases->mask];
        bytes += lease->bytes;
        posts += lease->frame;
        leases->head++;
    }
    zb_ring_free(&reader->handle->ring, &reader->released, bytes);
    for (; posts > 0; posts--) {
        sem_post(reader->handle->space);
        ZB_POINT(READER_SPACE);
    }
}

uint64_t zb_leases_held(const ZbReader *reader) {
    uint64_t bytes = 0;
    for (uint64_t i = reader->leases.head; i != reader->leases.tail; i++) {
        bytes += reader->leases.ring[i & reader->leases.mask].bytes;
    }
    return bytes;
}

/* ---- spans ------------------------------------------------------------------------------------------------- */

#define FREE_LIST_SIZE 64
static ZbSpan *free_spans[FREE_LIST_SIZE];
static int free_span_count = 0;

static void span_return_lease(ZbSpan *span) {
    if (span->reader == NULL) return;
    ZbReader *reader = span->reader;
    span->reader = NULL;
    zb_lease_mark(reader, span->lease);
    zb_lease_drain(reader);
    Py_DECREF(reader);
}

static void span_dealloc(PyObject *self) {
    ZbSpan *span = (ZbSpan *)self;
    span_return_lease(span);
    zb_handle_release(span->handle);
    span->handle = NULL;
    if (free_span_count < FREE_LIST_SIZE) {
        free_spans[free_span_count++] = span;
    } else {
        PyObject_Free(span);
    }
}

static int span_getbuffer(PyObject *self, Py_buffer *view, int flags) {
    ZbSpan *span = (ZbSpan *)self;
    const int readonly = span->reader != NULL;
    if (PyBuffer_FillInfo(view, self, span->data, (Py_ssize_t)span->size, readonly, flags) < 0) return -1;
    span->exports++;
    return 0;
}

static void span_releasebuffer(PyObject *self, Py_buffer *Py_UNUSED(view)) {
    ZbSpan *span = (ZbSpan *)self;
    if (--span->exports == 0 && span->finished) span_return_lease(span);
}

static PyBufferProcs span_buffer = {span_getbuffer, span_releasebuffer};

PyTypeObject ZbSpanType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "zerobuffer._core.Span",
    .tp_doc = "Exporter of a stretch of ring memory.",
    .tp_basicsize = sizeof(ZbSpan),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_dealloc = span_dealloc,
    .tp_as_buffer = &span_buffer,
};

PyObject *zb_span_view(zb_handle *handle, ZbReader *reader, uint8_t *data, uint64_t size, uint64_t lease,
                       ZbSpan **span) {
    ZbSpan *made;
    PyObject *view = reader == NULL ? NULL : zb_view_reuse(data, size, &made);
    if (view == NULL) {
        made = free_span_count > 0
                   ? (ZbSpan *)PyObject_Init((PyObject *)free_spans[--free_span_count], &ZbSpanType)
                   : PyObject_New(ZbSpan, &ZbSpanType);
        if (made == NULL) return NULL;
        made->exports = 0;
    }
    zb_handle_retain(handle);
    made->handle = handle;
    made->reader = (ZbReader *)Py_XNewRef((PyObject *)reader);
    made->data = data;
    made->size = size;
    made->lease = lease;
    made->finished = false;
    *span = made;
    if (view != NULL) return view;
    view = PyMemoryView_FromObject((PyObject *)made);
    if (view == NULL) Py_CLEAR(made->reader); /* the lease stays with the caller */
    Py_DECREF(made);
    return view;
}

/* ---- frames ------------------------------------------------------------------------------------------------ */

typedef struct ZbFrame {
    PyObject_HEAD
    ZbReader *reader;
    uint8_t *data;
    uint64_t size;
    uint64_t sequence;
    uint64_t lease;
    PyObject *view; /* made when asked for; it owns the span */
    ZbSpan *span;   /* borrowed from the view */
    bool released;
    bool warned; /* a recorded warning holds the frame: it may be finalized twice */
} ZbFrame;

static ZbFrame *free_frames[FREE_LIST_SIZE];
static int free_frame_count = 0;

PyObject *zb_frame_new(ZbReader *reader, const zb_found *found, uint64_t lease) {
    ZbFrame *frame = free_frame_count > 0
                         ? (ZbFrame *)PyObject_Init((PyObject *)free_frames[--free_frame_count], &ZbFrameType)
                         : PyObject_New(ZbFrame, &ZbFrameType);
    if (frame == NULL) return NULL;
    frame->reader = (ZbReader *)Py_NewRef((PyObject *)reader);
    frame->data = found->data;
    frame->size = found->size;
    frame->sequence = found->sequence;
    frame->lease = lease;
    frame->view = NULL;
    frame->span = NULL;
    frame->released = frame->warned = false;
    return (PyObject *)frame;
}

/* Gives the space back, unless something was derived from the view: then with the last of that. */
void zb_frame_finish(PyObject *self) {
    ZbFrame *frame = (ZbFrame *)self;
    if (frame->released) return;
    frame->released = true;
    if (frame->view == NULL) {
        zb_lease_mark(frame->reader, frame->lease);
        zb_lease_drain(frame->reader);
        return;
    }
    ZbSpan *span = frame->span;
    PyObject *view = frame->view;
    frame->view = NULL;
    frame->span = NULL;
    /* One export is the view. Further ones were made from the frame. */
    if (span->exports == 1 && zb_view_retire(view)) {
        zb_handle_release(span->handle);
        span->handle = NULL;
        span_return_lease(span);
        return;
    }
    span->finished = true;
    zb_view_end(view);
}

static void frame_finalize(PyObject *self) {
    ZbFrame *frame = (ZbFrame *)self;
    if (frame->released || frame->warned || frame->reader->closed) return;
    frame->warned = true;
    zb_warn_lost(self,
                 "frame %llu of buffer '%s' was never released: use `with reader.read_frame() as frame:`"
                 " or frame.release()",
                 (unsigned long long)frame->sequence, frame->reader->handle->name);
}

static void frame_dealloc(PyObject *self) {
    ZbFrame *frame = (ZbFrame *)self;
    if (!frame->released) {
        if (PyObject_CallFinalizerFromDealloc(self) < 0) return;
        /* A view that outlives its frame keeps the space lent until it is dropped, too. */
        if (frame->view != NULL) {
            frame->released = true;
            frame->span->finished = true;
            Py_CLEAR(frame->view);
        }
        zb_frame_finish(self);
    }
    Py_DECREF(frame->reader);
    if (free_frame_count < FREE_LIST_SIZE) {
        free_frames[free_frame_count++] = frame;
    } else {
        PyObject_Free(frame);
    }
}

static int frame_usable(const ZbFrame *frame) {
    if (!frame->released) return zb_endpoint_usable((ZbEndpoint *)frame->reader);
    zb_raise(frame->reader->handle, "frame_released", "{s:K}", "sequence", (unsigned long long)frame->sequence);
    return -1;
}

static PyObject *frame_data(PyObject *self, void *Py_UNUSED(closure)) {
    ZbFrame *frame = (ZbFrame *)self;
    if (frame_usable(frame) < 0) return NULL;
    if (frame->view == NULL) {
        frame->view = zb_span_view(frame->reader->handle, frame->reader, frame->data, frame->size, frame->lease,
                                   &frame->span);
        if (frame->view == NULL) return NULL;
    }
    return Py_NewRef(frame->view);
}

static PyObject *frame_release(PyObject *self, PyObject *Py_UNUSED(ignored)) {
    zb_frame_finish(self);
    Py_RETURN_NONE;
}

static PyObject *frame_enter(PyObject *self, PyObject *Py_UNUSED(ignored)) {
    if (((ZbFrame *)self)->released) return frame_data(self, NULL);
    return Py_NewRef(self);
}

static PyObject *frame_exit(PyObject *self, PyObject *const *Py_UNUSED(args), Py_ssize_t Py_UNUSED(count)) {
    zb_frame_finish(self);
    Py_RETURN_NONE;
}

static PyObject *frame_item(PyObject *self, Py_ssize_t index) {
    const ZbFrame *frame = (ZbFrame *)self;
    if (frame_usable(frame) < 0) return NULL;
    if (index < 0 || (uint64_t)index >= frame->size) {
        PyErr_SetString(PyExc_IndexError, "frame index out of range");
        return NULL;
    }
    return PyLong_FromLong(frame->data[index]);
}

/* frame[i] reads a byte without making a view; frame[i:j] is a part of the view. */
static PyObject *frame_subscript(PyObject *self, PyObject *key) {
    if (PyLong_Check(key)) {
        const Py_ssize_t index = PyLong_AsSsize_t(key);
        if (index == -1 && PyErr_Occurred()) return NULL;
        return frame_item(self, index < 0 ? index + (Py_ssize_t)((ZbFrame *)self)->size : index);
    }
    PyObject *data = frame_data(self, NULL);
    PyObject *part = data == NULL ? NULL : PyObject_GetItem(data, key);
    Py_XDECREF(data);
    return part;
}

static Py_ssize_t frame_length(PyObject *self) { return (Py_ssize_t)((ZbFrame *)self)->size; }

static int frame_getbuffer(PyObject *self, Py_buffer *view, int flags) {
    PyObject *data = frame_data(self, NULL);
    if (data == NULL) return -1;
    Py_DECREF(data);
    return PyObject_GetBuffer((PyObject *)((ZbFrame *)self)->span, view, flags);
}

/* Never called, as the span is exported; but NumPy keeps a buffer only of a type that has this function. */
static void frame_releasebuffer(PyObject *Py_UNUSED(self), Py_buffer *Py_UNUSED(view)) {}

static PyObject *frame_repr(PyObject *self) {
    const ZbFrame *frame = (ZbFrame *)self;
    return PyUnicode_FromFormat("<Frame sequence=%llu size=%llu%s>", (unsigned long long)frame->sequence,
                                (unsigned long long)frame->size, frame->released ? " released" : "");
}

static PyGetSetDef frame_getset[] = {
    {"data", frame_data, NULL, "Read-only memoryview into the ring, valid until the frame is released.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyMemberDef frame_members[] = {
    {"size", T_ULONGLONG, offsetof(ZbFrame, size), READONLY, "Number of bytes."},
    {"sequence", T_ULONGLONG, offsetof(ZbFrame, sequence), READONLY, "Sequence number, from 1 for each writer."},
    {"released", T_BOOL, offsetof(ZbFrame, released), READONLY, "Whether the frame was released."},
    {NULL, 0, 0, 0, NULL},
};

static PyMethodDef frame_methods[] = {
    {"release", frame_release, METH_NOARGS, "Give the frame's space back to the writer. Doing it twice is harmless."},
    {"__enter__", frame_enter, METH_NOARGS, NULL},
    {"__exit__", (PyCFunction)(void (*)(void))frame_exit, METH_FASTCALL, NULL},
    {NULL, NULL, 0, NULL},
};

static PySequenceMethods frame_sequence_methods = {.sq_length = frame_length, .sq_item = frame_item};
static PyMappingMethods frame_mapping_methods = {.mp_length = frame_length, .mp_subscript = frame_subscript};
static PyBufferProcs frame_buffer = {frame_getbuffer, frame_releasebuffer};

PyTypeObject ZbFrameType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "zerobuffer.Frame",
    .tp_doc = "One frame in the ring, lent until it is released. A context manager, and a buffer of its bytes.",
    .tp_basicsize = sizeof(ZbFrame),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_dealloc = frame_dealloc,
    .tp_finalize = frame_finalize,
    .tp_repr = frame_repr,
    .tp_as_sequence = &frame_sequence_methods,
    .tp_as_mapping = &frame_mapping_methods,
    .tp_as_buffer = &frame_buffer,
    .tp_methods = frame_methods,
    .tp_getset = frame_getset,
    .tp_members = frame_members,
};
