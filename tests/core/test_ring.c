/* Sequences of writes, reads and releases; after each one the whole segment is what the model says, byte for byte. */
#include "check.h"
#include "drive.h"

/* Every sequence of `depth` operations from here on: a frame of each size, a read, a release. */
static const uint64_t SIZES[] = {1, 8, 15, 16, 17, 32, 33, 48};

static uint64_t explore(const drive *from, int depth) {
    uint64_t visited = 1;
    if (depth == 0) return visited;
    const size_t sizes = sizeof SIZES / sizeof *SIZES;
    for (size_t choice = 0; choice < sizes + 2; choice++) {
        uint8_t saved[ZB_OIEB_SIZE + 128];
        drive next = *from; /* the same memory: its content is put back below */
        for (uint64_t i = 0; i < from->memory.length; i++) saved[i] = from->memory.base[i];
        bool moved = true;
        if (choice < sizes) {
            moved = drive_write(&next, SIZES[choice]) == MODEL_WRITTEN;
        } else if (choice == sizes) {
            moved = model_can_read(&next.model);
            if (moved) drive_read(&next);
        } else {
            moved = model_can_release(&next.model);
            if (moved) drive_release(&next);
        }
        drive_compare(&next);
        if (moved) visited += explore(&next, depth - 1);
        for (uint64_t i = 0; i < from->memory.length; i++) from->memory.base[i] = saved[i];
    }
    return visited;
}

static void every_short_sequence_in_a_ring_of_64_bytes(void) {
    drive pair;
    drive_open(&pair, 0, 64);
    for (uint64_t position = 0; position < 64; position++) {
        drive_move(&pair, position);
        check_note("from position %llu", (unsigned long long)position);
        CHECK(explore(&pair, 5) > 100);
    }
    drive_close(&pair);
}

static void random_operations(uint64_t payload, uint64_t most, int steps) {
    drive pair;
    drive_open(&pair, 64, payload);
    drive_count_from(&pair, UINT64_MAX - check_below(50)); /* the counts pass 2^64 on the way */
    for (int step = 0; step < steps; step++) {
        check_note("payload %llu, step %d", (unsigned long long)payload, step);
        switch (check_below(4)) {
        case 0: drive_write(&pair, check_below(most) + 1); break;
        case 1:
            for (uint64_t frames = check_below(6) + 1; frames > 0; frames--) drive_stage(&pair, check_below(most) + 1);
            drive_publish(&pair);
            break;
        case 2:
            if (model_can_read(&pair.model)) drive_read(&pair);
            break;
        default:
            if (model_can_release(&pair.model)) drive_release(&pair);
        }
        drive_compare(&pair);
    }
    drive_drain(&pair);
    CHECK(pair.model.written > (uint64_t)steps / 40);
    drive_close(&pair);
}

static void random_sequences(void) {
    random_operations(64, 50, 4000);
    random_operations(128, 100, 4000);
    random_operations(256, 250, 4000);
    random_operations(1024, 200, 4000);
    random_operations(4096, 2000, 2000);
}

/* A writer that stands `tail` bytes before the end, which a peer may bring about, and the frame that follows. */
static void wrap_with_tail(uint64_t tail) {
    check_note("tail %llu", (unsigned long long)tail);
    drive pair;
    drive_open(&pair, 0, 256);
    drive_move(&pair, (256 - tail) % 256);
    CHECK_EQ(drive_write(&pair, 100), MODEL_WRITTEN);
    drive_compare(&pair);
    const bool wraps = tail < 116 || (tail > 116 && tail < 132); /* too short, or it would leave a stub */
    const bool marker = wraps && tail >= 16;
    CHECK_EQ(zb_load(&pair.ring.oieb->payload_free_bytes), 256 - 116 - (wraps ? tail : 0));
    CHECK_EQ(zb_load(&pair.ring.oieb->payload_written_count), marker ? 2 : 1);
    drive_read(&pair);
    CHECK_EQ(zb_load(&pair.ring.oieb->payload_read_count), marker ? 2 : 1);
    drive_drain(&pair);
    CHECK_EQ(zb_load(&pair.ring.oieb->payload_free_bytes), 256);
    drive_close(&pair);
}

