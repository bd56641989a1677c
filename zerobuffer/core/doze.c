#include "doze.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_futex_waitv
#define SYS_futex_waitv 449
#endif
#define FUTEX_IS_32_BITS 2u
#define STACK_BYTES (256u * 1024u)

/* linux/futex.h has this since 5.16 only. */
typedef struct awaited {
    uint64_t value;
    uint64_t address;
    uint32_t flags;
    uint32_t reserved;
} awaited;

/* glibc's 64-bit semaphore: the value, and the number of waiters. A post wakes only if there are waiters. */
typedef struct semaphore_words {
    uint32_t value;
    uint32_t waiters;
} semaphore_words;

#if defined(__GLIBC__) && defined(__LP64__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ && !defined(ZB_NEVER_DOZE)
static semaphore_words *words_of(sem_t *semaphore) { return (semaphore_words *)(void *)semaphore; }
#else
static semaphore_words *words_of(sem_t *semaphore) {
    (void)semaphore;
    return NULL;
}
#endif

static long sleep_on(const awaited *both, unsigned count, int64_t deadline) {
    const struct timespec until = {.tv_sec = deadline / 1000000000, .tv_nsec = deadline % 1000000000};
    return syscall(SYS_futex_waitv, both, count, 0, &until, CLOCK_MONOTONIC);
}

/* Tries the assumptions of this file on a semaphore of its own. */
static bool try_out(void) {
    sem_t trial;
    if (words_of(&trial) == NULL || sem_init(&trial, 1, 3) != 0) return false;
    const semaphore_words seen = *words_of(&trial);
    const awaited one = {.value = 0, .address = (uintptr_t)words_of(&trial), .flags = FUTEX_IS_32_BITS};
    /* The value is 3 and not 0: a system that has the call refuses to sleep. */
    const bool known = sleep_on(&one, 1, zb_now()) < 0 && errno == EAGAIN;
    sem_destroy(&trial);
    return known && seen.value == 3 && seen.waiters == 0;
}

bool zb_doze_possible(void) {
    static _Atomic int possible = -1;
    int known = atomic_load_explicit(&possible, memory_order_relaxed);
    if (known < 0) {
        known = try_out();
        atomic_store_explicit(&possible, known, memory_order_relaxed);
    }
    return known != 0;
}

zb_wake zb_doze_on(zb_doze *doze, sem_t *semaphore, uint32_t news, int64_t deadline) {
    semaphore_words *words = words_of(semaphore);
    const awaited both[] = {
        {.value = 0, .address = (uintptr_t)&words->value, .flags = FUTEX_IS_32_BITS},
        {.value = news, .address = (uintptr_t)&doze->news, .flags = FUTEX_IS_32_BITS | FUTEX_PRIVATE_FLAG},
    };
    /* Before the kernel compares the value: a post that comes later than that finds a waiter, and wakes it. */
    __atomic_fetch_add(&words->waiters, 1, __ATOMIC_SEQ_CST);
    const long woken = sleep_on(both, 2, deadline);
    const int error = errno;
    __atomic_fetch_sub(&words->waiters, 1, __ATOMIC_SEQ_CST);
    errno = error;
    if (woken >= 0 || error == EAGAIN) return ZB_WOKEN;
    if (error == ETIMEDOUT) return ZB_TIMED_OUT;
    return error == EINTR ? ZB_INTERRUPTED : ZB_WAIT_FAILED;
}

void zb_doze_call(zb_doze *doze) {
    atomic_fetch_add_explicit(&doze->news, 1, memory_order_acq_rel);
    syscall(SYS_futex, &doze->news, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, INT32_MAX, NULL, NULL, 0);
}

void zb_doze_nudge(sem_t *semaphore) {
    if (zb_doze_possible()) syscall(SYS_futex, &words_of(semaphore)->value, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
}

/* A thread that was told to end waits for the word before it closes its descriptors. */
enum { WATCHING, TOLD, ENDED };

static void let_go(_Atomic int *descriptor) {
    const int number = atomic_exchange(descriptor, -1);
    if (number >= 0) close(number);
}

static void *watch(void *context) {
    zb_doze *doze = context;
    struct pollfd ends[] = {{.fd = doze->farewell, .events = POLLIN}, {.fd = doze->pidfd, .events = POLLIN}};
    prctl(PR_SET_NAME, "zb-watch");
    while (poll(ends, 2, -1) < 0 && errno == EINTR) {
    }
    if (ends[1].revents != 0) zb_doze_call(doze);
    int state = WATCHING;
    eventfd_t word;
    if (!atomic_compare_exchange_strong(&doze->state, &state, ENDED)) eventfd_read(doze->farewell, &word);
    let_go(&doze->pidfd);
    let_go(&doze->farewell);
    return NULL;
}

static bool start(zb_doze *doze) {
    pthread_attr_t attributes;
    sigset_t all, before;
    if (pthread_attr_init(&attributes) != 0) return false;
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    /* Signals are for the threads of the program. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const int failed = pthread_create(&doze->thread, &attributes, watch, doze);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return failed == 0;
}

bool zb_doze_watch(zb_doze *doze, uint64_t pid, int pidfd) {
    if (doze->watching && doze->state == WATCHING && doze->pid == pid && doze->process == getpid()) return true;
    zb_doze_join(doze);
    doze->pidfd = fcntl(pidfd, F_DUPFD_CLOEXEC, 0);
    if (doze->pidfd < 0) return false;
    doze->farewell = eventfd(0, EFD_CLOEXEC);
    doze->state = WATCHING;
    if (doze->farewell >= 0 && start(doze)) {
        doze->pid = pid;
        doze->process = getpid();
        doze->watching = true;
        return true;
    }
    let_go(&doze->farewell);
    let_go(&doze->pidfd);
    return false;
}

void zb_doze_end(zb_doze *doze) {
    int state = WATCHING;
    if (!doze->watching || !atomic_compare_exchange_strong(&doze->state, &state, TOLD)) return;
    if (doze->process == getpid()) eventfd_write(doze->farewell, 1);
}

void zb_doze_join(zb_doze *doze) {
    if (!doze->watching) return;
    zb_doze_end(doze);
    if (doze->process == getpid()) pthread_join(doze->thread, NULL);
    /* In a forked child there is no thread that closes them. */
    let_go(&doze->farewell);
    let_go(&doze->pidfd);
    doze->watching = false;
}
