/*
 * Whole segments of nonsense through every function that looks at shared memory: nothing outside the mapping is
 * touched (guard pages, poison, canary), nothing loops for ever, nothing crashes.
 *
 *     fuzz_segment [--seconds S | --inputs N] [--seed X]
 */
#include <string.h>

#include "check.h"
#include "clock.h"
#include "segment.h"

#define MOST_PAYLOAD 1024u

static volatile uint8_t sink;
static void touch(const uint8_t *data, uint64_t size) {
    uint8_t sum = 0;
    for (uint64_t i = 0; i < size; i++) sum = (uint8_t)(sum ^ data[i]);
    sink = sum;
}

static void put(segment *memory, uint64_t offset, uint64_t value, uint64_t size) {
    if (offset + size <= memory->length) memcpy(memory->base + offset, &value, size);
}

/* One to four wrong things in a segment that was right. */
static void damage(segment *memory, uint64_t metadata, uint64_t payload) {
    for (uint64_t wrong = 1 + check_below(4); wrong > 0; wrong--) {
        const uint64_t value = check_interesting(check_below(2) == 0 ? payload : metadata);
        switch (check_below(8)) {
        case 0: put(memory, check_below(4), check_random(), 1); break;          /* oieb_size */
        case 1: put(memory, 4, check_random(), 4); break;                       /* version */
        case 2: put(memory, 128, value, 8); break;                              /* metadata length */
        case 3: put(memory, 128 + metadata + check_below(payload), value, 8); break; /* some header */
        case 4: put(memory, check_below(memory->length), check_random(), 1); break;
        case 5: /* a length of metadata that is wrong in both places alike */
            put(memory, 24, value, 8);
            put(memory, 128, value - 8, 8);
            break;
        case 6: put(memory, 96 + 8 * check_below(4), check_random(), 8); break; /* a word of ours */
        default: put(memory, 8 * (1 + check_below(15)), value, 8);              /* any other field */
        }
    }
}

static void fill(segment *memory, uint64_t metadata, uint64_t payload) {
    const uint64_t kind = check_below(16);
    if (kind == 0) { /* nothing but noise */
        for (uint64_t i = 0; i < memory->length; i++) memory->base[i] = (uint8_t)check_random();
        return;
    }
    if (memory->length < ZB_OIEB_SIZE) return;
    zb_ring_format(memory->base, metadata, payload, 1);
    zb_oieb *oieb = (zb_oieb *)memory->base;
    uint8_t *ring = memory->base + ZB_OIEB_SIZE + metadata;
    /* Headers that follow each other, as a ring in use has them, from anywhere on. */
    uint64_t pos = check_below(payload), written = 0;
    zb_store(&oieb->payload_read_pos, pos);
    while (written < payload && pos + 16 <= payload) {
        const uint64_t size = check_below(payload / 4) + 1;
        const zb_header header = {size, 1 + check_below(4)};
        memcpy(ring + pos, &header, sizeof header);
        pos += 16 + size;
        written += 16 + size;
    }
    zb_store(&oieb->payload_write_pos, check_below(3) == 0 ? check_below(payload) : pos % payload);
    zb_store(&oieb->payload_free_bytes, check_below(payload + 1));
    zb_store(&oieb->released, payload + check_below(2 * payload));
    zb_store(&oieb->committed, zb_load(&oieb->released) + check_below(payload + 1));
    if (metadata >= 64 && check_below(2) == 0) {
        put(memory, 24, 40, 8);
        put(memory, 128, 32, 8);
    }
    if (kind != 1) damage(memory, metadata, payload);
}

static void read_some(const zb_ring *ring) {
    zb_fault fault;
    zb_found found;
    uint64_t pos, released = check_random();
    for (uint64_t frames = check_below(8); frames > 0; frames--) {
        if (zb_ring_reader_pos(ring, &pos, &fault) != ZB_OK || zb_ring_peek(ring, pos, &found, &fault) != ZB_OK) return;
        touch(found.data, found.size);
        zb_ring_advance(ring, found.next_pos, check_random());
        if (check_below(2) == 0) zb_ring_free(ring, &released, found.wrapped + found.size + ZB_HEADER_SIZE);
    }
}

