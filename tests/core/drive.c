#include "drive.h"

#include <string.h>

#include "check.h"

void drive_open(drive *pair, uint64_t metadata_size, uint64_t payload_size) {
    memset(pair, 0, sizeof *pair);
    pair->memory = segment_ring(metadata_size, payload_size, &pair->ring);
    model_init(&pair->model, payload_size);
    pair->committed = pair->read = pair->released = payload_size;
}

void drive_close(drive *pair) { segment_drop(&pair->memory); }

void drive_move(drive *pair, uint64_t position) {
    CHECK(pair->model.free_bytes == pair->model.payload_size);
    zb_store(&pair->ring.oieb->payload_write_pos, position);
    zb_store(&pair->ring.oieb->payload_read_pos, position);
    pair->model.write_pos = pair->model.read_pos = position;
    const uint64_t around = 1 + check_below((uint64_t)1 << 50);
    pair->committed = pair->read = pair->released = around * pair->model.payload_size + position;
    zb_store(&pair->ring.oieb->committed, pair->committed);
    zb_store(&pair->ring.oieb->released, pair->released);
}

void drive_count_from(drive *pair, uint64_t count) {
    zb_store(&pair->ring.oieb->payload_written_count, count);
    zb_store(&pair->ring.oieb->payload_read_count, count);
    pair->model.written_count = pair->model.read_count = count;
}

static model_answer answer_of(zb_status status) {
    switch (status) {
    case ZB_OK: return MODEL_WRITTEN;
    case ZB_INVALID_FRAME_SIZE: return MODEL_EMPTY_FRAME;
    case ZB_FRAME_TOO_LARGE: return MODEL_TOO_LARGE;
    default: CHECK_EQ(status, ZB_FRAME_UNWRITABLE); return MODEL_UNWRITABLE;
    }
}

model_answer drive_stage(drive *pair, uint64_t size) {
    zb_fault fault;
    if (pair->commit.frames == 0) {
        CHECK_EQ(zb_ring_writer_state(&pair->ring, &pair->staged_pos, &pair->staged_free, &fault), ZB_OK);
    }
    zb_plan plan;
    const uint64_t sequence = pair->model.sequence;
    model_answer answer = answer_of(zb_plan_frame(pair->ring.payload_size, pair->staged_pos, size, &plan));
    if (answer == MODEL_WRITTEN && zb_plan_need(&plan) > pair->staged_free) answer = MODEL_FULL;
    CHECK_EQ(answer, model_write(&pair->model, size));
    if (answer != MODEL_WRITTEN) return answer;
    uint8_t *data = pair->ring.payload + plan.at + ZB_HEADER_SIZE;
    for (uint64_t i = 0; i < size; i++) data[i] = model_byte(i, sequence);
    zb_ring_stage(&pair->ring, &plan, size, sequence, &pair->commit);
    pair->staged_pos = pair->commit.new_pos;
    pair->staged_free -= zb_plan_need(&plan);
    return answer;
}

void drive_publish(drive *pair) {
    if (pair->commit.frames == 0) return;
    zb_oieb *oieb = pair->ring.oieb;
    const uint64_t before = zb_load(&oieb->payload_free_bytes);
    const uint64_t count = zb_load(&oieb->payload_written_count) + pair->commit.counted;
    const uint64_t word = zb_load(&oieb->committed);
    if (pair->committed != 0) pair->committed += pair->commit.bytes;
    CHECK_EQ(zb_ring_publish(&pair->ring, &pair->commit, count, pair->committed), before);
    CHECK_EQ(zb_load(&oieb->committed), pair->committed != 0 ? pair->committed : word);
    pair->commit = (zb_commit){0};
}

model_answer drive_write(drive *pair, uint64_t size) {
    const model_answer answer = drive_stage(pair, size);
    drive_publish(pair);
    return answer;
}

void drive_read(drive *pair) {
    zb_fault fault;
    zb_found found;
    uint64_t read_pos;
    const model_frame *expected = model_frame_at(&pair->model, pair->model.read);
    if (pair->committed != 0) CHECK(zb_load(&pair->ring.oieb->committed) - pair->read - 1 < pair->ring.payload_size);
    CHECK_EQ(zb_ring_reader_pos(&pair->ring, &read_pos, &fault), ZB_OK);
    CHECK_EQ(zb_ring_peek(&pair->ring, read_pos, &found, &fault), ZB_OK);
    CHECK_EQ(found.size, expected->size);
    CHECK_EQ(found.sequence, expected->sequence);
    CHECK_EQ(found.data - pair->ring.payload, expected->place.at + 16);
    CHECK_EQ(found.wrapped, expected->place.waste);
    CHECK_EQ(found.counted, expected->place.marker ? 2 : 1);
    for (uint64_t i = 0; i < found.size; i++) {
        if (found.data[i] != model_byte(i, found.sequence)) check_failed(__FILE__, __LINE__, "torn frame");
    }
    zb_ring_advance(&pair->ring, found.next_pos, zb_load(&pair->ring.oieb->payload_read_count) + found.counted);
    pair->read += found.wrapped + ZB_HEADER_SIZE + found.size;
    model_read(&pair->model);
}

void drive_release(drive *pair) { zb_ring_free(&pair->ring, &pair->released, model_release(&pair->model)); }

void drive_drain(drive *pair) {
    while (model_can_read(&pair->model)) drive_read(pair);
    while (model_can_release(&pair->model)) drive_release(pair);
    drive_compare(pair);
}

void drive_compare(const drive *pair) {
    zb_oieb *oieb = pair->ring.oieb;
    const model *expected = &pair->model;
    CHECK_EQ(zb_load(&oieb->payload_size), expected->payload_size);
    CHECK_EQ(zb_load(&oieb->payload_write_pos), expected->write_pos);
    CHECK_EQ(zb_load(&oieb->payload_read_pos), expected->read_pos);
    CHECK_EQ(zb_load(&oieb->payload_free_bytes), expected->free_bytes);
    CHECK_EQ(zb_load(&oieb->payload_written_count), expected->written_count);
    CHECK_EQ(zb_load(&oieb->payload_read_count), expected->read_count);
    CHECK_EQ(zb_load(&oieb->released), pair->released);
    if (pair->committed != 0) {
        CHECK_EQ(zb_load(&oieb->committed), pair->committed);
        CHECK_EQ(pair->committed % expected->payload_size, expected->write_pos);
        CHECK_EQ(zb_ring_room(&pair->ring, pair->committed), expected->free_bytes);
    }
    if (memcmp(pair->ring.payload, expected->payload, expected->payload_size) != 0) {
        uint64_t at = 0;
        while (pair->ring.payload[at] == expected->payload[at]) at++;
        check_failed(__FILE__, __LINE__, "payload differs from byte %llu on", (unsigned long long)at);
    }
}
