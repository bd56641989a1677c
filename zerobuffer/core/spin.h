/* What a wait does before it sleeps: a bounded spin that adapts, a pause that helps the other side, a yield. */
#ifndef ZB_SPIN_H
#define ZB_SPIN_H

#include <stdbool.h>
#include <stdint.h>

#include "clock.h"

/*
 * A spin pays only if the other side answers within it. Each spin that fails halves the budget, one that succeeds
 * restores it, and each ZB_SPIN_PROBEth wait spins in full.
 */
typedef struct zb_spin {
    int64_t limit_ns; /* 0: never spin */
    uint32_t shift; /* the budget is the limit halved so many times */
    uint32_t waits;
} zb_spin;

#define ZB_SPIN_PROBE 32u
/* A spin that sees progress ends after so long all the same. */
#define ZB_SPIN_MOST_NS 2000000

/* A spin lasts longer while the other side may be copying a large frame: some 10 bytes a nanosecond. */
#define ZB_SPIN_BYTES_PER_NS 8
#define ZB_SPIN_LARGE_MOST_NS 250000

void zb_spin_init(zb_spin *spin, int64_t limit_ns);
/* What a look found. ZB_PROGRESS: the other side is at work, and the spin begins anew. */
typedef enum zb_look { ZB_NOTHING, ZB_PROGRESS, ZB_READY } zb_look;
/* What a spin waits for. It must be cheap, and may take what it finds. */
typedef zb_look (*zb_condition)(void *context);
/* Spins until the condition is ready, or there was no progress for the budget; `frame_size` bytes may be under way. */
bool zb_spin_until(zb_spin *spin, uint64_t frame_size, zb_condition condition, void *context);
/* The first looks of a spin, so few that the GIL is kept. Returns the number of the look that found it ready, or 0. */
int zb_spin_briefly(const zb_spin *spin, zb_condition condition, void *context);

/*
 * A reader that is faster than its writer meets it on the same cache lines at every frame, which slows both. So once
 * waits keep ending almost at once, each begins with a pause of a few microseconds, and the reader then takes the
 * frames of the pause in one go. The pauses end when one brings only a few frames.
 */
typedef struct zb_headway {
    uint32_t brief_waits;
    bool given;
    uint64_t frames_before; /* frames that had been read when the last wait began */
} zb_headway;

/* Before a wait: makes the pause, if there is one. `frames` have been read so far. */
void zb_headway_give(zb_headway *headway, uint64_t frames);

/* After a wait that ended with this look of zb_spin_briefly. */
void zb_headway_learn(zb_headway *headway, int looks);

/*
 * Before a wait sleeps, it may let others run on its core once. If the other side is among them, its answer is there
 * afterwards, without a sleep and a wake-up. The wait tries this less and less while it does not help, and hardly ever
 * again once another process has kept the core for long.
 */
typedef struct zb_courtesy {
    uint32_t failures; /* one more for each try that did not help, one less for each that did */
    uint32_t skip;     /* so many of the next waits do not try */
} zb_courtesy;

#define ZB_COURTESY_QUICK_TICKS (16u * ZB_MOMENT_TICKS)
#define ZB_COURTESY_FRAME_TICKS (ZB_MOMENT_TICKS / 2) /* in addition for each frame */
#define ZB_COURTESY_BYTES_PER_TICK 2u /* in addition for its copy, which takes half of that */
#define ZB_COURTESY_LONG_TICKS (512u * ZB_MOMENT_TICKS)
#define ZB_COURTESY_MOST_FAILURES 12u
#define ZB_COURTESY_LONG_FAILURES 16u

/* Whether the wait that begins now gives way. */
bool zb_courtesy_due(zb_courtesy *courtesy);
/* After giving way for `ticks`: the other side has done `frames` meanwhile, 0 if too few. */
void zb_courtesy_learn(zb_courtesy *courtesy, uint64_t frames, uint64_t frame_size, uint64_t ticks);

#endif
