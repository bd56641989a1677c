/*
 * One writer thread and one reader thread over the real ring and semaphores: every frame arrives whole and in order.
 * Under ThreadSanitizer an ordering that is too weak is a reported race, also on a machine that forgives it.
 */
#include <pthread.h>
#include <sched.h>
#include <string.h>

#include "check.h"
#include "clock.h"
#include "model.h"
#include "segment.h"
#include "semaphores.h"
#include "spin.h"

#define WAIT_NS (60 * (int64_t)1000000000)

typedef struct channel {
    zb_ring writer, reader; /* each side has attached by itself */
    sem_t data;
    uint64_t frames;
    uint64_t most; /* bytes of the largest frame */
    uint64_t batch;
    uint64_t held; /* how many frames the reader holds before it releases one */
    bool plain; /* a writer without the words: it looks at the free bytes, and its reader takes tokens */
    uint64_t seed;
} channel;

/* The sizes that both sides know. */
static uint64_t size_of(const channel *way, uint64_t sequence) {
    uint64_t mixed = (sequence + way->seed) * 0x9e3779b97f4a7c15u;
    mixed ^= mixed >> 29;
    return mixed % way->most + 1;
}

static void take(sem_t *semaphore) {
    zb_wake wake;
    do {
        wake = zb_semaphore_wait(semaphore, zb_now() + WAIT_NS);
    } while (wake == ZB_INTERRUPTED);
    CHECK_EQ(wake, ZB_WOKEN);
}

static uint64_t room(const channel *way, uint64_t committed) {
    return way->plain ? zb_load(&way->writer.oieb->payload_free_bytes) : zb_ring_room(&way->writer, committed);
}

static void await_frame(channel *way, uint64_t read) {
    if (way->plain) {
        take(&way->data);
        return;
    }
    const int64_t end = zb_now() + WAIT_NS;
    while (zb_load(&way->reader.oieb->committed) == read) {
        CHECK(zb_now() < end);
        sched_yield();
    }
}

static void publish(channel *way, zb_commit *commit, uint64_t *count, uint64_t *committed) {
    if (commit->frames == 0) return;
    *count += commit->counted;
    *committed += commit->bytes;
    CHECK(zb_ring_publish(&way->writer, commit, *count, way->plain ? 0 : *committed) >= commit->bytes);
    for (uint64_t i = 0; i < commit->frames; i++) sem_post(&way->data);
    *commit = (zb_commit){0};
}

static void *write_all(void *context) {
    channel *way = context;
    zb_commit commit = {0};
    uint64_t count = 0, position = 0, taken = 0, committed = way->writer.payload_size;
    for (uint64_t sequence = 1; sequence <= way->frames; sequence++) {
        const uint64_t size = size_of(way, sequence);
        zb_plan plan;
        for (;;) {
            CHECK_EQ(zb_plan_frame(way->writer.payload_size, position, size, &plan), ZB_OK);
            if (zb_plan_need(&plan) + commit.bytes <= room(way, committed)) break;
            publish(way, &commit, &count, &committed);
            taken = 0;
            sched_yield();
        }
        uint8_t *data = way->writer.payload + plan.at + ZB_HEADER_SIZE;
        for (uint64_t i = 0; i < size; i++) data[i] = model_byte(i, sequence);
        zb_ring_stage(&way->writer, &plan, size, sequence, &commit);
        position = commit.new_pos;
        if (++taken == way->batch) {
            publish(way, &commit, &count, &committed);
            taken = 0;
        }
    }
    publish(way, &commit, &count, &committed);
    return NULL;
}

static void read_all(channel *way) {
    uint64_t position, read_count = 0, oldest = 1, read = way->reader.payload_size, released = read;
    uint64_t held[64] = {0};
    zb_fault fault;
    zb_found found;
    CHECK_EQ(zb_ring_reader_pos(&way->reader, &position, &fault), ZB_OK);
    for (uint64_t sequence = 1; sequence <= way->frames; sequence++) {
        await_frame(way, read);
        CHECK_EQ(zb_ring_peek(&way->reader, position, &found, &fault), ZB_OK);
        CHECK_EQ(found.sequence, sequence);
        CHECK_EQ(found.size, size_of(way, sequence));
        position = found.next_pos;
        read_count += found.counted;
        zb_ring_advance(&way->reader, position, read_count);
        for (uint64_t i = 0; i < found.size; i++) {
            if (found.data[i] != model_byte(i, sequence)) check_failed(__FILE__, __LINE__, "torn frame");
        }
        held[sequence % 64] = found.wrapped + ZB_HEADER_SIZE + found.size;
        read += held[sequence % 64];
        for (; oldest + way->held <= sequence || (sequence == way->frames && oldest <= sequence); oldest++) {
            zb_ring_free(&way->reader, &released, held[oldest % 64]);
        }
    }
}

