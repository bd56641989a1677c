#include "wait.h"

#include <errno.h>
#include <time.h>

#include "clock.h"

void zb_spin_init(zb_spin *spin, int64_t limit_ns) { *spin = (zb_spin){.limit_ns = limit_ns, .budget_ns = limit_ns}; }

bool zb_spin_until(zb_spin *spin, zb_condition condition, void *context) {
    if (spin->limit_ns <= 0) return false;
    const bool probe = ++spin->waits % ZB_SPIN_PROBE == 0;
    const int64_t budget = probe ? spin->limit_ns : spin->budget_ns;
    int64_t now = zb_now();
    int64_t end = now + budget;
    const int64_t last = now + ZB_SPIN_MOST_NS;
    do {
        for (int i = 0; i < 8; i++) {
            const zb_look look = condition(context);
            if (look == ZB_READY) {
                spin->budget_ns = spin->limit_ns;
                return true;
            }
            if (look == ZB_PROGRESS) end = last;
            zb_pause();
        }
        now = zb_now();
        if (end == last) end = now + spin->limit_ns;
    } while (now < end && now < last);
    if (!probe) spin->budget_ns /= 2;
    return false;
}

bool zb_semaphore_try(sem_t *semaphore) {
    while (sem_trywait(semaphore) != 0) {
        if (errno != EINTR) return false;
    }
    return true;
}

zb_wake zb_semaphore_wait(sem_t *semaphore, int64_t deadline) {
#ifdef ZB_HAVE_SEM_CLOCKWAIT
    const struct timespec until = {.tv_sec = deadline / 1000000000, .tv_nsec = deadline % 1000000000};
    const int result = sem_clockwait(semaphore, CLOCK_MONOTONIC, &until);
#else
    /* Without sem_clockwait the wall clock is all there is; slices are short, so a step of it shifts little. */
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    int64_t left = deadline - zb_now();
    if (left < 0) left = 0;
    until.tv_sec += left / 1000000000;
    until.tv_nsec += left % 1000000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    const int result = sem_timedwait(semaphore, &until);
#endif
    if (result == 0) return ZB_WOKEN;
    if (errno == ETIMEDOUT) return ZB_TIMED_OUT;
    return errno == EINTR ? ZB_INTERRUPTED : ZB_WAIT_FAILED;
}
