/*
 * A writer dies inside a commit, at each named point. Of ours, the store of `committed` alone decides whether the frame
 * is there; of a foreign writer, its position. Who comes next finds exactly what is committed, and what is free.
 */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>

#include "check.h"
#include "drive.h"
#include "point.h"

#define PID 4711u
#define COUNT(array) (sizeof(array) / sizeof *(array))

static sigjmp_buf death;
static void die(int number) {
    (void)number;
    siglongjmp(death, 1);
}

static void arm(const char *point) {
    signal(SIGUSR1, die);
    if (*point != '\0') CHECK_EQ(zb_point_arm(point, 1, SIGUSR1), 0);
}

/* Writes, reads and releases at random, so that the death finds a ring in some state. */
static void live(drive *pair, uint64_t steps) {
    for (; steps > 0; steps--) {
        switch (check_below(3)) {
        case 0: drive_write(pair, check_below(pair->model.payload_size) + 1); break;
        case 1:
            if (model_can_read(&pair->model)) drive_read(pair);
            break;
        default:
            if (model_can_release(&pair->model)) drive_release(pair);
        }
    }
}

/* A plain writer is ours without the words. A foreign one moves its position first. */
typedef enum kind { OURS, PLAIN, FOREIGN } kind;

static void publish_as_foreign(drive *pair) {
    zb_oieb *oieb = pair->ring.oieb;
    ZB_POINT(WRITER_INTENT);
    zb_store(&oieb->payload_write_pos, pair->commit.new_pos);
    ZB_POINT(WRITER_POSITION);
    atomic_fetch_sub(&oieb->payload_free_bytes, pair->commit.bytes);
    ZB_POINT(WRITER_FREE);
    zb_store(&oieb->payload_written_count, pair->model.written_count);
    ZB_POINT(WRITER_COUNT);
    ZB_POINT(WRITER_COMMIT);
}

/* Whether a death at `point` left the frames in the ring. */
static bool survived(const drive *pair, kind who, const char *point, const model *before) {
    if (who == OURS) return *point == '\0' || strcmp(point, "writer.commit") == 0;
    const uint64_t free_bytes = zb_load(&pair->ring.oieb->payload_free_bytes);
    /* The position of frames that go once around does not move. */
    if (pair->commit.bytes == pair->model.payload_size) return free_bytes == 0;
    return zb_load(&pair->ring.oieb->payload_write_pos) != before->write_pos;
}

/* Lets the writer die at `point` with up to three frames ("": after all of them). False when none could be written. */
static bool wreck_make(drive *volatile pair, volatile kind who, const char *volatile point, uint64_t payload) {
    static model before;
    drive_open(pair, 64, payload);
    drive_move(pair, check_below(payload));
    live(pair, check_below(20));
    if (check_below(4) == 0) drive_drain(pair);
    if (who != OURS) pair->committed = 0; /* the word stays where ours left it */
    live(pair, check_below(3) * check_below(8));
    before = pair->model;
    for (uint64_t tries = 1 + check_below(3); tries > 0; tries--) {
        const uint64_t rest = pair->model.free_bytes; /* a frame that fills the ring, or one that leaves some */
        drive_stage(pair, rest > 16 && check_below(3) == 0 ? rest - 16 : check_below(payload / 2) + 1);
    }
    const uint64_t frames = pair->commit.frames;
    check_note("%d dead at '%s', payload %llu, %llu frames", who, point, (unsigned long long)payload,
               (unsigned long long)frames);
    if (frames == 0) return false;
    arm(point);
    if (sigsetjmp(death, 1) == 0) {
        (who == FOREIGN ? publish_as_foreign : drive_publish)(pair);
        CHECK(*point == '\0');
    }
    CHECK_EQ(zb_point_armed, ZB_POINT_NONE);
    if (*point != '\0' && !survived(pair, who, point, &before)) {
        pair->model = before;
        memcpy(pair->model.payload, pair->ring.payload, payload); /* what is not committed may say anything */
    }
    pair->commit = (zb_commit){0};
    return true;
}

/* A writer of ours connects, and everything goes on: what is committed is read, no space is lost. */
static void connect(drive *pair) {
    zb_oieb *oieb = pair->ring.oieb;
    const uint64_t connection = zb_load(&oieb->connection) >> 32;
    CHECK_EQ(zb_ring_resume(&pair->ring, &pair->committed), ZB_RESUMED);
    CHECK_EQ(pair->committed, pair->released + pair->model.payload_size - pair->model.free_bytes);
    zb_ring_announce(&pair->ring, pair->committed, PID);
    CHECK_EQ(zb_load(&oieb->connection), (connection + 1) << 32 | PID);
    CHECK_EQ(zb_load(&oieb->stream_start), pair->committed);
    pair->model.written_count = zb_load(&oieb->payload_written_count); /* nobody decides by it */
    drive_compare(pair);
    while (model_can_read(&pair->model)) drive_read(pair);
    pair->model.sequence = 1;
    live(pair, 20);
    drive_drain(pair);
    CHECK_EQ(zb_load(&oieb->payload_free_bytes), pair->model.payload_size);
    zb_ring_leave(&pair->ring);
    CHECK_EQ(zb_load(&oieb->connection), (connection + 1) << 32);
}

