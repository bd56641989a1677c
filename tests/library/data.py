"""The test data that all implementations agree on, and a look into a segment that asks nobody."""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from pathlib import Path

_RAMP = bytes(range(256)) * 2


def frame(size: int, sequence: int) -> bytes:
    """Return the content of frame `sequence`: byte i is (i + sequence) mod 256."""
    start = sequence % 256
    period = _RAMP[start : start + 256]
    return (period * (size // 256 + 1))[:size]


@dataclass(frozen=True)
class Fields:
    """The control block of a buffer, read from /dev/shm."""

    metadata_size: int
    metadata_free: int
    metadata_written: int
    payload_size: int
    free: int
    write_pos: int
    read_pos: int
    written_count: int
    read_count: int
    writer_pid: int
    reader_pid: int
    committed: int
    released: int
    connection: int
    stream_start: int

    @classmethod
    def of(cls, name: str) -> Fields:
        """Look at the buffer of this name."""
        with segment(name).open("rb") as file:
            block = file.read(128)
        return cls(*struct.unpack_from("<15Q", block, 8))


PAYLOAD_FREE = 40
WRITER_PID = 80
READER_PID = 88
RELEASED = 104


def segment(name: str) -> Path:
    """Return the file of a buffer's segment."""
    return Path("/dev/shm") / name


def poke(name: str, offset: int, data: bytes) -> None:
    """Overwrite bytes of a segment behind everybody's back."""
    fd = os.open(segment(name), os.O_WRONLY)
    try:
        os.pwrite(fd, data, offset)
    finally:
        os.close(fd)


def poke_u64(name: str, offset: int, value: int) -> None:
    """Overwrite one field."""
    poke(name, offset, struct.pack("<Q", value))


def objects(name: str) -> list[str]:
    """Return what stands in /dev/shm under this name."""
    wanted = {name, f"sem.sem-w-{name}", f"sem.sem-r-{name}"}
    return sorted(wanted & set(os.listdir("/dev/shm")))  # noqa: PTH208 - names are the point
