/* The extension module: its types, and the few system objects that Python itself cannot reach. */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

#include "binding.h"
#include "point.h"

static PyObject *core_set_error_factory(PyObject *Py_UNUSED(module), PyObject *factory) {
    Py_XSETREF(zb_error_factory, Py_NewRef(factory));
    Py_RETURN_NONE;
}

static PyObject *core_format_segment(PyObject *Py_UNUSED(module), PyObject *args) {
    int fd;
    unsigned long long metadata_size, payload_size, pid;
    if (!PyArg_ParseTuple(args, "iKKK", &fd, &metadata_size, &payload_size, &pid)) return NULL;
    void *base = mmap(NULL, ZB_OIEB_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (base == MAP_FAILED) return PyErr_SetFromErrno(PyExc_OSError);
    zb_ring_format(base, metadata_size, payload_size, pid);
    munmap(base, ZB_OIEB_SIZE);
    Py_RETURN_NONE;
}

static PyObject *core_semaphore_create(PyObject *Py_UNUSED(module), PyObject *args) {
    const char *name;
    unsigned int mode;
    if (!PyArg_ParseTuple(args, "sI", &name, &mode)) return NULL;
    sem_t *semaphore = sem_open(name, O_CREAT | O_EXCL, mode, 0);
    if (semaphore == SEM_FAILED) return PyErr_SetFromErrno(PyExc_OSError);
    sem_close(semaphore);
    Py_RETURN_NONE;
}

static PyObject *core_semaphore_value(PyObject *Py_UNUSED(module), PyObject *args) {
    const char *name;
    if (!PyArg_ParseTuple(args, "s", &name)) return NULL;
    uint32_t value;
    if (zb_semaphore_look(name, &value) != 0) return PyErr_SetFromErrno(PyExc_OSError);
    return PyLong_FromUnsignedLong(value);
}

static PyObject *core_process_start_time(PyObject *Py_UNUSED(module), PyObject *args) {
    unsigned long long pid;
    if (!PyArg_ParseTuple(args, "K", &pid)) return NULL;
    return PyLong_FromUnsignedLongLong(zb_process_start_time(pid));
}

#ifdef ZB_POINTS
static PyObject *core_arm_point(PyObject *Py_UNUSED(module), PyObject *args) {
    const char *name;
    unsigned long count;
    int signal_number;
    if (!PyArg_ParseTuple(args, "ski", &name, &count, &signal_number)) return NULL;
    if (zb_point_arm(name, count, signal_number) != 0) {
        return PyErr_Format(PyExc_ValueError, "no point named '%s' in an operation", name);
    }
    Py_RETURN_NONE;
}

static PyObject *core_points(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored)) {
    PyObject *names = PyList_New(0);
    for (int id = 1; names != NULL && zb_point_name(id) != NULL; id++) {
        PyObject *name = PyUnicode_FromString(zb_point_name(id));
        if (name == NULL || PyList_Append(names, name) < 0) Py_CLEAR(names);
        Py_XDECREF(name);
    }
    return names;
}
#endif

static PyObject *core_dozes(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored)) {
    return PyBool_FromLong(zb_doze_possible());
}

static PyMethodDef core_methods[] = {
    {"set_error_factory", core_set_error_factory, METH_O, NULL},
    {"format_segment", core_format_segment, METH_VARARGS, NULL},
    {"semaphore_create", core_semaphore_create, METH_VARARGS, NULL},
    {"semaphore_value", core_semaphore_value, METH_VARARGS, NULL},
    {"process_start_time", core_process_start_time, METH_VARARGS, NULL},
#ifdef ZB_POINTS
    {"arm_point", core_arm_point, METH_VARARGS, NULL},
    {"points", core_points, METH_NOARGS, NULL},
#endif
    {"layout", zb_layout, METH_NOARGS, NULL},
    {"dozes", core_dozes, METH_NOARGS, "Whether a long wait sleeps without looking at the peer."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef core_module = {
    PyModuleDef_HEAD_INIT, "zerobuffer._core", "Compiled core of zerobuffer.", -1, core_methods, NULL, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit__core(void) {
    PyTypeObject *const types[] = {&ZbReaderType,     &ZbWriterType, &ZbFrameType,
                                   &ZbFrameBatchType, &ZbSlotType,   &ZbSpanType};
    const char *const names[] = {"Reader", "Writer", "Frame", "FrameBatch", "FrameSlot", "Span"};
    PyObject *module = PyModule_Create(&core_module);
    for (size_t i = 0; module != NULL && i < sizeof types / sizeof types[0]; i++) {
        if (PyType_Ready(types[i]) < 0 || PyModule_AddObjectRef(module, names[i], (PyObject *)types[i]) < 0) {
            Py_CLEAR(module);
        }
    }
    return module;
}
