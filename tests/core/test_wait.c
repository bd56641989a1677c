/* Waiting and its surroundings: spins are bounded, deadlines hold, deaths are seen, points fire when they should. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "clock.h"
#include "peer.h"
#include "point.h"
#include "semaphores.h"
#include "spin.h"

#define MILLISECOND 1000000
#define HANG_NS (20 * (int64_t)1000 * MILLISECOND) /* far beyond what any wait here may take on a busy machine */

/* ---- spinning ------------------------------------------------------------------------------------------------ */

typedef struct script {
    uint64_t looks;
    uint64_t ready_after;
    zb_look otherwise;
} script;

static zb_look follow(void *context) {
    script *play = context;
    return ++play->looks > play->ready_after ? ZB_READY : play->otherwise;
}

static void a_spin_takes_what_is_ready_and_keeps_its_budget(void) {
    zb_spin spin;
    zb_spin_init(&spin, 100000);
    spin.shift = 5;
    script play = {.ready_after = 2, .otherwise = ZB_NOTHING};
    CHECK(zb_spin_until(&spin, 0, follow, &play));
    CHECK_EQ(play.looks, 3);
    CHECK_EQ(spin.shift, 0);
}

static void a_spin_that_fails_costs_half_the_budget_except_for_the_probe(void) {
    zb_spin spin;
    zb_spin_init(&spin, 64000);
    uint32_t failed = 0;
    for (uint32_t wait = 1; wait < 2 * ZB_SPIN_PROBE; wait++) {
        script play = {.ready_after = UINT64_MAX, .otherwise = ZB_NOTHING};
        CHECK(!zb_spin_until(&spin, 0, follow, &play));
        CHECK(play.looks >= 8);
        if (wait % ZB_SPIN_PROBE != 0) failed++;
        CHECK_EQ(spin.shift, failed < 16 ? failed : 16);
    }
    CHECK_EQ(((int64_t)64000) >> spin.shift, 0);
}

static void a_limit_of_zero_never_looks(void) {
    zb_spin spin;
    zb_spin_init(&spin, 0);
    script play = {.ready_after = 0};
    CHECK(!zb_spin_until(&spin, 0, follow, &play));
    CHECK_EQ(play.looks, 0);
}

static void a_large_frame_lengthens_a_spin_within_bounds(void) {
    zb_spin spin;
    zb_spin_init(&spin, 1000);
    script play = {.ready_after = UINT64_MAX, .otherwise = ZB_NOTHING};
    const int64_t begin = zb_now();
    CHECK(!zb_spin_until(&spin, 800000, follow, &play));
    CHECK(zb_now() - begin >= 100000);
    CHECK(!zb_spin_until(&spin, UINT64_MAX, follow, &play));
    CHECK(zb_now() - begin < HANG_NS);
}

static void a_brief_spin_is_left_out_after_a_failure(void) {
    zb_spin spin;
    zb_spin_init(&spin, 1000);
    script play = {.ready_after = 3, .otherwise = ZB_NOTHING};
    CHECK_EQ(zb_spin_briefly(&spin, follow, &play), 4);
    CHECK_EQ(play.looks, 4);
    spin.shift = 1;
    play.looks = 0;
    CHECK(!zb_spin_briefly(&spin, follow, &play));
    CHECK_EQ(play.looks, 0);
    zb_spin_init(&spin, 0);
    CHECK(!zb_spin_briefly(&spin, follow, &play));
    CHECK_EQ(play.looks, 0);
}

static void headway_is_given_while_it_brings_frames(void) {
    zb_headway headway = {0};
    uint64_t frames = 0;
    for (int wait = 0; wait < 8; wait++) {
        zb_headway_give(&headway, frames++);
        CHECK(!headway.given);
        zb_headway_learn(&headway, 1);
    }
    zb_headway_give(&headway, frames);
    CHECK(headway.given);
    zb_headway_learn(&headway, 1);
    zb_headway_give(&headway, frames + 10); /* it brought ten: again */
    CHECK(headway.given);
    zb_headway_learn(&headway, 1);
    const int64_t begin = zb_now();
    zb_headway_give(&headway, frames + 12); /* two are not worth it */
    CHECK(!headway.given);
    CHECK(zb_now() - begin < HANG_NS);
}

