/* The real ring driven beside the model: every operation done on both, and the whole segment compared. */
#ifndef ZB_TEST_DRIVE_H
#define ZB_TEST_DRIVE_H

#include "model.h"
#include "ring.h"
#include "segment.h"

typedef struct drive {
    segment memory;
    zb_ring ring;
    model model;
    zb_commit commit; /* staged, not yet published */
    uint64_t staged_pos, staged_free;
    uint64_t committed; /* the word of the writer; 0 while it is plain */
    uint64_t read, released; /* the numbers of the reader */
} drive;

void drive_open(drive *pair, uint64_t metadata_size, uint64_t payload_size);
void drive_close(drive *pair);
/* Moves an empty ring to a position, as if frames had been written and read up to there, often around. */
void drive_move(drive *pair, uint64_t position);
/* Lets both counts begin elsewhere. */
void drive_count_from(drive *pair, uint64_t count);

/* Stages one frame; the answers of ring and model must agree. */
model_answer drive_stage(drive *pair, uint64_t size);
/* Publishes what is staged. */
void drive_publish(drive *pair);
model_answer drive_write(drive *pair, uint64_t size);
void drive_read(drive *pair);
void drive_release(drive *pair);
/* Reads and releases all. */
void drive_drain(drive *pair);
/* Control block and payload, byte for byte. */
void drive_compare(const drive *pair);

#endif
