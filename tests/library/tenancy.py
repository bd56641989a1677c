"""What a name serves for, and what the dead leave under it."""

from __future__ import annotations

import os

from tests.library import children
from tests.library.data import Fields, frame, objects
from tests.library.processes import Child
from zerobuffer import BufferConfig, Reader, Writer

CONFIG = BufferConfig(metadata_size=64, payload_size=1024)


def works(name: str) -> None:
    """Create a buffer and send a frame through it."""
    with Reader(name, CONFIG) as reader, Writer(name) as writer:
        writer.write_frame(frame(100, 1))
        with reader.read_frame(5) as got:
            assert (bytes(got.data), got.sequence) == (frame(100, 1), 1)
        fields = Fields.of(name)
        assert (fields.writer_pid, fields.reader_pid) == (os.getpid(), os.getpid())


def leave_a_corpse(name: str) -> None:
    """Leave everything that a reader killed with frames pending leaves."""
    with Child(children.hold_reader, name=name) as reader:
        reader.hear("ready")
        with Writer(name) as writer:
            writer.write_frames([b"pending"] * 3)
            reader.kill()
    assert len(objects(name)) == 3