static void long_waits_give_no_headway(void) {
    zb_headway headway = {0};
    for (int wait = 0; wait < 100; wait++) {
        zb_headway_give(&headway, (uint64_t)wait * 10);
        CHECK(!headway.given);
        zb_headway_learn(&headway, wait % 2 == 0 ? 17 : 0);
    }
}

/* How many waits go by until way is given again. */
static uint32_t waits_without_courtesy(zb_courtesy *courtesy) {
    uint32_t waits = 0;
    while (!zb_courtesy_due(courtesy)) waits++;
    return waits;
}

static void courtesy_that_helps_is_kept_up(void) {
    zb_courtesy courtesy = {0};
    for (uint64_t frames = 1; frames < 100; frames++) {
        CHECK(zb_courtesy_due(&courtesy));
        zb_courtesy_learn(&courtesy, frames, 0, ZB_COURTESY_QUICK_TICKS + frames * ZB_COURTESY_FRAME_TICKS - 1);
    }
}

static void a_large_frame_has_the_time_of_its_copy(void) {
    zb_courtesy courtesy = {0};
    const uint64_t size = 1u << 20;
    const uint64_t slow = ZB_COURTESY_QUICK_TICKS + size / ZB_COURTESY_BYTES_PER_TICK;
    zb_courtesy_learn(&courtesy, 1, size, slow);
    CHECK(zb_courtesy_due(&courtesy));
    zb_courtesy_learn(&courtesy, 1, size, slow + ZB_COURTESY_FRAME_TICKS);
    CHECK_EQ(waits_without_courtesy(&courtesy), 2);
    zb_courtesy_learn(&courtesy, 0, size, 0);
    CHECK_EQ(waits_without_courtesy(&courtesy), 4);
}

static void courtesy_in_vain_is_tried_less_and_less(void) {
    zb_courtesy courtesy = {0};
    for (uint32_t failures = 1; failures <= 12; failures++) {
        /* Late is in vain, too. */
        zb_courtesy_learn(&courtesy, failures % 2, 0, ZB_COURTESY_QUICK_TICKS + ZB_COURTESY_FRAME_TICKS);
        CHECK_EQ(waits_without_courtesy(&courtesy), 1u << failures);
    }
    zb_courtesy_learn(&courtesy, 0, 0, 0);
    CHECK_EQ(waits_without_courtesy(&courtesy), 1u << 12);
    zb_courtesy_learn(&courtesy, 1, 0, 0);
    CHECK_EQ(waits_without_courtesy(&courtesy), 0);
    zb_courtesy_learn(&courtesy, 0, 0, 0);
    CHECK_EQ(waits_without_courtesy(&courtesy), 1u << 12);
}

static void courtesy_to_one_who_keeps_the_core_is_not_repeated_soon(void) {
    zb_courtesy courtesy = {0};
    zb_courtesy_learn(&courtesy, 1, 0, ZB_COURTESY_LONG_TICKS);
    CHECK_EQ(waits_without_courtesy(&courtesy), 1u << 16);
}

static void progress_prolongs_a_spin_but_not_for_ever(void) {
    zb_spin spin;
    zb_spin_init(&spin, 1000);
    script play = {.ready_after = UINT64_MAX, .otherwise = ZB_PROGRESS};
    const int64_t begin = zb_now();
    CHECK(!zb_spin_until(&spin, 0, follow, &play));
    const int64_t took = zb_now() - begin;
    CHECK(took >= ZB_SPIN_MOST_NS);
    CHECK(took < HANG_NS);
}

/* ---- semaphores ---------------------------------------------------------------------------------------------- */

