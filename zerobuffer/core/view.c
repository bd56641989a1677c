/*
 * Memoryviews over ring memory, and their reuse.  To make a memoryview costs two allocations, the dearest part of
 * reading a small frame. So a view that was ended, and to which only this file refers, is pointed at the next frame
 * instead of being freed. CPython has no call for that. Its struct is in its headers, but internal: views are reused
 * only in versions whose struct is known, and only without re-exports, slices and weak references. Otherwise, or with
 * ZB_NO_VIEW_REUSE, each view is made anew.
 */
#include "reader.h"

#if PY_VERSION_HEX < 0x030E0000 && !defined(Py_GIL_DISABLED) && !defined(PYPY_VERSION) && !defined(ZB_NO_VIEW_REUSE)
#define REUSE 1
#else
#define REUSE 0
#endif

#define KEPT_MOST 4

/* Ended views, the oldest first. The last user of a view usually drops it one frame later. */
static PyObject *kept[KEPT_MOST];
static int kept_count = 0;

#if REUSE
/* Whether nothing was derived from the view, so that its end ends every access. */
static bool is_plain(const PyMemoryViewObject *view) {
    return view->exports == 0 && view->mbuf->exports == 1 && Py_REFCNT(view->mbuf) == 1 && view->weakreflist == NULL;
}

static PyObject *take_kept(void) {
    for (int i = 0; i < kept_count; i++) {
        PyObject *view = kept[i];
        if (Py_REFCNT(view) != 1 || !is_plain((PyMemoryViewObject *)view)) continue;
        kept_count--;
        for (; i < kept_count; i++) kept[i] = kept[i + 1];
        return view;
    }
    return NULL;
}

static void keep(PyObject *view) {
    if (kept_count == KEPT_MOST) {
        PyObject *oldest = kept[0];
        for (int i = 1; i < KEPT_MOST; i++) kept[i - 1] = kept[i];
        kept[KEPT_MOST - 1] = view;
        Py_DECREF(oldest);
    } else {
        kept[kept_count++] = view;
    }
}

static void point_at(PyMemoryViewObject *view, uint8_t *data, Py_ssize_t size) {
    view->view.buf = view->mbuf->master.buf = data;
    view->view.len = view->mbuf->master.len = size;
    view->view.shape[0] = size;
    view->hash = -1;
    view->flags &= ~_Py_MEMORYVIEW_RELEASED;
}
#endif

PyObject *zb_view_reuse(uint8_t *data, uint64_t size, ZbSpan **span) {
#if REUSE
    PyObject *view = take_kept();
    if (view == NULL) return NULL;
    point_at((PyMemoryViewObject *)view, data, (Py_ssize_t)size);
    *span = (ZbSpan *)PyMemoryView_GET_BASE(view);
    return view;
#else
    (void)data, (void)size, (void)span;
    (void)kept, (void)kept_count;
    return NULL;
#endif
}

bool zb_view_retire(PyObject *object) {
#if REUSE
    PyMemoryViewObject *view = (PyMemoryViewObject *)object;
    if (view->flags & _Py_MEMORYVIEW_RELEASED || !is_plain(view)) return false;
    view->flags |= _Py_MEMORYVIEW_RELEASED;
    keep(object);
    return true;
#else
    (void)object;
    return false;
#endif
}

void zb_view_end(PyObject *view) {
    PyObject *type, *value, *traceback; /* the owner may be dropped while an exception is on its way */
    PyErr_Fetch(&type, &value, &traceback);
    if (Py_REFCNT(view) > 1) {
        static PyObject *release = NULL;
        if (release == NULL) release = PyUnicode_InternFromString("release");
        PyObject *done = release == NULL ? NULL : PyObject_CallMethodNoArgs(view, release);
        /* BufferError: an array, say, still exports the view. The memory stays lent until that is gone. */
        if (done == NULL) PyErr_Clear();
        Py_XDECREF(done);
    }
    Py_DECREF(view);
    PyErr_Restore(type, value, traceback);
}
