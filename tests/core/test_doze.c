/* Dozing: a token, a death, a call and a nudge each end it; the thread that watches leaves nothing and disturbs nobody. */
#include "doze.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "peer.h"

#define SKIPPED 77
#define HANG_NS 20000000000 /* far beyond what any doze here may take on a busy machine */

typedef struct shared {
    sem_t semaphore;
    zb_doze doze;
    pthread_t helper;
} shared;

static shared *shared_new(unsigned tokens) {
    shared *here = mmap(NULL, sizeof *here, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(here != MAP_FAILED);
    CHECK_EQ(sem_init(&here->semaphore, 1, tokens), 0);
    return here;
}

static uint32_t waiters(shared *here) {
    return __atomic_load_n((uint32_t *)(void *)&here->semaphore + 1, __ATOMIC_ACQUIRE);
}

static void shared_free(shared *here) {
    CHECK_EQ(waiters(here), 0);
    sem_destroy(&here->semaphore);
    munmap(here, sizeof *here);
}

static zb_wake doze_for(shared *here, uint32_t news, int64_t ns) {
    zb_wake wake;
    do {
        wake = zb_doze_on(&here->doze, &here->semaphore, news, zb_now() + ns);
    } while (wake == ZB_INTERRUPTED);
    return wake;
}

/* Until the sleeper is announced; what comes then meets it asleep, or just before. */
static void await_sleeper(shared *here) {
    for (const int64_t end = zb_now() + HANG_NS; waiters(here) == 0 && zb_now() < end;) usleep(1000);
    usleep(5000);
}

static size_t entries_of(const char *path) {
    DIR *directory = opendir(path);
    CHECK(directory != NULL);
    size_t count = 0;
    while (readdir(directory) != NULL) count++;
    closedir(directory);
    return count;
}

/* A thread that was joined may stand in /proc for a moment more. */
static void check_threads(size_t expected) {
    for (const int64_t end = zb_now() + HANG_NS; entries_of("/proc/self/task") != expected && zb_now() < end;) {
        usleep(1000);
    }
    CHECK_EQ(entries_of("/proc/self/task"), expected);
}

/* A fork that does not outlive this program, however that ends. */
static pid_t offspring(void) {
    const pid_t parent = getpid(), child = fork();
    CHECK(child >= 0);
    if (child == 0 && (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent)) _exit(1);
    return child;
}

static pid_t sleeper(void) {
    const pid_t child = offspring();
    while (child == 0) pause();
    return child;
}

static void end(pid_t child) {
    CHECK_EQ(kill(child, SIGKILL), 0);
    while (waitpid(child, NULL, 0) < 0) CHECK(errno == EINTR);
}

/* ---- what ends a doze ---------------------------------------------------------------------------------------- */

static void what_is_there_already_is_no_sleep(void) {
    shared *here = shared_new(1);
    CHECK_EQ(doze_for(here, zb_doze_news(&here->doze), HANG_NS), ZB_WOKEN);
    CHECK(zb_semaphore_try(&here->semaphore)); /* it stayed */
    const uint32_t before = zb_doze_news(&here->doze);
    zb_doze_call(&here->doze);
    CHECK_EQ(doze_for(here, before, HANG_NS), ZB_WOKEN);
    CHECK_EQ(doze_for(here, zb_doze_news(&here->doze), 20000000), ZB_TIMED_OUT);
    CHECK_EQ(doze_for(here, zb_doze_news(&here->doze), -HANG_NS), ZB_TIMED_OUT);
    shared_free(here);
}

static void *post_to_sleeper(void *context) {
    shared *here = context;
    await_sleeper(here);
    sem_post(&here->semaphore);
    return NULL;
}

static void *call_sleeper(void *context) {
    shared *here = context;
    await_sleeper(here);
    zb_doze_call(&here->doze);
    return NULL;
}

static void ended_by(void *(*deed)(void *), uint64_t tokens) {
    shared *here = shared_new(0);
    CHECK_EQ(pthread_create(&here->helper, NULL, deed, here), 0);
    CHECK_EQ(doze_for(here, zb_doze_news(&here->doze), HANG_NS), ZB_WOKEN);
    pthread_join(here->helper, NULL);
    CHECK_EQ(zb_semaphore_pending(&here->semaphore), tokens);
    shared_free(here);
}

static void a_post_ends_it(void) { ended_by(post_to_sleeper, 1); }

static void a_call_ends_it(void) { ended_by(call_sleeper, 0); }

static void another_process_ends_it(bool with_token) {
    shared *here = shared_new(0);
    const pid_t child = offspring();
    if (child == 0) {
        await_sleeper(here);
        if (with_token) sem_post(&here->semaphore);
        /* A nudge that comes a moment too early is lost. */
        for (const int64_t end = zb_now() + HANG_NS; !with_token && waiters(here) > 0 && zb_now() < end;) {
            zb_doze_nudge(&here->semaphore);
            usleep(1000);
        }
        _exit(0);
    }
    CHECK_EQ(doze_for(here, zb_doze_news(&here->doze), HANG_NS), ZB_WOKEN);
    CHECK(waitpid(child, NULL, 0) == child);
    CHECK_EQ(zb_semaphore_pending(&here->semaphore), with_token);
    shared_free(here);
}

static void a_post_of_another_process_ends_it(void) { another_process_ends_it(true); }

static void a_nudge_ends_it_without_a_token(void) { another_process_ends_it(false); }

static void a_glibc_waiter_sleeps_on_when_nudged(void) {
    shared *here = shared_new(0);
    zb_doze_nudge(&here->semaphore);
    CHECK_EQ(zb_semaphore_wait(&here->semaphore, zb_now() + 10000000), ZB_TIMED_OUT);
    shared_free(here);
}

/* ---- the watch ----------------------------------------------------------------------------------------------- */

/* A process that sleeps, as a peer. */
static pid_t sleeping_peer(zb_peer *peer) {
    zb_peer_init(peer);
    const pid_t child = sleeper();
    zb_peer_watch(peer, (uint64_t)child);
    return child;
}

typedef struct held {
    size_t threads, descriptors;
} held;

static held held_now(void) { return (held){entries_of("/proc/self/task"), entries_of("/proc/self/fd")}; }

static void check_held(held expected) {
    check_threads(expected.threads);
    CHECK_EQ(entries_of("/proc/self/fd"), expected.descriptors);
}

static bool watch(shared *here, zb_peer *peer) { return zb_doze_watch(&here->doze, peer->pid, peer->pidfd); }

static void *kill_while_asleep(void *context) {
    shared *here = context;
    await_sleeper(here);
    kill((pid_t)here->doze.pid, SIGKILL);
    return NULL;
}

static void a_death_ends_it(void) {
    const held before = held_now();
    shared *here = shared_new(0);
    zb_peer peer;
    const pid_t child = sleeping_peer(&peer);
    const uint32_t news = zb_doze_news(&here->doze);
    CHECK(watch(here, &peer));
    CHECK(watch(here, &peer)); /* it does already */
    check_threads(before.threads + 1);
    CHECK_EQ(doze_for(here, news, 20000000), ZB_TIMED_OUT); /* it lives */
    CHECK_EQ(pthread_create(&here->helper, NULL, kill_while_asleep, here), 0);
    CHECK_EQ(doze_for(here, news, HANG_NS), ZB_WOKEN);
    pthread_join(here->helper, NULL);
    CHECK(!zb_peer_alive(&peer));
    CHECK(waitpid(child, NULL, 0) == child);
    zb_doze_join(&here->doze);
    zb_doze_join(&here->doze);
    zb_peer_close(&peer);
    check_held(before);
    shared_free(here);
}

static void a_death_before_the_doze_is_no_sleep(void) {
    shared *here = shared_new(0);
    zb_peer peer;
    const pid_t child = sleeping_peer(&peer);
    const uint32_t news = zb_doze_news(&here->doze);
    end(child);
    CHECK(watch(here, &peer));
    CHECK_EQ(doze_for(here, news, HANG_NS), ZB_WOKEN);
    zb_doze_join(&here->doze);
    zb_peer_close(&peer);
    shared_free(here);
}

static void another_peer_is_watched_instead(void) {
    const held before = held_now();
    shared *here = shared_new(0);
    zb_peer first, second;
    const pid_t children[] = {sleeping_peer(&first), sleeping_peer(&second)};
    CHECK(watch(here, &first));
    CHECK(watch(here, &second));
    check_threads(before.threads + 1);
    uint32_t news = zb_doze_news(&here->doze);
    end(children[0]);
    CHECK_EQ(doze_for(here, news, 20000000), ZB_TIMED_OUT);
    zb_doze_end(&here->doze); /* a wait is over, and the next one begins */
    check_held((held){before.threads, before.descriptors + 2}); /* those of the peers: the thread has closed its own */
    CHECK(watch(here, &second));
    news = zb_doze_news(&here->doze);
    end(children[1]);
    CHECK_EQ(doze_for(here, news, HANG_NS), ZB_WOKEN);
    zb_doze_join(&here->doze);
    zb_peer_close(&first);
    zb_peer_close(&second);
    check_held(before);
    shared_free(here);
}

static void without_descriptors_there_is_no_watch(void) {
    shared *here = shared_new(0);
    CHECK(!zb_doze_watch(&here->doze, 1, -1));
    zb_doze_end(&here->doze);
    zb_doze_join(&here->doze);
    shared_free(here);
}

static void a_forked_child_leaves_the_watch_to_its_parent(void) {
    shared *here = shared_new(0);
    zb_doze *doze = &(zb_doze){0}; /* private memory, unlike the rest: the child gets a copy */
    zb_peer peer;
    const pid_t watched = sleeping_peer(&peer);
    CHECK(zb_doze_watch(doze, peer.pid, peer.pidfd));
    const uint32_t news = zb_doze_news(doze);
    const pid_t child = offspring();
    if (child == 0) {
        zb_doze_end(doze);
        zb_doze_join(doze);
        _exit(doze->watching);
    }
    int status = -1;
    CHECK(waitpid(child, &status, 0) == child);
    CHECK_EQ(status, 0);
    struct pollfd told = {.fd = doze->farewell, .events = POLLIN};
    CHECK(told.fd >= 0 && poll(&told, 1, 0) == 0);
    end(watched);
    CHECK_EQ(zb_doze_on(doze, &here->semaphore, news, zb_now() + HANG_NS), ZB_WOKEN);
    zb_doze_join(doze);
    zb_peer_close(&peer);
    shared_free(here);
}

static volatile sig_atomic_t handled_by;

static void handle(int number) {
    (void)number;
    handled_by = (sig_atomic_t)syscall(SYS_gettid);
}

static void signals_are_for_the_threads_of_the_program(void) {
    shared *here = shared_new(0);
    zb_peer peer;
    zb_peer_init(&peer);
    zb_peer_watch(&peer, (uint64_t)getppid());
    CHECK(watch(here, &peer));
    signal(SIGUSR1, handle);
    sigset_t one, before;
    sigemptyset(&one);
    sigaddset(&one, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &one, &before); /* so that the watching thread would be the only one to take it */
    CHECK_EQ(kill(getpid(), SIGUSR1), 0);
    CHECK_EQ(doze_for(here, zb_doze_news(&here->doze), 20000000), ZB_TIMED_OUT);
    CHECK_EQ(handled_by, 0);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    CHECK_EQ(handled_by, getpid());
    zb_doze_join(&here->doze);
    zb_peer_close(&peer);
    shared_free(here);
}

int main(int argc, char **argv) {
    if (!zb_doze_possible()) {
        puts("skipped: this kernel has no futex_waitv (5.16), or its semaphores are not those of a 64-bit glibc");
        return SKIPPED;
    }
    static const check_test tests[] = {
        TEST(what_is_there_already_is_no_sleep),
        TEST(a_post_ends_it),
        TEST(a_call_ends_it),
        TEST(a_post_of_another_process_ends_it),
        TEST(a_nudge_ends_it_without_a_token),
        TEST(a_glibc_waiter_sleeps_on_when_nudged),
        TEST(a_death_ends_it),
        TEST(a_death_before_the_doze_is_no_sleep),
        TEST(another_peer_is_watched_instead),
        TEST(without_descriptors_there_is_no_watch),
        TEST(a_forked_child_leaves_the_watch_to_its_parent),
        TEST(signals_are_for_the_threads_of_the_program),
    };
    return check_main(argc, argv, tests, sizeof tests / sizeof tests[0]);
}
