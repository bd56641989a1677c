/* Metadata: written once, its length before it, and never trusted when read. */
#include <string.h>

#include "check.h"
#include "segment.h"

static const uint8_t CONTENT[256] = {[0] = 'm', [1] = 'e', [55] = 'x'};

static void what_is_written_is_read(void) {
    for (uint64_t size = 1; size <= 56; size++) {
        check_note("size %llu", (unsigned long long)size);
        zb_ring ring;
        segment memory = segment_ring(64, 64, &ring);
        const uint8_t *data;
        uint64_t length;
        zb_fault fault;
        CHECK_EQ(zb_ring_metadata_read(&ring, &data, &length, &fault), ZB_NO_METADATA);
        CHECK_EQ(zb_ring_metadata_write(&ring, CONTENT, size), ZB_OK);
        CHECK_EQ(zb_load(&ring.oieb->metadata_written_bytes), size + 8);
        CHECK_EQ(zb_load(&ring.oieb->metadata_free_bytes), 64 - size - 8);
        CHECK_EQ(memory.base[128], size); /* the prefix, little-endian */
        CHECK_EQ(zb_ring_metadata_read(&ring, &data, &length, &fault), ZB_OK);
        CHECK_EQ(length, size);
        CHECK(data == memory.base + 136);
        CHECK(memcmp(data, CONTENT, size) == 0);
        CHECK_EQ(zb_ring_metadata_write(&ring, CONTENT, size), ZB_METADATA_EXISTS);
        segment_drop(&memory);
    }
}

static void what_does_not_fit_is_refused_and_changes_nothing(void) {
    static const uint64_t BLOCKS[] = {0, 64, 128};
    for (size_t i = 0; i < sizeof BLOCKS / sizeof *BLOCKS; i++) {
        zb_ring ring;
        segment memory = segment_ring(BLOCKS[i], 64, &ring);
        const uint64_t most = BLOCKS[i] < 8 ? 0 : BLOCKS[i] - 8;
        CHECK_EQ(zb_ring_metadata_write(&ring, CONTENT, 0), ZB_METADATA_EMPTY);
        CHECK_EQ(zb_ring_metadata_write(&ring, CONTENT, most + 1), ZB_METADATA_TOO_LARGE);
        CHECK_EQ(zb_ring_metadata_write(&ring, CONTENT, UINT64_MAX), ZB_METADATA_TOO_LARGE);
        CHECK_EQ(zb_ring_metadata_write(&ring, CONTENT, UINT64_MAX - 7), ZB_METADATA_TOO_LARGE);
        CHECK_EQ(zb_load(&ring.oieb->metadata_written_bytes), 0);
        CHECK_EQ(zb_load(&ring.oieb->metadata_free_bytes), BLOCKS[i]);
        if (most > 0) CHECK_EQ(zb_ring_metadata_write(&ring, CONTENT, most), ZB_OK);
        segment_drop(&memory);
    }
}

static void lengths_from_the_segment_are_checked(void) {
    zb_ring ring;
    segment memory = segment_ring(64, 64, &ring);
    for (int round = 0; round < 50000; round++) {
        const uint64_t written = check_interesting(64);
        const uint64_t prefix = check_below(2) == 0 ? written - 8 : check_interesting(64);
        check_note("written %llu, prefix %llu", (unsigned long long)written, (unsigned long long)prefix);
        zb_store(&ring.oieb->metadata_written_bytes, written);
        memcpy(ring.metadata, &prefix, sizeof prefix);
        const uint8_t *data;
        uint64_t length;
        zb_fault fault;
        const bool sound = written > 8 && written <= 64 && prefix == written - 8;
        CHECK_EQ(zb_ring_metadata_read(&ring, &data, &length, &fault),
                 written == 0 ? ZB_NO_METADATA : (sound ? ZB_OK : ZB_INVALID_OIEB));
        if (sound) CHECK(data + length <= ring.payload);
    }
    segment_drop(&memory);
}

CHECK_MAIN(TEST(what_is_written_is_read), TEST(what_does_not_fit_is_refused_and_changes_nothing),
           TEST(lengths_from_the_segment_are_checked))