static void run(uint64_t payload, channel way) {
    check_note("payload %llu, frames up to %llu, batches of %llu, %llu held%s", (unsigned long long)payload,
               (unsigned long long)way.most, (unsigned long long)way.batch, (unsigned long long)way.held,
               way.plain ? ", plain" : "");
    way.seed = check_random();
    zb_fault fault;
    segment memory = segment_ring(64, payload, &way.reader);
    CHECK_EQ(zb_ring_attach(&way.writer, memory.base, memory.length, &fault), ZB_OK);
    CHECK_EQ(sem_init(&way.data, 0, 0), 0);
    pthread_t writer;
    CHECK_EQ(pthread_create(&writer, NULL, write_all, &way), 0);
    read_all(&way);
    CHECK_EQ(pthread_join(writer, NULL), 0);
    const zb_oieb *oieb = way.reader.oieb;
    CHECK_EQ(zb_load(&oieb->payload_free_bytes), payload);
    CHECK_EQ(zb_load(&oieb->payload_written_count), zb_load(&oieb->payload_read_count));
    CHECK_EQ(zb_load(&oieb->payload_write_pos), zb_load(&oieb->payload_read_pos));
    if (!way.plain) CHECK_EQ(zb_load(&oieb->committed), zb_load(&oieb->released));
    sem_destroy(&way.data);
    segment_drop(&memory);
}

static void frames_pass_one_by_one(void) {
    for (int plain = 0; plain < 2; plain++) {
        run(64, (channel){.frames = 5000, .most = 16, .batch = 1, .plain = plain});
        run(128, (channel){.frames = 3000, .most = 48, .batch = 1, .plain = plain});
        run(1024, (channel){.frames = 10000, .most = 496, .batch = 1, .plain = plain});
        run(4096, (channel){.frames = 5000, .most = 2000, .batch = 1, .plain = plain});
    }
}

static void batches_pass(void) { run(2048, (channel){.frames = 10000, .most = 100, .batch = 16}); }

static void frames_are_held_while_more_arrive(void) {
    run(4096, (channel){.frames = 10000, .most = 100, .batch = 1, .held = 8});
}

/* ---- one field of two writers -------------------------------------------------------------------------------- */

#define ROUNDS ((uint64_t)1 << 21)

static pthread_barrier_t both;

static void *free_one_by_one(void *context) {
    uint64_t released = ROUNDS;
    pthread_barrier_wait(&both);
    for (uint64_t i = 0; i < ROUNDS; i++) zb_ring_free(context, &released, 1);
    return NULL;
}

static void free_bytes_survive_both_sides_at_once(void) {
    zb_ring ring;
    segment memory = segment_ring(0, ROUNDS, &ring);
    pthread_t reader;
    CHECK_EQ(pthread_barrier_init(&both, NULL, 2), 0);
    CHECK_EQ(pthread_create(&reader, NULL, free_one_by_one, &ring), 0);
    const zb_commit commit = {.bytes = 1};
    pthread_barrier_wait(&both);
    for (uint64_t i = 1; i <= ROUNDS; i++) zb_ring_publish(&ring, &commit, 0, ROUNDS + i);
    CHECK_EQ(pthread_join(reader, NULL), 0);
    pthread_barrier_destroy(&both);
    CHECK_EQ(zb_load(&ring.oieb->payload_free_bytes), ROUNDS);
    segment_drop(&memory);
}

/* ---- metadata ------------------------------------------------------------------------------------------------ */

static void *write_metadata(void *context) {
    uint8_t content[48];
    for (uint64_t i = 0; i < sizeof content; i++) content[i] = model_byte(i, 0);
    CHECK_EQ(zb_ring_metadata_write(context, content, sizeof content), ZB_OK);
    return NULL;
}

static void metadata_is_seen_whole_or_not_at_all(void) {
    for (int round = 0; round < 300; round++) {
        zb_ring ring;
        segment memory = segment_ring(64, 64, &ring);
        pthread_t writer;
        CHECK_EQ(pthread_create(&writer, NULL, write_metadata, &ring), 0);
        const uint8_t *data;
        uint64_t size;
        zb_fault fault;
        zb_status status;
        const int64_t end = zb_now() + WAIT_NS;
        while ((status = zb_ring_metadata_read(&ring, &data, &size, &fault)) == ZB_NO_METADATA) CHECK(zb_now() < end);
        CHECK_EQ(status, ZB_OK);
        CHECK_EQ(size, 48);
        for (uint64_t i = 0; i < size; i++) CHECK_EQ(data[i], model_byte(i, 0));
        CHECK_EQ(pthread_join(writer, NULL), 0);
        segment_drop(&memory);
    }
}

CHECK_MAIN(TEST(frames_pass_one_by_one), TEST(batches_pass), TEST(frames_are_held_while_more_arrive),
           TEST(free_bytes_survive_both_sides_at_once), TEST(metadata_is_seen_whole_or_not_at_all))
