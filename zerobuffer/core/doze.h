/*
 * A wait that has become long. It sleeps on its semaphore and on a word of its own at the same time; a thread that
 * sleeps until the peer's process ends changes that word. So nobody has to look at the peer again and again, and its
 * death is noticed at once. Where the system cannot do that, waits go on in slices (wait.h).
 */
#ifndef ZB_DOZE_H
#define ZB_DOZE_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

#include "wait.h"

/* Slices that a wait sleeps before it counts as long: a stream of 10 frames a second never gets there. */
#ifndef ZB_DOZE_AFTER_SLICES
#define ZB_DOZE_AFTER_SLICES 3
#endif
/*
 * A doze looks up this often all the same: a writer of another implementation that leaves, or comes, tells nobody.
 */
#ifndef ZB_DOZE_NS
#define ZB_DOZE_NS 100000000
#endif

/* One thread at a time begins, ends and starts the watch; `news` may be called for from any. */
typedef struct zb_doze {
    _Atomic uint32_t news;
    bool watching;        /* `thread` was started and not joined */
    _Atomic int state;    /* whether it watches, was told to end, or has ended by itself: doze.c */
    _Atomic int pidfd;    /* its own; -1 once it has closed it */
    _Atomic int farewell; /* the same; an eventfd that tells it to end */
    uint64_t pid;
    pid_t process; /* in which the thread runs: a forked child inherits all this without it */
    pthread_t thread;
} zb_doze;

/* Whether the system and its semaphores are such that one can doze; never where ZB_NEVER_DOZE is defined. */
bool zb_doze_possible(void);
/* To be taken before a last look at whatever is waited for: the doze ends when there were any news since. */
static inline uint32_t zb_doze_news(zb_doze *doze) {
    return atomic_load_explicit(&doze->news, memory_order_acquire);
}
/* Lets the thread watch this process, unless it does; false when there can be no thread. */
bool zb_doze_watch(zb_doze *doze, uint64_t pid, int pidfd);
/* Sleeps until the semaphore has a token, which stays, or there are news. */
zb_wake zb_doze_on(zb_doze *doze, sem_t *semaphore, uint32_t news, int64_t deadline);
/* News: whoever dozes looks up. */
void zb_doze_call(zb_doze *doze);
/* The wait is over: the thread closes what it has and ends soon, and nobody waits for that. */
void zb_doze_end(zb_doze *doze);
/* Nothing of the thread is left afterwards. */
void zb_doze_join(zb_doze *doze);
/* Makes whoever dozes on the semaphore look up, in another process, too, without a token. */
void zb_doze_nudge(sem_t *semaphore);

#endif
