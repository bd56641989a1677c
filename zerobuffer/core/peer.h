/* Whether the process on the other side still lives. */
#ifndef ZB_PEER_H
#define ZB_PEER_H

#include <stdbool.h>
#include <stdint.h>

/*
 * A pidfd belongs to one process: a pid that is given to another process later is no trap. Where the kernel has no
 * pidfd, the start time of the process serves.
 */
typedef struct zb_peer {
    uint64_t pid; /* 0: none watched */
    int pidfd;    /* -1: none */
    uint64_t start_time;
    bool dead;
    bool unknown; /* no such pid is known here: the process is dead, or of another pid namespace */
    int64_t seen_alive; /* zb_now of the last sign of life */
} zb_peer;

/* A sign of life stays good for so long: calls ask again and again. */
#define ZB_PEER_FRESH_NS 50000

void zb_peer_init(zb_peer *peer);
void zb_peer_close(zb_peer *peer);
/* Watches `pid`, unless it is watched already. */
void zb_peer_watch(zb_peer *peer, uint64_t pid);
/* Asks the system. A zombie is dead. The lock of a peer of ours decides, and not this. */
bool zb_peer_alive(zb_peer *peer);
/* Whether the peer was seen alive a moment ago. */
static inline bool zb_peer_fresh(const zb_peer *peer, uint64_t pid, int64_t now) {
    return peer->pid == pid && pid != 0 && now - peer->seen_alive < ZB_PEER_FRESH_NS;
}
/* Watches the process that has the pid now. */
void zb_peer_renew(zb_peer *peer);
/* Start time in clock ticks since boot; 0 when there is no such process or it is a zombie. */
uint64_t zb_process_start_time(uint64_t pid);

#endif
