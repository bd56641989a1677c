#include "model.h"

#include <string.h>

#include "check.h"

#define HEADER 16u

uint8_t model_byte(uint64_t index, uint64_t sequence) { return (uint8_t)((index + sequence) % 256); }

/* Marks bytes one by one; false when one lies outside or is marked already. */
static bool mark(uint8_t *cells, uint64_t payload_size, uint64_t from, uint64_t count) {
    for (uint64_t i = from; i < from + count; i++) {
        if (i >= payload_size || cells[i] != 0) return false;
        cells[i] = 1;
    }
    return true;
}

model_answer model_plan(uint64_t payload_size, uint64_t write_pos, uint64_t size, model_place *place) {
    uint8_t cells[MODEL_MOST_PAYLOAD];
    if (size == 0) return MODEL_EMPTY_FRAME;
    if (size + HEADER > payload_size) return MODEL_TOO_LARGE;
    /* Here: the frame, byte by byte, from write_pos. What remains behind it up to the end, if it is a stub, is bad. */
    memset(cells, 0, payload_size);
    const bool here = mark(cells, payload_size, write_pos, HEADER + size);
    uint64_t rest = 0;
    while (here && write_pos + HEADER + size + rest < payload_size) rest++;
    const bool stub = rest >= 1 && rest <= 15;
    /* Wrapped: everything from write_pos to the end is given up, and the frame must not run into it. */
    memset(cells, 0, payload_size);
    const uint64_t waste = payload_size - write_pos;
    const bool wrapped =
        write_pos > 0 && mark(cells, payload_size, write_pos, waste) && mark(cells, payload_size, 0, HEADER + size);
    if (here && !(stub && wrapped)) {
        *place = (model_place){.at = write_pos};
        return MODEL_WRITTEN;
    }
    if (!wrapped) return MODEL_UNWRITABLE;
    *place = (model_place){.at = 0, .waste = waste, .marker = waste > 15};
    return MODEL_WRITTEN;
}

void model_init(model *ring, uint64_t payload_size) {
    CHECK(payload_size <= MODEL_MOST_PAYLOAD);
    memset(ring, 0, sizeof *ring);
    ring->payload_size = ring->free_bytes = payload_size;
    ring->sequence = 1;
}

static void put_u64(uint8_t *to, uint64_t value) {
    for (int i = 0; i < 8; i++) to[i] = (uint8_t)(value >> (8 * i));
}

model_frame *model_frame_at(model *ring, uint64_t index) { return &ring->frames[index % MODEL_MOST_FRAMES]; }

model_answer model_write(model *ring, uint64_t size) {
    model_frame frame = {.size = size, .sequence = ring->sequence};
    const model_answer answer = model_plan(ring->payload_size, ring->write_pos, size, &frame.place);
    if (answer != MODEL_WRITTEN) return answer;
    if (frame.place.waste + HEADER + size > ring->free_bytes) return MODEL_FULL;
    if (frame.place.marker) memset(ring->payload + ring->write_pos, 0, HEADER);
    uint8_t *at = ring->payload + frame.place.at;
    put_u64(at, size);
    put_u64(at + 8, ring->sequence);
    for (uint64_t i = 0; i < size; i++) at[HEADER + i] = model_byte(i, ring->sequence);
    ring->write_pos = (frame.place.at + HEADER + size) % ring->payload_size;
    ring->free_bytes -= frame.place.waste + HEADER + size;
    ring->written_count += frame.place.marker ? 2 : 1;
    ring->sequence++;
    *model_frame_at(ring, ring->written++) = frame;
    return MODEL_WRITTEN;
}

bool model_can_read(const model *ring) { return ring->read != ring->written; }

void model_read(model *ring) {
    const model_frame *frame = model_frame_at(ring, ring->read++);
    ring->read_pos = (frame->place.at + HEADER + frame->size) % ring->payload_size;
    ring->read_count += frame->place.marker ? 2 : 1;
}

bool model_can_release(const model *ring) { return ring->released != ring->read; }

uint64_t model_release(model *ring) {
    const model_frame *frame = model_frame_at(ring, ring->released++);
    const uint64_t bytes = frame->place.waste + HEADER + frame->size;
    ring->free_bytes += bytes;
    return bytes;
}
