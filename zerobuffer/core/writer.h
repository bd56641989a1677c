/* The writing side: its state, and the parts it is made of. */
#ifndef ZB_WRITER_H
#define ZB_WRITER_H

#include "binding.h"

typedef struct ZbWriter {
    ZB_ENDPOINT_HEAD
    bool slot_open;
    bool busy; /* a copy is under way with the GIL released */
    bool claimed;
    bool reader_is_ours; /* it keeps the words of ours */
    uint64_t sequence; /* of the next frame */
    uint32_t writes;
    /* Copies of what only this writer writes, and the least that is free: good for a moment after looked_at. */
    uint64_t looked_at; /* zb_ticks; 0: not good */
    uint64_t write_pos;
    uint64_t written_count;
    uint64_t free_bytes;
    uint64_t committed; /* 0: a plain writer, for which the words of ours do not hold */
    zb_courtesy courtesy;
    uint64_t reader_pid; /* when this writer attached */
    uint64_t always_fits;
} ZbWriter;

/* 0, or -1 with ClosedError or BusyError set. */
int zb_writer_usable(ZbWriter *self);
/* 0 while the reader lives, else -1 with ReaderDeadError set. */
int zb_writer_check_reader(ZbWriter *self, int64_t now);

/* ---- space.c ------------------------------------------------------------------------------------------------- */

/* Loads the shared fields. */
int zb_writer_look(ZbWriter *self);
/* Plans a frame and waits until it can be written. The writer stays `busy` while it waits. */
int zb_writer_plan(ZbWriter *self, uint64_t size, int64_t timeout_ns, zb_plan *plan);
void zb_writer_drain_space(ZbWriter *self);
PyObject *zb_writer_wait_space(PyObject *op, PyObject *const *args, Py_ssize_t count, PyObject *names);

/* ---- writer.c, slot.c, claim.c ------------------------------------------------------------------------------- */

/* Makes staged frames part of the ring and tells the reader. */
int zb_writer_publish(ZbWriter *self, const zb_commit *commit);
PyObject *zb_writer_acquire(PyObject *op, PyObject *const *args, Py_ssize_t count, PyObject *names);
PyObject *zb_writer_claim(PyObject *op, PyObject *ignored);

#endif
