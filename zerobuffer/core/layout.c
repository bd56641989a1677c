/* The layout as this compiler sees it: the harness compares it with that of other implementations. */
#include "binding.h"

typedef struct {
    const char *name;
    size_t offset;
    size_t size;
} field;

#define FIELD(type, member) {#member, offsetof(type, member), sizeof(((type *)0)->member)}

static const field oieb_fields[] = {
    FIELD(zb_oieb, oieb_size),
    FIELD(zb_oieb, version),
    FIELD(zb_oieb, metadata_size),
    FIELD(zb_oieb, metadata_free_bytes),
    FIELD(zb_oieb, metadata_written_bytes),
    FIELD(zb_oieb, payload_size),
    FIELD(zb_oieb, payload_free_bytes),
    FIELD(zb_oieb, payload_write_pos),
    FIELD(zb_oieb, payload_read_pos),
    FIELD(zb_oieb, payload_written_count),
    FIELD(zb_oieb, payload_read_count),
    FIELD(zb_oieb, writer_pid),
    FIELD(zb_oieb, reader_pid),
    /* The words of ours lie in what the protocol calls reserved. */
    {"reserved", offsetof(zb_oieb, committed), sizeof(zb_oieb) - offsetof(zb_oieb, committed)},
    {NULL, 0, 0},
};

static const field frame_fields[] = {FIELD(zb_header, size), FIELD(zb_header, sequence), {NULL, 0, 0}};

static PyObject *structure(size_t size, const field *fields) {
    PyObject *places = PyDict_New();
    for (const field *one = fields; places != NULL && one->name != NULL; one++) {
        PyObject *place = Py_BuildValue("(nn)", (Py_ssize_t)one->offset, (Py_ssize_t)one->size);
        if (place == NULL || PyDict_SetItemString(places, one->name, place) < 0) Py_CLEAR(places);
        Py_XDECREF(place);
    }
    return places == NULL ? NULL : Py_BuildValue("{s:n,s:N}", "size", (Py_ssize_t)size, "fields", places);
}

PyObject *zb_layout(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored)) {
    PyObject *oieb = structure(sizeof(zb_oieb), oieb_fields);
    PyObject *frame = structure(sizeof(zb_header), frame_fields);
    if (oieb == NULL || frame == NULL) {
        Py_XDECREF(oieb);
        Py_XDECREF(frame);
        return NULL;
    }
    return Py_BuildValue("{s:N,s:N}", "oieb", oieb, "frame", frame);
}
