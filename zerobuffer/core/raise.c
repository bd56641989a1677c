#include <errno.h>
#include <math.h>
#include <stdarg.h>

#include "binding.h"

PyObject *zb_error_factory = NULL;

PyObject *zb_raise(const zb_handle *handle, const char *code, const char *format, ...) {
    va_list rest;
    va_start(rest, format);
    PyObject *values = Py_VaBuildValue(format, rest);
    va_end(rest);
    if (values == NULL) return NULL;
    PyObject *error = NULL;
    PyObject *name = PyUnicode_DecodeFSDefault(handle != NULL ? handle->name : "");
    PyObject *arguments = Py_BuildValue("(s)", code);
    if (name != NULL && arguments != NULL && PyDict_SetItemString(values, "name", name) == 0) {
        error = PyObject_Call(zb_error_factory, arguments, values);
    }
    if (error != NULL) PyErr_SetObject((PyObject *)Py_TYPE(error), error);
    Py_XDECREF(error);
    Py_XDECREF(arguments);
    Py_XDECREF(name);
    Py_DECREF(values);
    return NULL;
}

void zb_warn_lost(PyObject *owner, const char *format, ...) {
    PyObject *type, *value, *traceback; /* the owner may be dropped while an exception is on its way */
    PyErr_Fetch(&type, &value, &traceback);
    va_list rest;
    va_start(rest, format);
    PyObject *text = PyUnicode_FromFormatV(format, rest);
    va_end(rest);
    if (text == NULL || PyErr_ResourceWarning(owner, 1, "%U", text) < 0) PyErr_WriteUnraisable(owner);
    Py_XDECREF(text);
    PyErr_Restore(type, value, traceback);
}

PyObject *zb_raise_fault(const zb_handle *handle, zb_status status, const zb_fault *fault) {
    const char *code = status == ZB_VERSION_MISMATCH     ? "version_mismatch"
                       : status == ZB_INVALID_FRAME_SIZE ? "invalid_frame_size"
                                                         : "invalid_oieb";
    return zb_raise(handle, code, "{s:s,s:K,s:K}", "field", fault->field, "value", (unsigned long long)fault->value,
                    "limit", (unsigned long long)fault->limit);
}

PyObject *zb_raise_errno(const zb_handle *handle, const char *operation) {
    const int error = errno;
    return zb_raise(handle, "system_error", "{s:s,s:i}", "operation", operation, "errno", error);
}

int64_t zb_timeout_ns(PyObject *seconds) {
    if (seconds == Py_None) return ZB_FOREVER;
    const double value = PyFloat_AsDouble(seconds);
    if (value == -1.0 && PyErr_Occurred()) return -1;
    if (isnan(value) || value < 0.0) {
        PyErr_SetString(PyExc_ValueError, "timeout must be a number of seconds >= 0, or None to wait for ever");
        return -1;
    }
    return value > 9.0e9 ? ZB_FOREVER : (int64_t)(value * 1e9);
}

int64_t zb_deadline(int64_t timeout_ns, int64_t now) {
    if (timeout_ns == 0) return 0;
    return timeout_ns > ZB_FOREVER - now ? ZB_FOREVER : now + timeout_ns;
}

int zb_parse_timeout(const char *method, PyObject *const *args, Py_ssize_t count, PyObject *names, Py_ssize_t required,
                     int64_t *timeout_ns) {
    *timeout_ns = ZB_DEFAULT_TIMEOUT_NS;
    const Py_ssize_t named = names == NULL ? 0 : PyTuple_GET_SIZE(names);
    if (count < required || count + named > required + 1) {
        PyErr_Format(PyExc_TypeError, "%s() takes %zd positional argument%s and an optional timeout", method, required,
                     required == 1 ? "" : "s");
        return -1;
    }
    if (named == 1 && PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(names, 0), "timeout") != 0) {
        PyErr_Format(PyExc_TypeError, "%s() got an unexpected keyword argument %R", method, PyTuple_GET_ITEM(names, 0));
        return -1;
    }
    if (count + named == required + 1) {
        *timeout_ns = zb_timeout_ns(args[required]);
        if (*timeout_ns < 0) return -1;
    }
    return 0;
}