static void write_some(const zb_ring *ring) {
    zb_fault fault;
    zb_commit commit = {0};
    uint64_t pos, free_bytes;
    if (zb_ring_writer_state(ring, &pos, &free_bytes, &fault) != ZB_OK) return;
    for (uint64_t frames = check_below(4); frames > 0; frames--) {
        const uint64_t size = check_interesting(ring->payload_size);
        zb_plan plan;
        if (zb_plan_frame(ring->payload_size, pos, size, &plan) != ZB_OK || zb_plan_need(&plan) > free_bytes) continue;
        memset(ring->payload + plan.at + ZB_HEADER_SIZE, 0x5A, size);
        zb_ring_stage(ring, &plan, size, check_random(), &commit);
        pos = commit.new_pos;
        free_bytes -= zb_plan_need(&plan);
    }
    if (commit.frames > 0) zb_ring_publish(ring, &commit, check_random(), check_below(2) * check_random());
}

/* A writer connects: what it takes for committed goes with what is free, and with where it stands. */
static void connect_some(const zb_ring *ring) {
    uint64_t committed, pos, free_bytes;
    zb_fault fault;
    if (zb_ring_resume(ring, &committed) != ZB_RESUMED) return;
    zb_ring_announce(ring, committed, 1);
    CHECK(zb_ring_room(ring, committed) <= ring->payload_size);
    CHECK_EQ(zb_ring_writer_state(ring, &pos, &free_bytes, &fault), ZB_OK);
    CHECK_EQ(pos, committed % ring->payload_size);
    if (check_below(2) == 0) zb_ring_leave(ring);
}

static void settle_some(const zb_ring *ring) {
    const uint64_t held = check_interesting(ring->payload_size);
    zb_ring_settle(ring, check_below(ring->payload_size + 1), check_random(), held);
}

static void metadata_some(const zb_ring *ring) {
    static const uint8_t CONTENT[MOST_PAYLOAD] = {1};
    const uint8_t *data;
    uint64_t size;
    zb_fault fault;
    if (zb_ring_metadata_read(ring, &data, &size, &fault) == ZB_OK) touch(data, size);
    const uint64_t wanted = check_interesting(ring->metadata_size);
    if (wanted <= sizeof CONTENT || wanted > ring->metadata_size) zb_ring_metadata_write(ring, CONTENT, wanted);
}

/* True when the segment was accepted. */
static bool try_one(void) {
    const uint64_t metadata = check_below(3) * 64, payload = (1 + check_below(MOST_PAYLOAD / 64)) * 64;
    const uint64_t length = check_below(32) == 0 ? check_below(ZB_OIEB_SIZE / 8) * 8 : ZB_OIEB_SIZE + metadata + payload;
    segment memory = segment_make(length);
    fill(&memory, metadata, payload);
    zb_ring ring;
    zb_fault fault;
    const bool accepted = zb_ring_attach(&ring, memory.base, length, &fault) == ZB_OK;
    if (accepted) {
        const uint64_t calls = 4 + check_below(12);
        for (uint64_t i = 0; i < calls; i++) {
            switch (check_below(7)) {
            case 0: write_some(&ring); break;
            case 1: metadata_some(&ring); break;
            case 2: zb_ring_inherit(&ring, check_below(2) == 0); break;
            case 3: settle_some(&ring); break;
            case 4: connect_some(&ring); break;
            case 5: damage(&memory, ring.metadata_size, ring.payload_size); break; /* while it is in use */
            default: read_some(&ring);
            }
        }
    }
    segment_drop(&memory);
    return accepted;
}

static uint64_t inputs, seconds;

static void nonsense_is_survived(void) {
    const int64_t end = seconds > 0 ? zb_now() + (int64_t)seconds * 1000000000 : INT64_MAX;
    uint64_t tried = 0, accepted = 0;
    while (seconds > 0 ? zb_now() < end : tried < inputs) {
        if (tried % 256 == 0) check_watch(30);
        check_note("input %llu", (unsigned long long)tried);
        accepted += try_one();
        tried++;
    }
    printf("%llu inputs, %llu accepted by attach\n", (unsigned long long)tried, (unsigned long long)accepted);
    CHECK(tried < 1000 || (accepted > tried / 10 && accepted < tried)); /* both ways are taken */
}

int main(int argc, char **argv) {
    seconds = check_option(argc, argv, "seconds", 0);
    inputs = check_option(argc, argv, "inputs", 100000);
    const check_test tests[] = {TEST(nonsense_is_survived)};
    return check_main(argc, argv, tests, 1);
}
