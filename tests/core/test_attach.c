/* Control blocks that do not go with their mapping are refused, and the error names the field. */
#include <string.h>

#include "check.h"
#include "segment.h"

#define METADATA 128u
#define PAYLOAD 512u

static zb_status attach(const segment *memory, uint64_t length, const char *field) {
    zb_ring ring;
    zb_fault fault = {"none", 0, 0};
    const zb_status status = zb_ring_attach(&ring, memory->base, length, &fault);
    if (status != ZB_OK && strcmp(fault.field, field) != 0) {
        check_failed(__FILE__, __LINE__, "%s was blamed, not %s", fault.field, field);
    }
    if (status == ZB_OK) {
        CHECK(ring.metadata == memory->base + ZB_OIEB_SIZE);
        CHECK(ring.payload == ring.metadata + ring.metadata_size);
        CHECK(ring.payload + ring.payload_size == memory->base + length);
    }
    return status;
}

static zb_oieb *formatted(segment *memory) {
    *memory = segment_make(ZB_OIEB_SIZE + METADATA + PAYLOAD);
    zb_ring_format(memory->base, METADATA, PAYLOAD, 4711);
    return (zb_oieb *)memory->base;
}

static void a_fresh_block_is_as_the_protocol_says(void) {
    segment memory;
    formatted(&memory);
    static const uint8_t expected[ZB_OIEB_SIZE] = {
        [0] = 128, [4] = 1,           /* size, version 1.0.0 */
        [8] = 128, [16] = 128,        /* metadata size and free */
        [33] = 2, [41] = 2,           /* payload size and free: 512 */
        [88] = 0x67, [89] = 0x12,     /* reader_pid 4711 */
        [97] = 2, [105] = 2,          /* committed and released begin at payload_size */
    };
    CHECK(memcmp(memory.base, expected, sizeof expected) == 0);
    CHECK_EQ(attach(&memory, memory.length, ""), ZB_OK);
    segment_drop(&memory);
}

static void every_length_but_the_right_one_is_refused(void) {
    segment memory;
    formatted(&memory);
    for (uint64_t length = 0; length < memory.length; length++) {
        check_note("length %llu", (unsigned long long)length);
        const char *field = length < ZB_OIEB_SIZE              ? "length"
                            : length < ZB_OIEB_SIZE + METADATA ? "metadata_size"
                                                               : "payload_size";
        CHECK_EQ(attach(&memory, length, field), ZB_INVALID_OIEB);
    }
    CHECK_EQ(attach(&memory, memory.length + 64, "payload_size"), ZB_INVALID_OIEB);
    segment_drop(&memory);
}

static void a_block_cut_short_is_not_read_past_its_end(void) {
    for (uint64_t length = 0; length < ZB_OIEB_SIZE; length += 8) {
        segment memory = segment_make(length);
        memset(memory.base, 1, length);
        CHECK_EQ(attach(&memory, length, "length"), ZB_INVALID_OIEB);
        segment_drop(&memory);
    }
}

static void size_and_version_are_checked(void) {
    segment memory;
    zb_oieb *oieb = formatted(&memory);
    static const uint32_t SIZES[] = {0, 1, 64, 127, 129, 256, 0x80000080u, UINT32_MAX};
    for (size_t i = 0; i < sizeof SIZES / sizeof *SIZES; i++) {
        atomic_store(&oieb->oieb_size, SIZES[i]);
        CHECK_EQ(attach(&memory, memory.length, "oieb_size"), ZB_INVALID_OIEB);
    }
    atomic_store(&oieb->oieb_size, 128);
    for (unsigned major = 0; major < 256; major++) {
        oieb->version[0] = (uint8_t)major;
        CHECK_EQ(attach(&memory, memory.length, "version.major"), major == 1 ? ZB_OK : ZB_VERSION_MISMATCH);
    }
    oieb->version[0] = 1;
    memset(oieb->version + 1, 0xFF, 3); /* minor versions and patches understand each other */
    CHECK_EQ(attach(&memory, memory.length, ""), ZB_OK);
    segment_drop(&memory);
}

static void sizes_are_checked_against_the_mapping(void) {
    segment memory;
    zb_oieb *oieb = formatted(&memory);
    for (int round = 0; round < 20000; round++) {
        const uint64_t metadata = check_below(8) == 0 ? METADATA : check_interesting(METADATA + PAYLOAD);
        const uint64_t payload = check_below(8) == 0 ? METADATA + PAYLOAD - metadata : check_interesting(PAYLOAD);
        check_note("metadata %llu, payload %llu", (unsigned long long)metadata, (unsigned long long)payload);
        zb_store(&oieb->metadata_size, metadata);
        zb_store(&oieb->payload_size, payload);
        zb_store(&oieb->payload_free_bytes, 0);
        const bool metadata_good = metadata <= METADATA + PAYLOAD && metadata % 64 == 0;
        const bool payload_good = payload == METADATA + PAYLOAD - metadata && payload != 0;
        CHECK_EQ(attach(&memory, memory.length, metadata_good ? "payload_size" : "metadata_size"),
                 metadata_good && payload_good ? ZB_OK : ZB_INVALID_OIEB);
    }
    /* Sums that come out right by overflow. */
    zb_store(&oieb->metadata_size, (uint64_t)0 - 64);
    zb_store(&oieb->payload_size, METADATA + PAYLOAD + 64);
    CHECK_EQ(attach(&memory, memory.length, "metadata_size"), ZB_INVALID_OIEB);
    segment_drop(&memory);
}

