"""The reader of the model: each decision is a method of its own, so that a mutant is short."""

from __future__ import annotations

import collections
import contextlib
import errno
import fcntl
import os
import struct
from collections.abc import Iterator
from pathlib import Path

from tests.zoo.memory import (
    HEADER,
    OIEB,
    SHM,
    SLICE,
    Deadline,
    RingError,
    Semaphore,
    align,
    alive,
    check_name,
    invalid,
    lock_directory,
    semaphore_names,
    start_moment,
    translate,
    unlink_objects,
)
from tests.zoo.side import BufferConfig, Side


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
                fd = self.open_lock(self.lock_path(name))
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

    def open_lock(self, path: Path) -> int:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        if os.fstat(fd).st_nlink > 1:
            os.close(fd)
            raise OSError(errno.EMLINK, "the lock file has other names, too")
        return fd

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
        try:
            return self.take()
        except RingError:
            self.data.post()  # what is refused stays pending
            raise

    @contextlib.contextmanager
    def read_frames(self, maximum: int, timeout: float | None = 5.0) -> Iterator[list[Frame]]:
        frame = self.read_frame(timeout)
        yield [frame][:maximum]
        frame.release()

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
                raise RingError("invalid_frame_size", value=0, limit=self.size - HEADER.size)
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
            raise RingError("invalid_frame_size", value=size, limit=tail - HEADER.size)

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
            raise invalid("metadata length", length, self.segment.load("metadata_written_bytes") - 8)

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