static void a_token_is_taken_once(void) {
    sem_t semaphore;
    CHECK_EQ(sem_init(&semaphore, 0, 2), 0);
    CHECK(zb_semaphore_try(&semaphore));
    CHECK_EQ(zb_semaphore_wait(&semaphore, 0), ZB_WOKEN); /* what is there is taken, though the deadline has passed */
    CHECK(!zb_semaphore_try(&semaphore));
    const int64_t deadline = zb_now() + 30 * MILLISECOND;
    CHECK_EQ(zb_semaphore_wait(&semaphore, deadline), ZB_TIMED_OUT);
    CHECK(zb_now() >= deadline - 5 * MILLISECOND); /* the wall clock, where it must be used, may be a little ahead */
    CHECK_EQ(zb_semaphore_wait(&semaphore, zb_now() - 1), ZB_TIMED_OUT);
    sem_destroy(&semaphore);
}

static void ignore(int number) { (void)number; }

static void a_signal_interrupts_the_wait(void) {
    sem_t semaphore;
    CHECK_EQ(sem_init(&semaphore, 0, 0), 0);
    const struct sigaction action = {.sa_handler = ignore};
    CHECK_EQ(sigaction(SIGVTALRM, &action, NULL), 0);
    const struct sigaction tick = {.sa_handler = ignore};
    CHECK_EQ(sigaction(SIGUSR2, &tick, NULL), 0);
    const pid_t waiting = getpid(), child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        for (int i = 0; i < 2000 && kill(waiting, SIGUSR2) == 0; i++) usleep(10000);
        _exit(0);
    }
    CHECK_EQ(zb_semaphore_wait(&semaphore, zb_now() + HANG_NS), ZB_INTERRUPTED);
    CHECK_EQ(kill(child, SIGKILL), 0);
    while (waitpid(child, NULL, 0) < 0) CHECK(errno == EINTR);
    sem_destroy(&semaphore);
}

static void *post_later(void *semaphore) {
    usleep(20000);
    sem_post(semaphore);
    return NULL;
}

static void a_post_wakes_the_wait(void) {
    sem_t semaphore;
    pthread_t poster;
    CHECK_EQ(sem_init(&semaphore, 0, 0), 0);
    CHECK_EQ(pthread_create(&poster, NULL, post_later, &semaphore), 0);
    zb_wake wake;
    do {
        wake = zb_semaphore_wait(&semaphore, zb_now() + HANG_NS);
    } while (wake == ZB_INTERRUPTED);
    CHECK_EQ(wake, ZB_WOKEN);
    pthread_join(poster, NULL);
    sem_destroy(&semaphore);
}

/* What stands where a named semaphore should. */
static void refused(const char *name, const char *path, const uint32_t *words, size_t length) {
    FILE *file = fopen(path, "wx");
    CHECK(file != NULL && fwrite(words, 1, length, file) == length && fclose(file) == 0);
    errno = 0;
    sem_t *opened = zb_semaphore_open(name);
    CHECK_EQ(unlink(path), 0);
    CHECK(opened == SEM_FAILED);
    CHECK_EQ(errno, EBADMSG);
}

static void what_is_no_semaphore_is_refused(void) {
    char name[64], path[96];
    snprintf(name, sizeof name, "/zb-test-wait-%d-%llx", getpid(), (unsigned long long)zb_now());
    snprintf(path, sizeof path, "/dev/shm/sem.%s", name + 1);
    CHECK(zb_semaphore_open(name) == SEM_FAILED);
    CHECK_EQ(errno, ENOENT);
    sem_t *made = sem_open(name, O_CREAT | O_EXCL, 0600, 7);
    CHECK(made != SEM_FAILED);
    for (int slash = 0; slash < 2; slash++) {
        sem_t *opened = zb_semaphore_open(name + slash);
        CHECK(opened != SEM_FAILED);
        CHECK_EQ(zb_semaphore_pending(opened), 7);
        CHECK_EQ(sem_close(opened), 0);
    }
    static const uint32_t SOUND[32];
    CHECK_EQ(sem_close(made), 0);
    CHECK_EQ(sem_unlink(name), 0);
    for (size_t length = 0; length < sizeof SOUND; length++) {
        check_note("length %zu", length);
        if (length != sizeof(sem_t)) refused(name, path, SOUND, length);
    }
    static const uint32_t PRIVATE[] = {1, 127, 129, UINT32_MAX};
    for (size_t i = 0; i < 4; i++) refused(name, path, (uint32_t[32]){[2] = PRIVATE[i]}, sizeof(sem_t));
    refused(name, path, (uint32_t[32]){(uint32_t)SEM_VALUE_MAX + 1}, sizeof(sem_t));
    refused(name, path, (uint32_t[32]){UINT32_MAX}, sizeof(sem_t));
    CHECK_EQ(mkfifo(path, 0600), 0);
    const pid_t child = fork();
    if (child == 0) { /* where a wait for the other end of the fifo can be ended */
        signal(SIGALRM, SIG_DFL);
        alarm(5);
        _exit(zb_semaphore_open(name) == SEM_FAILED && errno == EBADMSG ? 0 : 1);
    }
    int status = -1;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
    CHECK_EQ(unlink(path), 0);
    CHECK_EQ(status, 0);
}