static void inherit_from_ours(drive *pair) {
    CHECK(zb_ring_inherit(&pair->ring, true));
    connect(pair);
}

/* The reader reads what there is and sets everything straight; so anybody may come next, whatever the dead one was. */
static void settle(drive *pair) {
    while (model_can_read(&pair->model)) drive_read(pair);
    zb_ring_settle(&pair->ring, pair->model.read_pos, pair->read, pair->read - pair->released);
    pair->committed = pair->read;
    pair->model.free_bytes = pair->model.payload_size - (pair->read - pair->released);
    pair->model.write_pos = pair->model.read_pos;
    pair->model.written_count = pair->model.read_count;
    drive_compare(pair);
    if (check_below(3) != 0) CHECK(zb_ring_inherit(&pair->ring, check_below(2) == 0));
    connect(pair);
}

static uint64_t ambiguous;

/* Where the position says empty or full, and the free bytes say neither, only the reader can tell. */
static void inherit_from_foreign(drive *pair) {
    const uint64_t size = pair->model.payload_size, free_bytes = zb_load(&pair->ring.oieb->payload_free_bytes);
    const bool apart = zb_load(&pair->ring.oieb->payload_write_pos) != pair->released % size;
    if (apart || free_bytes == 0 || free_bytes == size) {
        CHECK(zb_ring_inherit(&pair->ring, false));
        connect(pair);
        return;
    }
    ambiguous++;
    CHECK(!zb_ring_inherit(&pair->ring, false));
    CHECK_EQ(zb_load(&pair->ring.oieb->payload_free_bytes), free_bytes);
    settle(pair);
}

static const char *const POINTS[] = {"writer.intent", "writer.free",   "writer.position",
                                     "writer.count",  "writer.commit", ""};
static const uint64_t PAYLOADS[] = {64, 128, 192, 1024};

static void at_every_point(kind who, size_t first, void (*survive)(drive *)) {
    static drive pair;
    uint64_t deaths = 0, full = 0;
    ambiguous = 0;
    for (size_t at = first; at < COUNT(POINTS); at++) {
        for (uint64_t round = 0; round < 1600; round++) {
            const bool dead = wreck_make(&pair, who, POINTS[at], PAYLOADS[round % COUNT(PAYLOADS)]);
            full += dead && pair.model.free_bytes == 0;
            deaths += dead;
            if (dead) survive(&pair);
            drive_close(&pair);
        }
    }
    CHECK(deaths > 500 * (COUNT(POINTS) - first) && full > 10);
}

static void a_writer_of_ours_died(void) { at_every_point(OURS, 0, inherit_from_ours); }
static void a_plain_writer_died(void) { at_every_point(PLAIN, 0, inherit_from_foreign); }
static void a_foreign_writer_died(void) {
    at_every_point(FOREIGN, 0, inherit_from_foreign);
    CHECK(ambiguous > 10);
}
static void a_writer_closed(void) {
    for (kind who = OURS; who <= FOREIGN; who++) at_every_point(who, COUNT(POINTS) - 1, connect);
}
static void the_reader_settles(void) {
    for (kind who = OURS; who <= FOREIGN; who++) at_every_point(who, 0, settle);
}

/* ---- what is not believed -------------------------------------------------------------------------------------- */

static void unchanged_by_inheriting(const drive *pair, bool ours, bool inherited) {
    uint8_t before[ZB_OIEB_SIZE];
    memcpy(before, pair->memory.base, sizeof before);
    CHECK_EQ(zb_ring_inherit(&pair->ring, ours), inherited);
    CHECK(memcmp(before, pair->memory.base, sizeof before) == 0);
}

static void resumed_with(const drive *pair, zb_shared_u64 *field, uint64_t value, zb_resumed expected,
                         const char *why) {
    const uint64_t sound = zb_load(field);
    uint64_t committed;
    check_note("%s", why);
    zb_store(field, value);
    CHECK_EQ(zb_ring_resume(&pair->ring, &committed), expected);
    const bool nonsense = zb_load(&pair->ring.oieb->released) != pair->released || value > pair->ring.payload_size;
    if (nonsense) unchanged_by_inheriting(pair, true, expected != ZB_TRY_AGAIN);
    if (nonsense && expected != ZB_RESUMED) unchanged_by_inheriting(pair, false, expected != ZB_TRY_AGAIN);
    zb_store(field, sound);
}

