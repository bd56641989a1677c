/* Adaptive waiting on a semaphore: a bounded spin that gives way to the kernel. */
#ifndef ZB_WAIT_H
#define ZB_WAIT_H

#include <semaphore.h>
#include <stdbool.h>
#include <stdint.h>

#include "clock.h"

/*
 * Spinning pays only while the other side answers within the spin. The budget is halved by every spin that fails and
 * restored by every one that succeeds; every ZB_SPIN_PROBE waits the full spin is tried again.
 */
typedef struct zb_spin {
    int64_t limit_ns; /* 0: never spin */
    uint32_t shift; /* the budget is the limit halved so many times */
    uint32_t waits;
} zb_spin;

#define ZB_SPIN_DEFAULT_NS 10000
#define ZB_SPIN_PROBE 32u
/* However much progress there is, a spin ends after so long. */
#define ZB_SPIN_MOST_NS 2000000
/* A blocked wait looks at the peer this often, so that a death is noticed well within 50 ms. */
#define ZB_SLICE_NS 35000000

/* The other side may be busy with a frame of this many bytes: a copy runs at some 10 bytes a nanosecond. */
#define ZB_SPIN_BYTES_PER_NS 8
#define ZB_SPIN_LARGE_MOST_NS 250000

void zb_spin_init(zb_spin *spin, int64_t limit_ns);
/* What a look at the awaited condition found. Progress means that the other side is at work: the spin begins anew. */
typedef enum zb_look { ZB_NOTHING, ZB_PROGRESS, ZB_READY } zb_look;
/* The condition a spin waits for: it must be cheap, and may take what it finds. */
typedef zb_look (*zb_condition)(void *context);
/*
 * Spins until the condition is ready, or nothing has moved for the length of the budget; `frame_size` is what the other
 * side is likely at work with.
 */
bool zb_spin_until(zb_spin *spin, uint64_t frame_size, zb_condition condition, void *context);
/* The first looks of a spin, so few that the GIL is kept. Returns which of them found it ready, 0 when none did. */
int zb_spin_briefly(const zb_spin *spin, zb_condition condition, void *context);

/*
 * Keeps a reader that is faster than its writer from meeting it on the same cache lines at every frame, which makes both
 * slow: once waits keep ending almost at once, each begins with a few microseconds in which nothing is looked at, and the
 * frames of that time are taken in one go. It ends as soon as such a pause brings only a few.
 */
typedef struct zb_headway {
    uint32_t brief_waits;
    bool given;
    uint64_t frames_before; /* frames that had been read when the last wait began */
} zb_headway;

/* Before a wait; `frames` have been read so far. */
void zb_headway_give(zb_headway *headway, uint64_t frames);

/* After a wait that ended after so many looks (0: not within the brief ones). */
void zb_headway_learn(zb_headway *headway, int looks);

/*
 * Before a wait sleeps it may let others run on its core, once: when the other side is one of them, its answer is there
 * afterwards, without a sleep and a wake-up. Tried less and less while it does not help, and hardly ever again once it
 * has let somebody run who did not give the core back soon.
 */
typedef struct zb_courtesy {
    uint32_t failures; /* one more with each that did not help, one less with each that did */
    uint32_t skip;     /* waits to come in which it is not tried */
} zb_courtesy;

#define ZB_COURTESY_QUICK_TICKS (16u * ZB_MOMENT_TICKS)
#define ZB_COURTESY_FRAME_TICKS (ZB_MOMENT_TICKS / 2) /* more for each frame that was done */
#define ZB_COURTESY_BYTES_PER_TICK 2u /* and for its copy, which takes half of that */
#define ZB_COURTESY_LONG_TICKS (512u * ZB_MOMENT_TICKS)
#define ZB_COURTESY_MOST_FAILURES 12u
#define ZB_COURTESY_LONG_FAILURES 16u

/* Whether to give way in the wait that begins now. */
bool zb_courtesy_due(zb_courtesy *courtesy);
/* After giving way for so many ticks: how many frames of a size the other side has done meanwhile, 0 when too few. */
void zb_courtesy_learn(zb_courtesy *courtesy, uint64_t frames, uint64_t frame_size, uint64_t ticks);

typedef enum zb_wake { ZB_WOKEN, ZB_TIMED_OUT, ZB_INTERRUPTED, ZB_WAIT_FAILED } zb_wake;

/*
 * The value of one that exists, from its file: its length, and the word that says how to sleep on it, are looked at, and
 * nothing is mapped. -1 with errno set, EBADMSG if what stands there is none.
 */
int zb_semaphore_look(const char *name, uint32_t *value);
/* Opens one that exists. SEM_FAILED with EBADMSG if what stands there is none: glibc would abort on it, or worse. */
sem_t *zb_semaphore_open(const char *name);
bool zb_semaphore_try(sem_t *semaphore);
/* How many tokens there are. */
uint64_t zb_semaphore_pending(sem_t *semaphore);
/* Waits until `deadline` (zb_now's clock) for one token. ZB_WAIT_FAILED leaves errno. */
zb_wake zb_semaphore_wait(sem_t *semaphore, int64_t deadline);
/* The same, but the token stays: it is put back at once. */
zb_wake zb_semaphore_watch(sem_t *semaphore, int64_t deadline);

#endif
