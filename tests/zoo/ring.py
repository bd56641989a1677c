"""The ring of the model: each decision of reader and writer is a method of its own, so that a mutant is short."""

from __future__ import annotations

import collections
import contextlib
import fcntl
import os
import struct
from dataclasses import dataclass
from pathlib import Path

from tests.zoo.memory import (
    HEADER,
    OIEB,
    SHM,
    SLICE,
    Deadline,
    RingError,
    Segment,
    Semaphore,
    align,
    alive,
    check_name,
    lock_directory,
    semaphore_names,
    start_moment,
    translate,
    unlink_objects,
)


@dataclass
class BufferConfig:
    metadata_size: int = 1024
    payload_size: int = 10240


class Frame:
    def __init__(self, reader: Reader, start: int, size: int, sequence: int) -> None:
        self._reader = reader
        self._start = start
        self.size = size
        self.sequence = sequence
        self.cost = size + HEADER.size
        self.posts = True
        self.released = False

    @property
    def data(self) -> memoryview:
        if self.released and self._reader.forbids_released():
            raise RingError("frame_released", f"frame {self.sequence}")
        view = memoryview(self._reader.segment.map)[self._start : self._start + self.size]
        return view.toreadonly() if self._reader.lends_read_only() else view

    def release(self) -> None:
        if not self.released:
            self.released = True
            self._reader.drain()


class Tail:
    """Space that a wrap skipped: it returns in its turn, without a token."""

    def __init__(self, cost: int) -> None:
        self.cost = cost
        self.posts = False
        self.released = True


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


class Side:
    """What both sides do."""

    segment: Segment
    data: Semaphore
    space: Semaphore

    def attach(self, name: str, fd: int) -> None:
        self.name = name
        try:
            self.segment = Segment(fd)
        except (OSError, ValueError) as error:
            os.close(fd)
            raise translate(error, "map") if isinstance(error, OSError) else RingError("invalid_oieb") from error
        data, space = semaphore_names(name)
        try:
            self.data = Semaphore(data, create=False)
            self.space = Semaphore(space, create=False)
        except BaseException:
            self.segment.close()
            raise
        self.metadata_size = self.segment.load("metadata_size")
        self.size = self.segment.load("payload_size")

    def payload_at(self, position: int) -> int:
        return OIEB + self.metadata_size + position

    def detach(self) -> None:
        self.segment.close()
        self.data.close()
        self.space.close()


