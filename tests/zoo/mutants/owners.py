# ruff: noqa: N801 - a mutant is named as the library it becomes
"""Rings that are wrong about who owns them and who lives."""

from __future__ import annotations

import os
import struct
import time
from pathlib import Path

from tests.zoo import ring
from tests.zoo.memory import SHM, RingError, alive, unlink_objects
from tests.zoo.mutants.registry import mutant


@mutant("2.4", "4.10")
class second_writer_let_in(ring.Writer):
    """A second writer takes the place of the first."""

    def writer_exists(self) -> bool:
        return False


@mutant("15.6", "17.1.1")
class dead_writer_stays(ring.Writer):
    """A writer that was killed keeps its place for ever."""

    def writer_exists(self) -> bool:
        return self.segment.load("writer_pid") != 0


@mutant("15.5", "12.1")
class pid_not_cleared(ring.Writer):
    """A writer that closes leaves its number."""

    def clear_pid(self) -> None:
        pass


@mutant("2.1", "10.4")
class writer_death_unnoticed(ring.Reader):
    """A reader waits for a writer that is dead."""

    def writer_lives(self, pid: int) -> bool:
        return True


@mutant("2.1")
class death_before_frames(ring.Reader):
    """A dead writer's last frames are not delivered."""

    def await_token(self, deadline: object) -> None:
        if self.look_at_writer() == "died":
            raise RingError("writer_dead")
        super().await_token(deadline)  # type: ignore[arg-type]


@mutant("10.4", "2.1")
class death_noticed_late(ring.Reader):
    """The writer's death is noticed after three seconds."""

    _first = 0.0

    def writer_lives(self, pid: int) -> bool:
        if super().writer_lives(pid):
            return True
        self._first = self._first or time.monotonic()
        return time.monotonic() < self._first + 3


@mutant("2.2", "10.7")
class reader_death_unnoticed(ring.Writer):
    """A writer goes on for a reader that is dead."""

    def reader_lives_now(self) -> bool:
        return True


@mutant("15.10")
class cleanup_too_eager(ring.Reader):
    """The objects of a living reader are replaced."""

    def take_lock(self, name: str) -> int:
        return os.open(self.lock_path(name), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def refuse_living_owner(self, name: str) -> None:
        pass


@mutant("2.3", "8.4.2")
class cleanup_too_shy(ring.Reader):
    """What a dead reader left is not replaced."""

    def remove_stale(self, name: str) -> None:
        pass


@mutant("8.4.3", "17.4")
class stale_tokens_kept(ring.Reader):
    """A stale semaphore is used again with the value it has."""

    def remove_stale(self, name: str) -> None:
        path = self._data_path(name)
        value = path.read_bytes() if path.is_file() else None
        unlink_objects(name)
        if value is not None:
            path.write_bytes(value)

    def create_objects(self, name: str, config: ring.BufferConfig) -> None:
        path = self._data_path(name)
        kept = path.read_bytes() if path.is_file() else None
        path.unlink(missing_ok=True)
        super().create_objects(name, config)
        if kept is not None:
            with path.open("r+b") as semaphore:
                semaphore.write(kept)

    @staticmethod
    def _data_path(name: str) -> Path:
        return SHM / f"sem.sem-w-{name}"


@mutant("15.11")
class number_believed(ring.Reader):
    """A process number that another process has now keeps a dead buffer."""

    def owner_lives(self, pid: int, made: float) -> bool:
        return alive(pid)


@mutant("7.2")
class half_made(ring.Reader):
    """A creation that fails half-way leaves what it has made."""

    def roll_back(self, name: str) -> None:
        pass


@mutant("8.1", "12.3")
class segment_left(ring.Reader):
    """A reader that closes leaves the segment."""

    def remove_own(self, name: str) -> None:
        pass


@mutant("15.9")
class writer_not_woken(ring.Reader):
    """A reader that closes does not say so: its number stays."""

    def close(self) -> None:
        pid = self.segment.load("reader_pid")
        segment, keep = self.segment.map, struct.pack("<Q", pid)
        store = self.segment.store

        def forgetful(field: str, value: int) -> None:
            if field == "reader_pid":
                segment[88:96] = keep
            else:
                store(field, value)

        self.segment.store = forgetful  # type: ignore[method-assign]
        super().close()


@mutant("8.7.1")
class link_followed(ring.Reader):
    """The lock is taken on whatever a symbolic link leads to."""

    def open_lock(self, path: Path) -> int:
        return super().open_lock(path.resolve())


@mutant("8.7.2")
class names_not_counted(ring.Reader):
    """A lock file that has a second name elsewhere is taken."""

    def open_lock(self, path: Path) -> int:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