/* ---- peers --------------------------------------------------------------------------------------------------- */

static bool dies_within_a_while(zb_peer *peer) {
    const int64_t end = zb_now() + HANG_NS;
    while (zb_now() < end) {
        if (!zb_peer_alive(peer)) return true;
    }
    return false;
}

static void watch_a_death(bool by_start_time) {
    const pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        pause();
        _exit(0);
    }
    zb_peer peer;
    zb_peer_init(&peer);
    CHECK(!zb_peer_alive(&peer));
    zb_peer_watch(&peer, (uint64_t)child);
    if (by_start_time) { /* as on a kernel without pidfd */
        if (peer.pidfd >= 0) close(peer.pidfd);
        peer.pidfd = -1;
        peer.start_time = zb_process_start_time((uint64_t)child);
    }
    CHECK(zb_peer_alive(&peer));
    CHECK(zb_process_start_time((uint64_t)child) >= zb_process_start_time((uint64_t)getpid()));
    CHECK_EQ(kill(child, SIGKILL), 0);
    CHECK(dies_within_a_while(&peer)); /* a zombie: it is not reaped yet */
    CHECK_EQ(zb_process_start_time((uint64_t)child), 0);
    CHECK(!peer.unknown);
    CHECK(waitpid(child, NULL, 0) == child);
    CHECK(!zb_peer_alive(&peer));
    zb_peer_close(&peer);
    zb_peer_watch(&peer, (uint64_t)child);
    CHECK(!zb_peer_alive(&peer));
    CHECK(peer.unknown);
    zb_peer_close(&peer);
}

static void a_death_is_seen(void) {
    watch_a_death(false);
    watch_a_death(true);
}

static void another_process_of_the_pid_is_not_the_one_watched(void) {
    zb_peer peer;
    zb_peer_init(&peer);
    zb_peer_watch(&peer, (uint64_t)getpid());
    if (peer.pidfd >= 0) close(peer.pidfd);
    peer.pidfd = -1;
    peer.start_time = zb_process_start_time((uint64_t)getpid());
    CHECK(peer.start_time != 0);
    CHECK(zb_peer_alive(&peer));
    peer.start_time--; /* the pid once belonged to a process that started earlier */
    CHECK(!zb_peer_alive(&peer));
    zb_peer_renew(&peer); /* the one that has the pid now */
    CHECK(zb_peer_alive(&peer));
    zb_peer_close(&peer);
}

static void pids_that_cannot_be_are_dead(void) {
    static const uint64_t PIDS[] = {0, INT_MAX, (uint64_t)INT_MAX + 1, (uint64_t)1 << 32, UINT64_MAX, UINT64_MAX - 1};
    for (size_t i = 0; i < sizeof PIDS / sizeof *PIDS; i++) {
        zb_peer peer;
        zb_peer_init(&peer);
        zb_peer_watch(&peer, PIDS[i]);
        CHECK(!zb_peer_alive(&peer));
        CHECK(peer.pidfd == -1);
        zb_peer_close(&peer);
    }
    /* Cut to 32 bits, this one would be us. */
    zb_peer peer;
    zb_peer_init(&peer);
    zb_peer_watch(&peer, ((uint64_t)1 << 32) + (uint64_t)getpid());
    CHECK(!zb_peer_alive(&peer));
}

