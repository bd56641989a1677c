/*
 * What the ring should do, worked out another way: by marking bytes and keeping a copy of the whole payload, after the
 * text of the protocol. Nothing here calls or includes the ring's arithmetic.
 */
#ifndef ZB_TEST_MODEL_H
#define ZB_TEST_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#define MODEL_MOST_PAYLOAD 4096
#define MODEL_MOST_FRAMES (MODEL_MOST_PAYLOAD / 17 + 2)

typedef enum model_answer { MODEL_WRITTEN, MODEL_FULL, MODEL_EMPTY_FRAME, MODEL_TOO_LARGE, MODEL_UNWRITABLE } model_answer;

typedef struct model_place {
    uint64_t at;
    uint64_t waste; /* bytes given up at the end of the ring */
    bool marker;
} model_place;

/* Where a frame goes in an empty ring whose writer stands at write_pos. */
model_answer model_plan(uint64_t payload_size, uint64_t write_pos, uint64_t size, model_place *place);

typedef struct model_frame {
    model_place place;
    uint64_t size;
    uint64_t sequence;
} model_frame;

typedef struct model {
    uint64_t payload_size;
    uint64_t write_pos, read_pos, free_bytes, written_count, read_count;
    uint64_t sequence; /* of the next frame */
    /* Frames in the order of writing: [released, read) are held, [read, written) stand unread. */
    model_frame frames[MODEL_MOST_FRAMES];
    uint64_t released, read, written;
    uint8_t payload[MODEL_MOST_PAYLOAD];
} model;

void model_init(model *ring, uint64_t payload_size);
model_answer model_write(model *ring, uint64_t size);
model_frame *model_frame_at(model *ring, uint64_t index);
bool model_can_read(const model *ring);
void model_read(model *ring);
bool model_can_release(const model *ring);
/* The bytes that come back with the oldest frame held. */
uint64_t model_release(model *ring);

/* The protocol's test data. */
uint8_t model_byte(uint64_t index, uint64_t sequence);

#endif