static void tails_of_every_kind(void) {
    for (uint64_t tail = 0; tail < 134; tail++) wrap_with_tail(tail);
}

static void a_frame_that_would_leave_a_stub_wraps_instead(void) {
    for (uint64_t rest = 0; rest <= 17; rest++) {
        check_note("rest %llu", (unsigned long long)rest);
        drive pair;
        drive_open(&pair, 0, 256);
        drive_move(&pair, 156 - rest);
        CHECK_EQ(drive_write(&pair, 84), MODEL_WRITTEN); /* 100 bytes with its header */
        const bool stub = rest >= 1 && rest <= 15;
        CHECK_EQ(zb_load(&pair.ring.oieb->payload_write_pos), stub ? 100 : (256 - rest) % 256);
        drive_compare(&pair);
        drive_drain(&pair);
        drive_close(&pair);
    }
}

static void a_stub_that_cannot_be_avoided_is_passed(void) {
    drive pair;
    drive_open(&pair, 0, 64);
    CHECK_EQ(drive_write(&pair, 40), MODEL_WRITTEN); /* ends 8 bytes before the end, and nothing lies before it */
    CHECK_EQ(zb_load(&pair.ring.oieb->payload_write_pos), 56);
    CHECK_EQ(drive_write(&pair, 1), MODEL_FULL);
    drive_read(&pair);
    CHECK_EQ(drive_write(&pair, 1), MODEL_FULL);
    drive_release(&pair);
    CHECK_EQ(drive_write(&pair, 1), MODEL_WRITTEN);
    CHECK_EQ(zb_load(&pair.ring.oieb->payload_free_bytes), 64 - 8 - 17);
    CHECK_EQ(zb_load(&pair.ring.oieb->payload_written_count), 2); /* no marker had room */
    drive_drain(&pair);
    drive_close(&pair);
}

static void an_exact_fit_stands_at_zero_or_at_the_end(void) {
    drive pair;
    drive_open(&pair, 0, 1024);
    CHECK_EQ(drive_write(&pair, 496), MODEL_WRITTEN);
    CHECK_EQ(drive_write(&pair, 496), MODEL_WRITTEN);
    CHECK_EQ(zb_load(&pair.ring.oieb->payload_write_pos), 0);
    CHECK_EQ(zb_load(&pair.ring.oieb->payload_free_bytes), 0);
    /* One peer leaves the end where we write 0: both are the same place, for the writer and for the reader. */
    zb_store(&pair.ring.oieb->payload_write_pos, 1024);
    zb_fault fault;
    uint64_t position, free_bytes;
    CHECK_EQ(zb_ring_writer_state(&pair.ring, &position, &free_bytes, &fault), ZB_OK);
    CHECK_EQ(position, 0);
    zb_store(&pair.ring.oieb->payload_read_pos, 1024);
    CHECK_EQ(zb_ring_reader_pos(&pair.ring, &position, &fault), ZB_OK);
    CHECK_EQ(position, 0);
    CHECK_EQ(zb_ring_resume(&pair.ring, &pair.committed), ZB_RESUMED);
    CHECK(zb_ring_inherit(&pair.ring, false)); /* and full, not empty */
    drive_drain(&pair);
    drive_close(&pair);
}

CHECK_MAIN(TEST(every_short_sequence_in_a_ring_of_64_bytes), TEST(random_sequences), TEST(tails_of_every_kind),
           TEST(a_frame_that_would_leave_a_stub_wraps_instead), TEST(a_stub_that_cannot_be_avoided_is_passed),
           TEST(an_exact_fit_stands_at_zero_or_at_the_end))
