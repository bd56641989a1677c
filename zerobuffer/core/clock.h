/* Monotonic time in nanoseconds, and the pause of a spinning core. */
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

static inline void zb_pause(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ __volatile__("isb" ::: "memory");
#endif
}

#endif
