/* Becoming the writer of a buffer. */
#include <unistd.h>

#include "point.h"
#include "writer.h"

/* The caller tries again: another writer is connecting or leaving, or the reader is inside a release. */
#define TRY_AGAIN (-1)
/* The caller tries again for a moment: the reader is settling, or its process has a writer. */
#define READER_HAS_IT (-2)

typedef enum owner_state { OWNER_ALIVE, OWNER_OURS_DEAD, OWNER_FOREIGN_DEAD } owner_state;

/* Says whether the owner that stands in writer_pid lives. We hold the writer's lock, so no writer of ours does. */
static owner_state look_at_owner(const zb_oieb *oieb, uint64_t owner) {
    if (zb_connection_pid(zb_load(&oieb->connection)) == owner) return OWNER_OURS_DEAD;
    /* The reader is settling, or its process has a foreign writer. */
    if (owner == zb_load(&oieb->reader_pid)) return OWNER_ALIVE;
    /* A dead process had our pid before us, as in a restarted container. */
    if (owner == (uint64_t)getpid()) return OWNER_FOREIGN_DEAD;
    zb_peer peer;
    zb_peer_init(&peer);
    zb_peer_watch(&peer, owner);
    const bool alive = zb_peer_alive(&peer);
    zb_peer_close(&peer);
    return alive ? OWNER_ALIVE : OWNER_FOREIGN_DEAD;
}

static int64_t refusal(const zb_oieb *oieb, uint64_t owner) {
    if (owner == 0) return TRY_AGAIN;
    return owner == zb_load(&oieb->reader_pid) ? READER_HAS_IT : (int64_t)owner;
}

/* Connects, with the writer's lock held. Returns 0, or as `refusal` does. The caller's close gives back the claim. */
static int64_t connect(ZbWriter *self) {
    const zb_ring *ring = &self->handle->ring;
    zb_oieb *oieb = ring->oieb;
    uint64_t owner = zb_load(&oieb->writer_pid);
    if (owner != 0) {
        const owner_state state = look_at_owner(oieb, owner);
        if (state == OWNER_ALIVE) return refusal(oieb, owner);
        if (!zb_ring_inherit(ring, state == OWNER_OURS_DEAD)) return TRY_AGAIN;
        if (!atomic_compare_exchange_strong(&oieb->writer_pid, &owner, 0)) return refusal(oieb, owner);
        owner = 0;
    }
    uint64_t committed = 0;
    const zb_resumed resumed = zb_ring_resume(ring, &committed);
    if (resumed == ZB_TRY_AGAIN) return TRY_AGAIN;
    const uint64_t last = zb_connection_number(zb_load(&oieb->connection));
    /* `connection` is stored before the claim: whenever writer_pid names a writer of ours, `connection` does, too. */
    if (resumed == ZB_RESUMED) zb_ring_announce(ring, committed, (uint32_t)getpid());
    else if (zb_load(&oieb->released) != 0) zb_store(&oieb->connection, zb_connection(last + 1, 0));
    ZB_POINT(WRITER_ANNOUNCED);
    if (!atomic_compare_exchange_strong(&oieb->writer_pid, &owner, (uint64_t)getpid())) {
        zb_store(&oieb->connection, zb_connection(last, 0));
        return refusal(oieb, owner);
    }
    self->committed = resumed == ZB_RESUMED ? committed : 0;
    self->claimed = true;
    /* A foreign writer may have come and gone between the look and the claim. */
    uint64_t still = 0;
    if (resumed == ZB_RESUMED && (zb_ring_resume(ring, &still) != ZB_RESUMED || still != committed)) return TRY_AGAIN;
    self->write_pos = self->committed % ring->payload_size;
    return 0;
}

/*
 * Claims the buffer: first the writer's lock, which keeps ours away, then writer_pid, which keeps everybody away.
 * Returns None, the pid of the living writer that has the buffer, TRY_AGAIN or READER_HAS_IT.
 */
PyObject *zb_writer_claim(PyObject *op, PyObject *Py_UNUSED(ignored)) {
    ZbWriter *self = (ZbWriter *)op;
    if (zb_writer_usable(self) < 0 || zb_writer_check_reader(self, zb_now()) < 0) return NULL;
    const zb_oieb *oieb = self->handle->ring.oieb;
    if (!zb_handle_lock(self->handle, ZB_WRITER_LOCK)) {
        return PyLong_FromLongLong(refusal(oieb, zb_load(&oieb->writer_pid)));
    }
    const int64_t refused = connect(self);
    if (refused != 0) {
        if (!self->claimed) zb_handle_unlock(self->handle, ZB_WRITER_LOCK);
        return PyLong_FromLongLong(refused);
    }
    self->looked_at = 0;
    zb_doze_nudge(self->handle->data);
    Py_RETURN_NONE;
}
