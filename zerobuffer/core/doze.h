/*
 * A long wait dozes: it sleeps on its semaphore and on a word of its own at the same time. A thread sleeps until the
 * peer's process ends, and then changes that word. So a death is noticed at once, and the wait need not look at the
 * peer again and again. Where the system cannot do that, waits go on in slices (semaphores.h).
 */
#ifndef ZB_DOZE_H
#define ZB_DOZE_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

#include "semaphores.h"

/* A wait sleeps so many slices before it dozes: a stream of 10 frames a second never gets there. */
#ifndef ZB_DOZE_AFTER_SLICES
#define ZB_DOZE_AFTER_SLICES 3
#endif
/* A doze ends this often all the same: a foreign writer that comes or leaves calls nobody. */
#ifndef ZB_DOZE_NS
#define ZB_DOZE_NS 100000000
#endif

/* One thread at a time uses a doze; zb_doze_call may be called from any. */
typedef struct zb_doze {
    _Atomic uint32_t news;
    bool watching;        /* `thread` was started and not joined */
    _Atomic int state;    /* of the thread: doze.c */
    _Atomic int pidfd;    /* the thread's own; -1 once it is closed */
    _Atomic int farewell; /* an eventfd that tells the thread to end; -1 once it is closed */
    uint64_t pid;
    pid_t process; /* where the thread runs: a forked child inherits this struct without the thread */
    pthread_t thread;
} zb_doze;

/* Whether a wait can doze on this system; never in a build with ZB_NEVER_DOZE. */
bool zb_doze_possible(void);
/* A wait takes this before its last look at what it waits for: news that come after that end the doze. */
static inline uint32_t zb_doze_news(zb_doze *doze) {
    return atomic_load_explicit(&doze->news, memory_order_acquire);
}
/* Lets the thread watch a process; false when there can be no thread. */
bool zb_doze_watch(zb_doze *doze, uint64_t pid, int pidfd);
/* Sleeps until the semaphore has a token, which stays, or there are news. */
zb_wake zb_doze_on(zb_doze *doze, sem_t *semaphore, uint32_t news, int64_t deadline);
/* Ends a doze: there are news. */
void zb_doze_call(zb_doze *doze);
/* The wait is over: tells the thread to close its descriptors and end, without waiting for it. */
void zb_doze_end(zb_doze *doze);
/* Waits for the end of the thread. */
void zb_doze_join(zb_doze *doze);
/* Ends each doze on the semaphore, in other processes, too, without a token. */
void zb_doze_nudge(sem_t *semaphore);

#endif
