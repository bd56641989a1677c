/* Monotonic time in nanoseconds, a cheaper counter, and the pause of a spinning core. */
#ifndef ZB_CLOCK_H
#define ZB_CLOCK_H

#include <stdint.h>
#include <time.h>

#define ZB_FOREVER INT64_MAX

static inline int64_t zb_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/*
 * The processor's counter tells for less than a clock costs whether a moment has passed. Only small differences are
 * believed: a jump, as after a move to another machine, looks like a long time.
 */
#if defined(__x86_64__)
#define ZB_MOMENT_TICKS 4096u /* 1 to 2 microseconds */
static inline uint64_t zb_ticks(void) { return __builtin_ia32_rdtsc(); }
#else
#define ZB_MOMENT_TICKS 2000u
static inline uint64_t zb_ticks(void) { return (uint64_t)zb_now(); }
#endif

static inline void zb_pause(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ __volatile__("isb" ::: "memory");
#endif
}

#endif