static void fields_that_make_no_sense_are_not_believed(void) {
    static drive pair;
    drive_open(&pair, 64, 256);
    zb_oieb *oieb = pair.ring.oieb;
    CHECK_EQ(drive_write(&pair, 60), MODEL_WRITTEN);
    resumed_with(&pair, &oieb->released, 0, ZB_PLAIN, "a foreign reader");
    resumed_with(&pair, &oieb->released, pair.released | ZB_RELEASING, ZB_TRY_AGAIN, "a release under way");
    resumed_with(&pair, &oieb->payload_write_pos, 77, ZB_PLAIN, "a position beside the free bytes");
    resumed_with(&pair, &oieb->payload_free_bytes, 256, ZB_PLAIN, "free bytes beside the position");
    resumed_with(&pair, &oieb->payload_write_pos, 257, ZB_PLAIN, "a position outside");
    resumed_with(&pair, &oieb->payload_free_bytes, 257, ZB_PLAIN, "more free than there is");
    resumed_with(&pair, &oieb->committed, pair.released + 257, ZB_RESUMED, "more committed than fits");
    resumed_with(&pair, &oieb->committed, pair.released - 1, ZB_RESUMED, "less committed than released");
    drive_compare(&pair);
    zb_ring_settle(&pair.ring, 0, 0, 257); /* more held than there is */
    drive_compare(&pair);
    drive_close(&pair);
}

/* ---- a release under way --------------------------------------------------------------------------------------- */

static void nothing_is_corrected_inside_a_release(void) {
    static drive pair;
    for (volatile int round = 0; round < 1000; round++) {
        drive_open(&pair, 64, 256);
        drive_move(&pair, check_below(256));
        CHECK_EQ(drive_write(&pair, check_below(100) + 1), MODEL_WRITTEN);
        drive_read(&pair);
        atomic_fetch_sub(&pair.ring.oieb->payload_free_bytes, 40); /* what a dead writer took and did not commit */
        arm("reader.free");
        if (sigsetjmp(death, 1) == 0) {
            drive_release(&pair);
            CHECK(false);
        }
        CHECK_EQ(zb_load(&pair.ring.oieb->released), pair.released | ZB_RELEASING);
        CHECK_EQ(zb_ring_room(&pair.ring, pair.committed), pair.model.payload_size - (pair.committed - pair.released));
        unchanged_by_inheriting(&pair, true, false);
        unchanged_by_inheriting(&pair, false, false);
        pair.released = pair.read; /* the rest of the release */
        zb_store(&pair.ring.oieb->released, pair.released);
        CHECK(zb_ring_inherit(&pair.ring, true));
        drive_compare(&pair);
        unchanged_by_inheriting(&pair, true, true);
        drive_close(&pair);
    }
}

#define RELEASES 1024u

static zb_ring ring;
static uint64_t released;
static volatile sig_atomic_t inside;
static atomic_bool over;

static void release_one_byte(int number) {
    (void)number;
    if (inside) zb_ring_free(&ring, &released, 1);
}

static void *interrupt(void *who) {
    while (!over) {
        pthread_kill(*(const pthread_t *)who, SIGUSR2);
        sched_yield();
    }
    return NULL;
}

/* A signal stands for the reader: so releases happen between any two instructions, on a machine with one core, too. */
static void a_release_in_the_middle_of_a_correction_is_kept(void) {
    segment memory = segment_ring(0, RELEASES, &ring);
    pthread_t interrupter, self = pthread_self();
    released = RELEASES;
    zb_ring_publish(&ring, &(zb_commit){.bytes = RELEASES}, 0, 2 * RELEASES);
    signal(SIGUSR2, release_one_byte);
    CHECK_EQ(pthread_create(&interrupter, NULL, interrupt, &self), 0);
    while (released < 2 * RELEASES) {
        inside = true;
        zb_ring_inherit(&ring, true);
        inside = false;
        CHECK_EQ(zb_load(&ring.oieb->payload_free_bytes), zb_ring_room(&ring, 2 * RELEASES));
    }
    over = true;
    CHECK_EQ(pthread_join(interrupter, NULL), 0);
    segment_drop(&memory);
}

CHECK_MAIN(TEST(a_writer_of_ours_died), TEST(a_plain_writer_died), TEST(a_foreign_writer_died), TEST(a_writer_closed),
           TEST(the_reader_settles), TEST(fields_that_make_no_sense_are_not_believed),
           TEST(nothing_is_corrected_inside_a_release),
           TEST(a_release_in_the_middle_of_a_correction_is_kept))
