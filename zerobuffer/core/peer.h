/* Whether the process on the other side still lives. */
#ifndef ZB_PEER_H
#define ZB_PEER_H

#include <stdbool.h>
#include <stdint.h>

/*
 * A pidfd pins one process, so that a pid that is given to another process later is no trap. Where the kernel has no
 * pidfd, the start time of the process does the same.
 */
typedef struct zb_peer {
    uint64_t pid; /* 0: none watched */
    int pidfd;    /* -1: none */
    uint64_t start_time;
    bool dead;
    bool unknown; /* dead only in the sense that no such pid is known here */
    int64_t seen_alive; /* by whatever sign of life; zb_now */
} zb_peer;

/* How long an answer stays good for a peer that is asked on every call. */
#define ZB_PEER_FRESH_NS 50000

void zb_peer_init(zb_peer *peer);
void zb_peer_close(zb_peer *peer);
/* Watches `pid` (does nothing when it is watched already). */
void zb_peer_watch(zb_peer *peer, uint64_t pid);
/* Asks the system now. EPERM means alive; a zombie is dead. Of a peer that holds a lock this proves nothing. */
bool zb_peer_alive(zb_peer *peer);
/* Whether it was seen alive a moment ago. */
static inline bool zb_peer_fresh(const zb_peer *peer, uint64_t pid, int64_t now) {
    return peer->pid == pid && pid != 0 && now - peer->seen_alive < ZB_PEER_FRESH_NS;
}
/* Watches the process that has the number now. */
void zb_peer_renew(zb_peer *peer);
/* Start time in clock ticks since boot; 0 when there is no such process or it is a zombie. */
uint64_t zb_process_start_time(uint64_t pid);

#endif