class Reader(Side):
    def __init__(self, name: str, config: BufferConfig) -> None:
        check_name(name)
        self.closed = False
        self._lock = self.take_lock(name)
        try:
            self.refuse_living_owner(name)
            self.remove_stale(name)
            try:
                self.create_objects(name, config)
            except BaseException:
                self.roll_back(name)
                raise
        except BaseException:
            self.lock_path(name).unlink(missing_ok=True)
            os.close(self._lock)
            raise
        self._expected = 1
        self._writer = 0
        self._seen = False
        self._restarted = True
        self._leases: collections.deque[Frame | Tail] = collections.deque()

    # ---- creation

    def lock_path(self, name: str) -> Path:
        return lock_directory() / f"{name}.lock"

    def take_lock(self, name: str) -> int:
        lock_directory().mkdir(mode=0o777, exist_ok=True)
        for _ in range(100):
            try:
                fd = os.open(self.lock_path(name), os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            except OSError as error:
                raise translate(error, "lock") from error
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(fd)
                raise RingError("buffer_in_use", name) from None
            with contextlib.suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(fd), self.lock_path(name).stat()):
                    return fd
            os.close(fd)
        raise RingError("buffer_in_use", name)

    def refuse_living_owner(self, name: str) -> None:
        try:
            with (SHM / name).open("rb") as segment:
                head = segment.read(OIEB)
                made = min(os.fstat(segment.fileno()).st_mtime, os.fstat(segment.fileno()).st_ctime)
        except (FileNotFoundError, IsADirectoryError):
            return
        if len(head) == OIEB and self.owner_lives(struct.unpack_from("<Q", head, 88)[0], made):
            raise RingError("buffer_in_use", name)

    def owner_lives(self, pid: int, made: float) -> bool:
        return alive(pid) and start_moment(pid) <= made + 1

    def remove_stale(self, name: str) -> None:
        unlink_objects(name)

    def roll_back(self, name: str) -> None:
        with contextlib.suppress(RingError):
            unlink_objects(name)

    def create_objects(self, name: str, config: BufferConfig) -> None:
        for semaphore in semaphore_names(name):
            Semaphore(semaphore, create=True).close()
        metadata, payload = align(config.metadata_size), align(config.payload_size)
        try:
            fd = os.open(SHM / name, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            os.ftruncate(fd, OIEB + metadata + payload)
        except OSError as error:
            raise translate(error, "create") from error
        os.pwrite(fd, self.header(metadata, payload), 0)
        self.attach(name, fd)

    def header(self, metadata: int, payload: int) -> bytes:
        return struct.pack("<I4B11Q", 128, 1, 0, 0, 0, metadata, metadata, 0, payload, payload, *[0] * 5, os.getpid())

    # ---- reading

    def read_frame(self, timeout: float | None = 5.0) -> Frame:
        deadline = Deadline(timeout)
        self.await_token(deadline)
        return self.take()

    def await_token(self, deadline: Deadline) -> None:
        while True:
            if self.closed:
                raise RingError("closed")
            state = self.look_at_writer()
            if self.data.wait(min(SLICE, deadline.left)):
                return
            if state in {"died", "closed"} and not self.data.wait(0):
                self._seen = False
                self._restarted = True
                raise RingError("writer_dead", state)
            if deadline.over:
                raise RingError("timeout")

    def look_at_writer(self) -> str:
        pid = self.segment.load("writer_pid")
        if pid:
            if pid != self._writer:
                self._restarted = self._restarted or bool(self._writer)
                self._writer = pid
            self._seen = True
            return "alive" if self.writer_lives(pid) else "died"
        self._writer = 0
        return "closed" if self._seen or self.segment.load("payload_written_count") else "absent"

    def writer_lives(self, pid: int) -> bool:
        return alive(pid)

    def take(self) -> Frame:
        self.look_at_writer()
        position = self.position()
        wrapped = False
        while True:
            tail = self.size - position
            if self.is_implicit_wrap(tail):
                self.skip(tail, counted=False)
                position = 0
                continue
            size, sequence = HEADER.unpack_from(self.segment.map, self.payload_at(position))
            if not self.is_marker(size, sequence):
                break
            if wrapped or position == 0:
                raise RingError("invalid_frame_size", "a marker leads to a marker")
            wrapped = True
            self.skip(tail, counted=True)
            position = 0
        self.check_size(size, tail)
        self.check_sequence(sequence)
        self._expected = sequence + 1
        if sequence == 1:
            self._restarted = False
        frame = Frame(self, self.payload_at(position) + HEADER.size, size, sequence)
        self._leases.append(frame)
        self.advance(position + HEADER.size + size)
        return frame

    def position(self) -> int:
        return self.segment.load("payload_read_pos")

    def is_implicit_wrap(self, tail: int) -> bool:
        return tail < HEADER.size

    def is_marker(self, size: int, sequence: int) -> bool:
        return size == 0 and sequence == 0

    def skip(self, tail: int, *, counted: bool) -> None:
        if counted:
            self.count_read()
        self._leases.append(Tail(self.returned_by_wrap(tail)))
        self.drain()
        self.segment.store("payload_read_pos", 0)

    def returned_by_wrap(self, tail: int) -> int:
        return tail

    def check_size(self, size: int, tail: int) -> None:
        if size == 0 or size > tail - HEADER.size:
            raise RingError("invalid_frame_size", f"{size} in {tail}")

    def check_sequence(self, sequence: int) -> None:
        if sequence == self._expected or (sequence == 1 and self.accepts_restart()):
            return
        raise RingError("sequence_error", expected=self._expected, seen=sequence)

    def accepts_restart(self) -> bool:
        pid = self.segment.load("writer_pid")
        return self._restarted or pid != self._writer

    def advance(self, position: int) -> None:
        self.segment.store("payload_read_pos", position if position < self.size else 0)
        self.count_read()

    def count_read(self) -> None:
        self.segment.store("payload_read_count", self.segment.load("payload_read_count") + 1)

    # ---- releasing

    def drain(self) -> None:
        """Give space back in ring order, as far as everything is released."""
        while self._leases and self._leases[0].released:
            self.give_back(self._leases.popleft())

    def give_back(self, lease: Frame | Tail) -> None:
        if not self.closed:
            self.segment.add_free(lease.cost)
            if lease.posts:
                self.post_space()

    def post_space(self) -> None:
        self.space.post()

    def forbids_released(self) -> bool:
        return True

    def lends_read_only(self) -> bool:
        return True

    # ---- metadata and end

    def get_metadata(self) -> bytes:
        length = int(struct.unpack_from("<Q", self.segment.map, OIEB)[0]) if self.metadata_size else 0
        if not self.segment.load("metadata_written_bytes"):
            raise RingError("no_metadata")
        self.check_metadata_length(length)
        return bytes(self.segment.map[OIEB + 8 : OIEB + 8 + length])

    def check_metadata_length(self, length: int) -> None:
        if length > self.metadata_size - 8:
            raise RingError("invalid_oieb", f"metadata of {length} bytes")

    def close(self) -> None:
        if self.closed:
            return
        self.closed = True
        self.segment.store("reader_pid", 0)
        self.wake_writer()
        self.remove_own(self.name)
        self.detach()
        self.lock_path(self.name).unlink(missing_ok=True)
        os.close(self._lock)

    def wake_writer(self) -> None:
        self.space.post()

    def remove_own(self, name: str) -> None:
        unlink_objects(name)


class Writer(Side):
    def __init__(self, name: str, *, timeout: float = 0.0) -> None:
        del timeout
        check_name(name)
        self.closed = False
        try:
            fd = os.open(SHM / name, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError as error:
            raise translate(error, name) from error
        if os.fstat(fd).st_size < OIEB:
            os.close(fd)
            raise RingError("invalid_oieb", "too short")
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
            raise RingError("invalid_oieb", "oieb_size")
        if head[1] != 1:
            raise RingError("version_mismatch", "major")
        self.check_lengths()
        self.check_positions()
        if not self.reader_lives():
            raise RingError("reader_dead")

    def check_lengths(self) -> None:
        if OIEB + self.metadata_size + self.size != len(self.segment.map) or self.metadata_size % 64 or not self.size:
            raise RingError("invalid_oieb", "sizes")

    def check_positions(self) -> None:
        if self.segment.load("payload_write_pos") > self.size or self.segment.load("payload_free_bytes") > self.size:
            raise RingError("invalid_oieb", "positions")

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

    def acquire(self, size: int, timeout: float | None = 5.0) -> Slot:
        self.check_frame_size(size)
        deadline = Deadline(timeout)
        total = size + HEADER.size
        start, wraps, needed = self.plan(total)
        while not self.has_room(needed):
            if not self.space.wait(min(SLICE, deadline.left)) and deadline.over:
                raise RingError("buffer_full", f"{needed} needed")
        self.drain_tokens()
        return Slot(self, size, start, wraps=wraps)

    def check_frame_size(self, size: int) -> None:
        if self.closed:
            raise RingError("closed")
        if size == 0:
            raise RingError("invalid_frame_size", "0")
        if size + HEADER.size > self.size:
            raise RingError("frame_too_large", str(size))

    def plan(self, total: int) -> tuple[int, bool, int]:
        """Return where a frame goes, whether the ring wraps before it, and how many free bytes it takes."""
        position = self.segment.load("payload_write_pos") % self.size
        tail = self.size - position
        can_wrap = tail + total <= self.size
        if self.fits(total, tail) and not (can_wrap and self.leaves_short_tail(tail - total)):
            return position, False, total
        if not can_wrap:
            self.refuse_unwritable()
        return 0, True, self.needed_to_wrap(total, tail)

    def fits(self, total: int, tail: int) -> bool:
        return total <= tail

    def leaves_short_tail(self, rest: int) -> bool:
        return 0 < rest < HEADER.size

    def refuse_unwritable(self) -> None:
        raise RingError("frame_unwritable")

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
            raise RingError("invalid_oieb", f"{free} free")

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
            raise RingError("metadata_too_large")

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
