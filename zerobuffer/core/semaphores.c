#include "semaphores.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define SHARED_FUTEX 128u

int zb_semaphore_look(const char *name, uint32_t *value) {
    char path[300];
    uint32_t words[sizeof(sem_t) / 4];
    snprintf(path, sizeof path, "/dev/shm/sem.%s", name + (name[0] == '/'));
    const int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return -1;
    struct stat facts;
    const bool whole = fstat(fd, &facts) == 0 && S_ISREG(facts.st_mode) && facts.st_size == sizeof words &&
                       read(fd, words, sizeof words) == sizeof words;
    close(fd);
    errno = EBADMSG;
    if (!whole || words[0] > SEM_VALUE_MAX || (words[2] != 0 && words[2] != SHARED_FUTEX)) return -1;
    *value = words[0];
    return 0;
}

sem_t *zb_semaphore_open(const char *name) {
    uint32_t value;
    return zb_semaphore_look(name, &value) == 0 || errno != EBADMSG ? sem_open(name, 0) : SEM_FAILED;
}

bool zb_semaphore_try(sem_t *semaphore) {
    while (sem_trywait(semaphore) != 0) {
        if (errno != EINTR) return false;
    }
    return true;
}

uint64_t zb_semaphore_pending(sem_t *semaphore) {
    int value = 0;
    sem_getvalue(semaphore, &value);
    return value > 0 ? (uint64_t)value : 0;
}

zb_wake zb_semaphore_wait(sem_t *semaphore, int64_t deadline) {
#ifdef ZB_HAVE_SEM_CLOCKWAIT
    const struct timespec until = {.tv_sec = deadline / 1000000000, .tv_nsec = deadline % 1000000000};
    const int result = sem_clockwait(semaphore, CLOCK_MONOTONIC, &until);
#else
    /* There is only the wall clock. A wait sleeps in short slices, so a step of the clock shifts little. */
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

zb_wake zb_semaphore_watch(sem_t *semaphore, int64_t deadline) {
    const zb_wake wake = zb_semaphore_wait(semaphore, deadline);
    if (wake == ZB_WOKEN) sem_post(semaphore);
    return wake;
}
