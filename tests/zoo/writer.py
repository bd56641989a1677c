"""The writer of the model: each decision is a method of its own, so that a mutant is short."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable

from tests.zoo.memory import (
    HEADER,
    OIEB,
    SHM,
    SLICE,
    Deadline,
    RingError,
    alive,
    check_name,
    invalid,
    translate,
)
from tests.zoo.side import Side


class Slot:
    def __init__(self, writer: Writer, size: int, start: int, *, wraps: bool) -> None:
        self._writer = writer
        self.size = size
        self.start = start
        self.wraps = wraps
        self.open = True

    @property
    def data(self) -> memoryview:
        start = self._writer.payload_at(self.start) + HEADER.size
        return memoryview(self._writer.segment.map)[start : start + self.size]

    def commit(self) -> None:
        self.open = False
        self._writer.publish(self)

    def abandon(self) -> None:
        self.open = False


class Writer(Side):
    def __init__(self, name: str, *, timeout: float = 0.0) -> None:
        del timeout
        check_name(name)
        self.closed = False
        try:
            fd = os.open(SHM / name, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError as error:
            raise translate(error, name) from error
        length = os.fstat(fd).st_size
        if length < OIEB:
            os.close(fd)
            raise invalid("length", length, OIEB)
        try:
            self.attach(name, fd)
        except ValueError as error:
            raise RingError("invalid_oieb") from error
        try:
            self.check_header()
            self.claim()
        except BaseException:
            self.detach()
            raise
        self._sequence = self.first_sequence()

    # ---- connecting

    def check_header(self) -> None:
        head = struct.unpack_from("<I4B", self.segment.map, 0)
        if head[0] != OIEB:
            raise invalid("oieb_size", head[0], OIEB)
        if head[1] != 1:
            raise RingError("version_mismatch", value=head[1])
        self.check_lengths()
        self.check_positions()
        if not self.reader_lives():
            raise RingError("reader_dead")

    def check_lengths(self) -> None:
        room = len(self.segment.map) - OIEB
        if self.metadata_size > room or self.metadata_size % 64:
            raise invalid("metadata_size", self.metadata_size, room)
        if self.metadata_size + self.size != room or not self.size:
            raise invalid("payload_size", self.size, room - self.metadata_size)

    def check_positions(self) -> None:
        for field in ("payload_write_pos", "payload_free_bytes"):
            if self.segment.load(field) > self.size:
                raise invalid(field, self.segment.load(field), self.size)

    def claim(self) -> None:
        with self.segment.exclusive():
            if self.writer_exists():
                raise RingError("writer_exists")
            self.segment.store("writer_pid", os.getpid())

    def writer_exists(self) -> bool:
        return alive(self.segment.load("writer_pid"))

    def first_sequence(self) -> int:
        return 1

    def reader_lives(self) -> bool:
        return alive(self.segment.load("reader_pid"))

    # ---- writing

    @property
    def next_sequence(self) -> int:
        return self._sequence

    def write_frame(self, data: bytes, timeout: float | None = 5.0) -> None:
        slot = self.acquire(len(data), timeout)
        with slot.data as view:
            view[:] = data
        slot.commit()

    def write_frames(self, items: Iterable[bytes], timeout: float | None = 5.0) -> int:
        deadline = Deadline(timeout)
        return sum(1 for item in items if self.write_frame(item, deadline.left) is None)

    def acquire(self, size: int, timeout: float | None = 5.0) -> Slot:
        self.check_frame_size(size)
        deadline = Deadline(timeout)
        total = size + HEADER.size
        start, wraps, needed = self.plan(total)
        while not self.has_room(needed):
            if not self.space.wait(min(SLICE, deadline.left)) and deadline.over:
                free = self.segment.load("payload_free_bytes")
                raise RingError("buffer_full", size=size, needed=needed, free=free)
        self.drain_tokens()
        return Slot(self, size, start, wraps=wraps)

    def check_frame_size(self, size: int) -> None:
        if self.closed:
            raise RingError("closed")
        largest = self.size - HEADER.size
        if size == 0:
            raise RingError("invalid_frame_size", value=0, limit=largest)
        if size > largest:
            raise RingError("frame_too_large", size=size, largest=largest, always_fits=self.always_fits)

    def plan(self, total: int) -> tuple[int, bool, int]:
        """Return where a frame goes, whether the ring wraps before it, and how many free bytes it takes."""
        position = self.segment.load("payload_write_pos") % self.size
        tail = self.size - position
        can_wrap = tail + total <= self.size
        if self.fits(total, tail) and not (can_wrap and self.leaves_short_tail(tail - total)):
            return position, False, total
        if not can_wrap:
            self.refuse_unwritable(total, position)
        return 0, True, self.needed_to_wrap(total, tail)

    def fits(self, total: int, tail: int) -> bool:
        return total <= tail

    def leaves_short_tail(self, rest: int) -> bool:
        return 0 < rest < HEADER.size

    def refuse_unwritable(self, total: int, position: int) -> None:
        fits_now = max(position, self.size - position) - HEADER.size
        size, always_fits = total - HEADER.size, self.always_fits
        raise RingError("frame_unwritable", size=size, fits_now=fits_now, always_fits=always_fits)

    @property
    def always_fits(self) -> int:
        return self.size // 2 - HEADER.size

    def needed_to_wrap(self, total: int, tail: int) -> int:
        return tail + total

    def has_room(self, needed: int) -> bool:
        if not self.reader_lives_now():
            raise RingError("reader_dead")
        free = self.segment.load("payload_free_bytes")
        self.check_free(free)
        return free >= needed

    def reader_lives_now(self) -> bool:
        return self.reader_lives()

    def check_free(self, free: int) -> None:
        if free > self.size:
            raise invalid("payload_free_bytes", free, self.size)

    def drain_tokens(self) -> None:
        while self.space.value > 500 and self.space.wait(0):
            pass

    def publish(self, slot: Slot) -> None:
        if slot.wraps:
            self.wrap()
        self.write_header(slot)
        total = slot.size + HEADER.size
        self.move_to(slot.start + total)
        self.take_free(total)
        self.count_written()
        self._sequence += 1
        self.post_data()

    def wrap(self) -> None:
        position = self.segment.load("payload_write_pos") % self.size
        tail = self.size - position
        if tail >= HEADER.size:
            self.write_marker(position)
            self.count_written()
        self.take_free_of_tail(tail)

    def write_marker(self, position: int) -> None:
        start = self.payload_at(position)
        self.segment.map[start : start + HEADER.size] = bytes(HEADER.size)

    def take_free_of_tail(self, tail: int) -> None:
        self.segment.add_free(-tail)

    def write_header(self, slot: Slot) -> None:
        start = self.payload_at(slot.start)
        self.segment.map[start : start + HEADER.size] = self.pack_header(slot.size, self._sequence)

    def pack_header(self, size: int, sequence: int) -> bytes:
        return HEADER.pack(size, sequence)

    def move_to(self, position: int) -> None:
        self.segment.store("payload_write_pos", position if position < self.size else 0)

    def take_free(self, total: int) -> None:
        self.segment.add_free(-total)

    def count_written(self) -> None:
        self.segment.store("payload_written_count", self.segment.load("payload_written_count") + 1)

    def post_data(self) -> None:
        self.data.post()

    # ---- metadata and end

    def set_metadata(self, content: bytes) -> None:
        if not content:
            raise RingError("metadata_empty")
        self.check_metadata_size(len(content))
        if self.has_metadata():
            raise RingError("metadata_exists")
        self.segment.map[OIEB : OIEB + 8 + len(content)] = self.metadata_prefix(len(content)) + content
        self.segment.store("metadata_free_bytes", self.metadata_size - 8 - len(content))
        self.segment.store("metadata_written_bytes", 8 + len(content))

    def check_metadata_size(self, size: int) -> None:
        if size + 8 > self.metadata_size:
            raise RingError("metadata_too_large", size=size, limit=self.metadata_size - 8)

    def has_metadata(self) -> bool:
        return bool(self.segment.load("metadata_written_bytes"))

    def metadata_prefix(self, size: int) -> bytes:
        return struct.pack("<Q", size)

    def close(self) -> None:
        if self.closed:
            return
        self.closed = True
        self.clear_pid()
        self.detach()

    def clear_pid(self) -> None:
        if self.segment.load("writer_pid") == os.getpid():
            self.segment.store("writer_pid", 0)
