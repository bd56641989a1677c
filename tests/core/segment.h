/*
 * A segment for tests whose end touches memory that cannot be accessed, so that one byte too far is a crash. What lies
 * before it is poisoned under ASan, and compared with what was put there otherwise.
 */
#ifndef ZB_TEST_SEGMENT_H
#define ZB_TEST_SEGMENT_H

#include <stdint.h>

#include "ring.h"

typedef struct segment {
    uint8_t *base;
    uint64_t length;
    uint8_t *region;
    uint64_t region_length;
    uint64_t before; /* bytes between the region's first usable byte and base */
} segment;

segment segment_make(uint64_t length);
void segment_check(const segment *made);
void segment_drop(segment *made);

/* A formatted segment, attached. */
segment segment_ring(uint64_t metadata_size, uint64_t payload_size, zb_ring *ring);

#endif