static void check_position(zb_shared_u64 *field, const char *name, const segment *memory) {
    const uint64_t sound = zb_load(field);
    for (int round = 0; round < 5000; round++) {
        const uint64_t value = check_interesting(PAYLOAD);
        check_note("%s %llu", name, (unsigned long long)value);
        zb_store(field, value);
        CHECK_EQ(attach(memory, memory->length, name), value <= PAYLOAD ? ZB_OK : ZB_INVALID_OIEB);
    }
    zb_store(field, PAYLOAD);
    CHECK_EQ(attach(memory, memory->length, name), ZB_OK);
    zb_store(field, PAYLOAD + 1);
    CHECK_EQ(attach(memory, memory->length, name), ZB_INVALID_OIEB);
    zb_store(field, sound);
}

static void positions_and_free_bytes_lie_within_the_payload(void) {
    segment memory;
    zb_oieb *oieb = formatted(&memory);
    check_position(&oieb->payload_write_pos, "payload_write_pos", &memory);
    check_position(&oieb->payload_read_pos, "payload_read_pos", &memory);
    check_position(&oieb->payload_free_bytes, "payload_free_bytes", &memory);
    CHECK_EQ(attach(&memory, memory.length, ""), ZB_OK);
    segment_drop(&memory);
}

static void a_ring_without_payload_is_refused(void) {
    segment memory = segment_make(ZB_OIEB_SIZE + 64);
    zb_ring_format(memory.base, 64, 0, 1);
    CHECK_EQ(attach(&memory, memory.length, "payload_size"), ZB_INVALID_OIEB);
    segment_drop(&memory);
}

/* A header at every position, with every interesting size: a frame within the ring, or an error. */
static void headers_are_checked(void) {
    zb_ring ring;
    segment memory = segment_ring(0, PAYLOAD, &ring);
    for (int round = 0; round < 200000; round++) {
        const uint64_t pos = check_below(PAYLOAD);
        const zb_header header = {check_interesting(PAYLOAD - pos), check_below(3)};
        memset(ring.payload, 0, PAYLOAD);
        if (PAYLOAD - pos >= sizeof header) memcpy(ring.payload + pos, &header, sizeof header);
        check_note("position %llu, size %llu, sequence %llu", (unsigned long long)pos, (unsigned long long)header.size,
                   (unsigned long long)header.sequence);
        zb_found found;
        zb_fault fault;
        const zb_status status = zb_ring_peek(&ring, pos, &found, &fault);
        const bool fits = PAYLOAD - pos >= 16 && header.size >= 1 && header.size <= PAYLOAD - pos - 16;
        CHECK_EQ(status, fits ? ZB_OK : ZB_INVALID_FRAME_SIZE);
        if (!fits) continue;
        CHECK(found.data == ring.payload + pos + 16);
        CHECK_EQ(found.size, header.size);
        CHECK_EQ(found.sequence, header.sequence);
        CHECK_EQ(found.next_pos, (pos + 16 + header.size) % PAYLOAD);
        CHECK_EQ(found.wrapped, 0);
    }
    segment_drop(&memory);
}

static void markers_alone_do_not_loop(void) {
    zb_ring ring;
    segment memory = segment_ring(0, PAYLOAD, &ring);
    zb_found found;
    zb_fault fault;
    for (uint64_t pos = 0; pos < PAYLOAD; pos++) {
        CHECK_EQ(zb_ring_peek(&ring, pos, &found, &fault), ZB_INVALID_FRAME_SIZE);
        CHECK(strcmp(fault.field, "wrap marker without a frame behind it") == 0);
    }
    segment_drop(&memory);
}

CHECK_MAIN(TEST(a_fresh_block_is_as_the_protocol_says), TEST(every_length_but_the_right_one_is_refused),
           TEST(a_block_cut_short_is_not_read_past_its_end), TEST(size_and_version_are_checked),
           TEST(sizes_are_checked_against_the_mapping), TEST(positions_and_free_bytes_lie_within_the_payload),
           TEST(a_ring_without_payload_is_refused), TEST(headers_are_checked), TEST(markers_alone_do_not_loop))