static void a_recent_sign_of_life_is_good_for_a_moment_only(void) {
    const zb_peer peer = {.pid = 7, .pidfd = -1, .seen_alive = zb_now()}, nobody = {.seen_alive = peer.seen_alive};
    CHECK(zb_peer_fresh(&peer, 7, peer.seen_alive + ZB_PEER_FRESH_NS - 1));
    CHECK(!zb_peer_fresh(&peer, 7, peer.seen_alive + ZB_PEER_FRESH_NS));
    CHECK(!zb_peer_fresh(&peer, 8, peer.seen_alive));
    CHECK(!zb_peer_fresh(&nobody, 0, peer.seen_alive));
}

static void a_process_may_have_any_name(void) {
    char name[16] = {0};
    CHECK_EQ(prctl(PR_GET_NAME, name), 0);
    const uint64_t start = zb_process_start_time((uint64_t)getpid());
    CHECK(start != 0);
    static const char *const NAMES[] = {"a) Z 1 2 3", ") X", "((", "a b c d"};
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
        CHECK_EQ(prctl(PR_SET_NAME, NAMES[i]), 0);
        CHECK_EQ(zb_process_start_time((uint64_t)getpid()), start);
    }
    CHECK_EQ(prctl(PR_SET_NAME, name), 0);
}

/* ---- points -------------------------------------------------------------------------------------------------- */

static volatile sig_atomic_t fired;
static void fire(int number) {
    (void)number;
    fired++;
}

static void a_point_fires_once_at_its_count(void) {
    signal(SIGUSR1, fire);
    CHECK_EQ(zb_point_arm("no such point", 1, SIGUSR1), -1);
    CHECK_EQ(zb_point_armed, ZB_POINT_NONE);
    CHECK_EQ(zb_point_arm("reader.free", 3, SIGUSR1), 0);
    for (int i = 1; i <= 5; i++) {
        ZB_POINT(WRITER_DATA);
        ZB_POINT(READER_FREE);
        CHECK_EQ(fired, i >= 3 ? 1 : 0);
    }
    CHECK(zb_point_name(0) == NULL);
    CHECK(strcmp(zb_point_name(ZB_POINT_WRITER_PLANNED), "writer.planned") == 0);
    CHECK(strcmp(zb_point_name(ZB_POINT_READER_SPACE), "reader.space") == 0);
    CHECK(zb_point_name(ZB_POINT_READER_DEATH + 1) == NULL);
}

CHECK_MAIN(TEST(a_spin_takes_what_is_ready_and_keeps_its_budget),
           TEST(a_spin_that_fails_costs_half_the_budget_except_for_the_probe), TEST(a_limit_of_zero_never_looks),
           TEST(a_large_frame_lengthens_a_spin_within_bounds), TEST(a_brief_spin_is_left_out_after_a_failure),
           TEST(headway_is_given_while_it_brings_frames), TEST(long_waits_give_no_headway),
           TEST(courtesy_that_helps_is_kept_up), TEST(a_large_frame_has_the_time_of_its_copy),
           TEST(courtesy_in_vain_is_tried_less_and_less),
           TEST(courtesy_to_one_who_keeps_the_core_is_not_repeated_soon),
           TEST(progress_prolongs_a_spin_but_not_for_ever), TEST(a_token_is_taken_once),
           TEST(a_signal_interrupts_the_wait), TEST(a_post_wakes_the_wait), TEST(what_is_no_semaphore_is_refused),
           TEST(a_death_is_seen),
           TEST(another_process_of_the_pid_is_not_the_one_watched), TEST(pids_that_cannot_be_are_dead),
           TEST(a_recent_sign_of_life_is_good_for_a_moment_only), TEST(a_process_may_have_any_name),
           TEST(a_point_fires_once_at_its_count))
