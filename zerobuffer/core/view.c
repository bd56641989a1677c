/*
 * Memoryviews over ring memory, and their reuse.  To make a memoryview costs two allocations, the dearest part of
 * reading a small frame. So a view that was ended, and to which only this file refers, is pointed at the next frame
 * instead of being freed. CPython has no call for that. Its struct is in its headers, but internal: views are reused
 * only in versions whose struct is known, and only without re-exports, slices and weak references. Otherwise, or with
 * ZB_NO_VIEW_REUSE, each view is made anew.
 */
#include "reader.h"

#if PY_VERSION_HEX < 0x030E0000 && !defined(Py_GIL_DISABLED) && !defined(PYPY_VERSION) && !defined(ZB_NO_VIEW_REUSE)
#define KEPT_MOST 4

/* Ended views, the oldest first. The last user of a view usually drops it one frame later. */
static PyObject *kept[KEPT_MOST];
static int kept_count = 0;

static PyObject *take_kept(int place) {
    PyObject *view = kept[place];
    for (kept_count--; place < kept_count; place++) kept[place] = kept[place + 1];
    return view;
}

/* Whether nothing was derived from the view, so that its end ends every access. */
static bool is_plain(const PyMemoryViewObject *view) {
    return view->exports == 0 && view->mbuf->exports == 1 && Py_REFCNT(view->mbuf) == 1 && view->weakreflist == NULL;
}

PyObject *zb_view_reuse(uint8_t *data, uint64_t size, ZbSpan **span) {
    for (int i = 0; i < kept_count; i++) {
        PyMemoryViewObject *view = (PyMemoryViewObject *)kept[i];
        if (Py_REFCNT(view) != 1 || !is_plain(view)) continue;
        view->view.buf = view->mbuf->master.buf = data;
        view->view.len = view->mbuf->master.len = view->view.shape[0] = (Py_ssize_t)size;
        view->hash = -1;
        view->flags &= ~_Py_MEMORYVIEW_RELEASED;
        *span = (ZbSpan *)PyMemoryView_GET_BASE(view);
        return take_kept(i);
    }
    return NULL;
}

bool zb_view_retire(PyObject *object) {
    PyMemoryViewObject *view = (PyMemoryViewObject *)object;
    if (view->flags & _Py_MEMORYVIEW_RELEASED || !is_plain(view)) return false;
    view->flags |= _Py_MEMORYVIEW_RELEASED;
    PyObject *oldest = kept_count == KEPT_MOST ? take_kept(0) : NULL;
    kept[kept_count++] = object;
    Py_XDECREF(oldest);
    return true;
}
#else
PyObject *zb_view_reuse(uint8_t *Py_UNUSED(data), uint64_t Py_UNUSED(size), ZbSpan **Py_UNUSED(span)) { return NULL; }

bool zb_view_retire(PyObject *Py_UNUSED(view)) { return false; }
#endif

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
