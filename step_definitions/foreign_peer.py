"""A peer of another implementation, played by the harness: it keeps part one of the protocol, and has no part two.

Its number is that of the process that performs the steps, unless it is given another: it lives as long as that process.
"""

from __future__ import annotations

import os

from step_definitions.observer import HEADER, OIEB_SIZE, BufferView, Part
from step_definitions.patterns import ramp


def create(view: BufferView, payload: int, number: int | None = None, *, metadata: int = 0) -> None:
    """Make a buffer; its sizes are multiples of 64."""
    for part in (Part.LOCK, Part.DATA, Part.SPACE):
        view.make(part)
    fields = {
        "oieb_size": OIEB_SIZE,
        "version_major": 1,
        "metadata_size": metadata,
        "metadata_free_bytes": metadata,
        "payload_size": payload,
        "payload_free_bytes": payload,
        "reader_pid": number or os.getpid(),
    }
    view.make_segment(OIEB_SIZE + metadata + payload, fields)


def connect(view: BufferView, number: int | None = None) -> None:
    """Become the writer of a buffer that has none."""
    view.overwrite("writer_pid", number or os.getpid())


def leave(view: BufferView) -> None:
    """Close the writer."""
    view.overwrite("writer_pid", 0)


def write(view: BufferView, size: int, sequence: int) -> None:
    """Write a frame behind the last one, or at the start if the tail has no room even for a marker."""
    position, ring = view.field("payload_write_pos"), view.field("payload_size")
    needed = HEADER.size + size
    if position + needed > ring:
        tail = ring - position
        if tail >= HEADER.size:
            raise AssertionError(f"the tail has {tail} bytes: this peer writes no marker into it")
        position, needed = 0, needed + tail
    view.write_payload(position + HEADER.size, ramp(size, sequence))
    view.overwrite_frame_header(position, size, sequence)
    view.overwrite("payload_free_bytes", view.field("payload_free_bytes") - needed)
    view.overwrite("payload_write_pos", position + HEADER.size + size)
    view.overwrite("payload_written_count", view.field("payload_written_count") + 1)
    view.post(Part.DATA)
