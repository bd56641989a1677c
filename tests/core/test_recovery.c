/*
 * A writer dies inside a commit, at each named point. What was there before is whole, what was begun is there entirely
 * or not at all, and the ring can be used again: by a new writer's recovery, or by the reader's roll-back.
 */
#include <setjmp.h>
#include <signal.h>
#include <string.h>

#include "check.h"
#include "drive.h"
#include "point.h"

static sigjmp_buf death;
static void die(int number) {
    (void)number;
    siglongjmp(death, 1);
}

typedef struct wreck {
    drive pair;
    model before;       /* as it was when the commit began */
    const char *point;  /* where the writer died */
    uint64_t frames;    /* of the commit */
    uint64_t bytes;
    uint64_t posted;    /* of them */
    bool committed;     /* whether the frames are part of the ring */
} wreck;

/* Writes, reads and releases at random, so that the death finds a ring in some state. */
static void live(drive *pair, int steps) {
    for (int step = 0; step < steps; step++) {
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

/* Stages up to `most` frames of random sizes; the point may be inside the staging. */
static void stage_some(wreck *scene, uint64_t most) {
    for (uint64_t i = 0; i < most; i++) {
        const uint64_t size = check_below(4) == 0 ? scene->pair.model.payload_size - 16
                                                  : check_below(scene->pair.model.payload_size / 2) + 1;
        if (drive_stage(&scene->pair, size) != MODEL_WRITTEN) continue;
        scene->frames = scene->pair.commit.frames;
        scene->bytes = scene->pair.commit.bytes;
    }
}

/* Lets the writer die at `point` ("" after everything but some posts). False when nothing could be written. */
static bool wreck_make(wreck *volatile scene, const char *volatile point, uint64_t payload, bool most_room) {
    memset(scene, 0, sizeof *scene);
    drive_open(&scene->pair, 64, payload);
    drive_move(&scene->pair, check_below(payload));
    live(&scene->pair, most_room ? 0 : (int)check_below(20));
    scene->before = scene->pair.model;
    scene->point = point;
    stage_some(scene, 1 + check_below(3));
    if (scene->frames == 0) {
        drive_close(&scene->pair);
        return false;
    }
    signal(SIGUSR1, die);
    if (*point != '\0') CHECK_EQ(zb_point_arm(point, 1, SIGUSR1), 0);
    if (sigsetjmp(death, 1) == 0) {
        const uint64_t pending = scene->pair.pending;
        drive_publish(&scene->pair);
        CHECK(*point == '\0');
        scene->posted = check_below(scene->frames + 1);
        scene->pair.pending = pending + scene->posted;
    }
    scene->pair.commit = (zb_commit){0};
    CHECK_EQ(zb_point_armed, ZB_POINT_NONE);
    /* What a new writer writes comes after what was begun. */
    CHECK_EQ(zb_ring_first(&scene->pair.ring, scene->pair.pending), scene->pair.model.written_count);
    /* Where the writer's position does not move, as the frames go once around, only the free bytes tell. */
    const bool around = scene->bytes == payload;
    scene->committed = strcmp(point, "writer.intent") != 0 && !(around && strcmp(point, "writer.position") == 0);
    check_note("dead at '%s', payload %llu, %llu frames, %llu bytes, %llu posted", point, (unsigned long long)payload,
               (unsigned long long)scene->frames, (unsigned long long)scene->bytes,
               (unsigned long long)scene->posted);
    return true;
}

/* The model goes on from `ring`; the bytes of the payload are as the dead writer left them. */
static void go_on_from(wreck *scene, const model *ring) {
    scene->pair.model = *ring;
    memcpy(scene->pair.model.payload, scene->pair.ring.payload, ring->payload_size);
}

static void no_intent_stands(const zb_ring *ring) {
    CHECK_EQ(zb_load(&ring->oieb->intent_bytes), 0);
    CHECK_EQ(zb_load(&ring->oieb->intent_old_pos), 0);
    CHECK_EQ(zb_load(&ring->oieb->intent_count), 0);
}

static void recover(wreck *scene) {
    const zb_ring *ring = &scene->pair.ring;
    const uint64_t owed = zb_ring_recover(ring, READ_POS(*ring), scene->pair.pending);
    no_intent_stands(ring);
    if (!scene->committed) {
        CHECK_EQ(owed, 0);
        go_on_from(scene, &scene->before);
    } else {
        CHECK_EQ(owed, scene->frames - scene->posted);
        go_on_from(scene, &scene->pair.model);
    }
    scene->pair.pending += owed;
    const uint64_t free_bytes = zb_load(&ring->oieb->payload_free_bytes);
    if (strcmp(scene->point, "writer.free") == 0 && free_bytes != scene->pair.model.free_bytes) {
        /* Here it cannot be told whether the bytes were taken already: capacity shrinks, data is never overwritten. */
        CHECK_EQ(free_bytes, scene->pair.model.free_bytes - scene->bytes);
        scene->pair.model.free_bytes = free_bytes;
    }
    drive_compare(&scene->pair);
    while (model_can_read(&scene->pair.model)) drive_read(&scene->pair);
    scene->pair.model.sequence = 1;
    live(&scene->pair, 20);
    drive_compare(&scene->pair);
    drive_drain(&scene->pair);
}

static void roll_back(wreck *scene) {
    drive *pair = &scene->pair;
    if (scene->posted == 0) go_on_from(scene, scene->committed ? &pair->model : &scene->before);
    while (pair->pending > 0) drive_read(pair);
    uint64_t held = 0;
    for (uint64_t i = pair->model.released; i != pair->model.read; i++) {
        const model_frame *frame = model_frame_at(&pair->model, i);
        held += frame->place.waste + 16 + frame->size;
    }
    zb_ring_rollback(&pair->ring, held);
    no_intent_stands(&pair->ring);
    CHECK_EQ(zb_load(&pair->ring.oieb->payload_free_bytes), pair->model.payload_size - held);
    pair->model.written = pair->model.read;
    pair->model.write_pos = pair->model.read_pos;
    pair->model.written_count = zb_load(&pair->ring.oieb->payload_written_count);
    pair->model.free_bytes = pair->model.payload_size - held;
    pair->model.sequence = 1;
    go_on_from(scene, &pair->model);
    drive_compare(pair);
    live(pair, 20);
    drive_drain(pair);
    CHECK_EQ(zb_load(&pair->ring.oieb->payload_free_bytes), pair->model.payload_size); /* exactly: nothing is lost */
}

static const char *const POINTS[] = {"writer.intent", "writer.position", "writer.free", "writer.count", ""};
static const uint64_t PAYLOADS[] = {64, 128, 192, 1024};

static void at_every_point(void (*survive)(wreck *)) {
    static wreck scene;
    uint64_t deaths = 0;
    for (size_t at = 0; at < sizeof POINTS / sizeof *POINTS; at++) {
        for (size_t size = 0; size < sizeof PAYLOADS / sizeof *PAYLOADS; size++) {
            for (int round = 0; round < 400; round++) {
                if (!wreck_make(&scene, POINTS[at], PAYLOADS[size], round % 4 == 0)) continue;
                deaths++;
                survive(&scene);
                drive_close(&scene.pair);
            }
        }
    }
    CHECK(deaths > 2000);
}

static void a_new_writer_finishes_what_was_begun(void) { at_every_point(recover); }
static void the_reader_rolls_back_what_was_begun(void) { at_every_point(roll_back); }

static void a_death_before_the_announcement_changes_nothing(void) {
    static drive pair;
    drive_open(&pair, 64, 256);
    CHECK_EQ(drive_write(&pair, 60), MODEL_WRITTEN);
    const model before = pair.model;
    signal(SIGUSR1, die);
    CHECK_EQ(zb_point_arm("writer.header", 1, SIGUSR1), 0);
    if (sigsetjmp(death, 1) == 0) {
        drive_stage(&pair, 100);
        CHECK(false);
    }
    CHECK_EQ(zb_ring_recover(&pair.ring, READ_POS(pair.ring), 1), 0);
    pair.model = before;
    memcpy(pair.model.payload, pair.ring.payload, 256);
    drive_drain(&pair);
    drive_close(&pair);
}

static void recovery_of_a_sound_ring_owes_and_changes_nothing(void) {
    for (int round = 0; round < 2000; round++) {
        check_note("round %d", round);
        drive pair;
        drive_open(&pair, 64, 256);
        live(&pair, (int)check_below(30));
        CHECK_EQ(zb_ring_recover(&pair.ring, READ_POS(pair.ring), pair.pending), 0);
        CHECK_EQ(zb_ring_first(&pair.ring, pair.pending),
                 model_can_read(&pair.model) ? zb_load(&pair.ring.oieb->payload_written_count) : 0);
        drive_compare(&pair);
        drive_close(&pair);
    }
}

static void nonsense_in_the_announcement_is_dropped(void) {
    for (int round = 0; round < 2000; round++) {
        check_note("round %d", round);
        drive pair;
        drive_open(&pair, 64, 256);
        live(&pair, (int)check_below(10));
        zb_store(&pair.ring.oieb->intent_bytes, 256 + 1 + check_random() / 2);
        zb_store(&pair.ring.oieb->intent_count, check_random());
        zb_store(&pair.ring.oieb->intent_old_pos, check_random());
        CHECK_EQ(zb_ring_recover(&pair.ring, READ_POS(pair.ring), pair.pending), 0);
        drive_compare(&pair);
        zb_ring_rollback(&pair.ring, 256 + 1 + check_random() / 2); /* more than the ring holds: nothing is done */
        drive_compare(&pair);
        drive_close(&pair);
    }
}

CHECK_MAIN(TEST(a_new_writer_finishes_what_was_begun), TEST(the_reader_rolls_back_what_was_begun),
           TEST(a_death_before_the_announcement_changes_nothing),
           TEST(recovery_of_a_sound_ring_owes_and_changes_nothing), TEST(nonsense_in_the_announcement_is_dropped))
