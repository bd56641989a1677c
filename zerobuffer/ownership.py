"""Creating, taking over and removing the four system objects of a buffer: segment, two semaphores, lock file.

The reader owns them. What belongs to a living owner, or to another program, is never touched. What a dead owner left
is replaced. A creation that fails half-way leaves nothing behind. The name of the segment is the ownership: it is the
first object to come and, but for the lock file, the last to go.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from zerobuffer import _core, names, presence
from zerobuffer.config import OIEB_SIZE, BufferConfig, align
from zerobuffer.errors import BufferInUseError, NotABufferError, ZeroBufferError, from_errno
from zerobuffer.presence import is_alive, started_after

WRITER_PID, READER_PID, RELEASED, CONNECTION = 80, 88, 104, 112
"""Where these fields stand in a control block."""

_LOCK_PATIENCE = 0.1
"""Seconds to wait for a lock that is not the living owner's: another process may just be testing it."""


@dataclass(frozen=True, slots=True)
class Owned:
    """The objects of one buffer. Its reader holds their descriptors until it calls `remove` or `forget`, once."""

    name: str
    lock_path: Path
    lock_fd: int
    segment_fd: int

    def forget(self) -> None:
        """Close our descriptors without removing anything: in a child of fork the objects belong to the parent."""
        os.close(self.segment_fd)
        os.close(self.lock_fd)

    def remove(self) -> None:
        """Remove those that are still ours, whatever fails on the way, the lock file last."""
        segment = names.segment_path(self.name)
        try:
            # Our descriptor carries the reader's lock: until it is closed, no reader of ours takes the name from us.
            if _has_name(self.segment_fd, segment) or not os.path.lexists(segment):
                _unlink_objects(self.name)
        finally:
            if _has_name(self.lock_fd, self.lock_path):
                _unlink_quietly(self.lock_path)
            self.forget()


def create(name: str, config: BufferConfig) -> Owned:
    """Create the objects of a buffer, replacing what a dead owner left.

    Raises:
        InvalidNameError: The name cannot be used.
        BufferInUseError: A living reader has it.
        PermissionDeniedError: What stands there belongs to another user.
        ResourceExhaustedError: Memory, descriptors or space in /dev/shm are short.
        SystemFailureError: The system refused for another reason.
    """
    names.validate_name(name)
    path = names.lock_path(name)
    with contextlib.ExitStack() as undo:
        lock_fd = _lock(name, path, config.mode, undo)
        _clear_place(name)
        with _translated(name, "create the segment"):
            segment_fd = _make_segment(name, config.mode, undo)
            _unlink_semaphores(name)
        for semaphore in (names.data_semaphore(name), names.space_semaphore(name)):
            with _translated(name, f"create the semaphore {semaphore}"):
                _core.semaphore_create(semaphore, config.mode)
                names.semaphore_path(semaphore).chmod(config.mode)
        with _translated(name, f"make the segment {config.segment_size} bytes long"):
            os.fchmod(segment_fd, config.mode)
            os.ftruncate(segment_fd, config.segment_size)
            if config.preallocate:
                _reserve(segment_fd, config.segment_size)
        with _translated(name, "map the segment"):
            # Last: a writer that sees a reader in the segment finds everything.
            _core.format_segment(segment_fd, align(config.metadata_size), align(config.payload_size), os.getpid())
        undo.pop_all()
    return Owned(name, path, lock_fd, segment_fd)


def _make_segment(name: str, mode: int, undo: contextlib.ExitStack) -> int:
    """Make the segment, empty, and lock it: from here on the name is ours."""
    path = names.segment_path(name)
    try:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
    except FileExistsError:
        raise _in_use(name) from None
    undo.callback(os.close, fd)
    try:
        # Another process may have come upon the segment before it was locked. It takes the segment for a dead owner's,
        # and removes it. Each side takes its own lock before it looks at the other's, so one of them sees the other.
        locked = presence.take(fd, presence.READER_LOCK) and not presence.held(fd, presence.REMOVAL_LOCK)
        ours = locked and _has_name(fd, path)
    except OSError:
        _unlink_own(name, fd)
        raise
    if not ours:
        # Nothing is removed: what has the name by now may be the next owner's.
        raise _in_use(name)
    undo.callback(_unlink_own, name, fd)
    return fd


def _unlink_own(name: str, segment_fd: int) -> None:
    with contextlib.suppress(OSError):  # what cannot be removed is what the creation failed for
        if _has_name(segment_fd, names.segment_path(name)):
            _unlink_objects(name)


def _clear_place(name: str) -> None:
    """Remove what a dead owner left.

    Raises:
        BufferInUseError: The owner lives.
        NotABufferError: It is the shared memory of another program.
    """
    path = names.segment_path(name)
    with _translated(name, "remove what a dead owner left", path), contextlib.suppress(FileNotFoundError):
        while True:
            with opened(path, os.O_RDWR) as fd:
                # Both locks are on this very file: one process at a time removes it, and only if its reader is dead.
                if not presence.take(fd, presence.REMOVAL_LOCK) or owner_lives(fd):
                    raise _in_use(name)
                if not _is_buffer(fd):
                    raise NotABufferError(name=name, path=path)
                if _has_name(fd, path):
                    _unlink_objects(name)
                    return


def _has_name(fd: int, path: Path | str, directory: int | None = None) -> bool:
    """Say whether a name (in a directory that is open) still leads to the file that was opened by it."""
    try:
        there = os.stat(path, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return os.path.samestat(os.fstat(fd), there)


def _in_use(name: str) -> BufferInUseError:
    pid = 0
    with contextlib.suppress(OSError), opened(names.segment_path(name)) as fd:
        pid = field_at(read_control_block(fd), READER_PID)
    return BufferInUseError(name=name, pid=pid or "unknown")


def _is_buffer(fd: int) -> bool:
    """Say whether this is a buffer of the protocol, or all zero: one whose creation did not come to its end."""
    block = read_control_block(fd)
    if any(block) or not stat.S_ISREG(os.fstat(fd).st_mode):
        return len(block) == OIEB_SIZE and block[:5] == _HEAD
    step = 1 << 20
    return not any(any(os.pread(fd, step, at)) for at in range(0, os.fstat(fd).st_size, step))


_HEAD = struct.pack("<IB", OIEB_SIZE, 1)
"""How every control block begins: its size, and the major version."""


def _reserve(fd: int, size: int) -> None:
    room = os.fstatvfs(fd)
    # Asked first: to fill all of /dev/shm before failing would starve everybody else on the machine meanwhile.
    if room.f_blocks and size > room.f_bavail * room.f_frsize:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    os.posix_fallocate(fd, 0, size)


def _lock(name: str, path: Path, mode: int, undo: contextlib.ExitStack) -> int:
    with _translated(name, f"open the lock directory {path.parent}", path.parent):
        directory = _open_lock_directory(path.parent)
    try:
        deadline = time.monotonic() + _LOCK_PATIENCE
        while (fd := _try_lock(name, path, mode, directory)) is None:
            if time.monotonic() >= deadline or reader_alive(name):
                raise _in_use(name)
            time.sleep(0.002)  # there is no event for a lock that is given up
    finally:
        os.close(directory)
    undo.callback(os.close, fd)
    undo.callback(_unlink_quietly, path)
    with _translated(name, f"set the mode of {path}", path), contextlib.suppress(PermissionError):
        os.fchmod(fd, mode)
    return fd


def _open_lock_directory(path: Path) -> int:
    with contextlib.suppress(FileExistsError):
        path.mkdir(mode=0o777, parents=True)
        path.chmod(0o1777)  # every user's buffers have their lock here, each removable only by its owner
    return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)


def _try_lock(name: str, path: Path, mode: int, directory: int) -> int | None:
    """Open and lock the lock file; None if another process has the lock, or has just removed the file."""
    with contextlib.ExitStack() as undo:
        with _translated(name, f"open the lock file {path}", path):
            fd, made = _open_lock_file(path.name, mode, directory)
            undo.callback(os.close, fd)
            facts = None if made else os.fstat(fd)
            if facts and not stat.S_ISREG(facts.st_mode):
                raise OSError(errno.EINVAL, "the lock file is not a regular file")
            if facts and facts.st_nlink > 1:
                raise OSError(errno.EMLINK, "the lock file has other names, too: remove it")
        with _translated(name, f"lock {path}", path):
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if not _has_name(fd, path.name, directory):  # an owner removes the file while it holds the lock
                    return None
            except BlockingIOError:
                return None
            except OSError:
                # Where locking itself fails, no process holds the file that we have just made.
                if made:
                    _unlink_quietly(path)
                raise
        undo.pop_all()
        return fd


def _open_lock_file(name: str, mode: int, directory: int) -> tuple[int, bool]:
    flags = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
    while True:
        # Two steps: with O_CREAT, Linux refuses another user's file in a sticky directory even where its mode allows.
        with contextlib.suppress(FileNotFoundError):
            return os.open(name, flags, dir_fd=directory), False
        with contextlib.suppress(FileExistsError):
            return os.open(name, flags | os.O_CREAT | os.O_EXCL, mode, dir_fd=directory), True


@contextlib.contextmanager
def opened(path: Path, access: int = os.O_RDONLY) -> Iterator[int]:
    """Open what is there, whatever it is, without following a link or waiting for anybody."""
    fd = os.open(path, access | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        yield fd
    finally:
        os.close(fd)


def read_control_block(fd: int) -> bytes:
    """Return the control block of a segment, or what there is of it."""
    return os.pread(fd, OIEB_SIZE, 0) if stat.S_ISREG(os.fstat(fd).st_mode) else b""


def field_at(block: bytes, offset: int) -> int:
    """Return a field of a control block, 0 where the block ends before it."""
    return int.from_bytes(block[offset : offset + 8], "little")


def _inherited(block: bytes, facts: os.stat_result) -> bool:
    """Say whether another process has got the pid of the reader since that made the segment."""
    # Writers set the modification time when they connect, but never to a moment before the creation.
    return started_after(field_at(block, READER_PID), facts.st_mtime)


def owner_lives(fd: int) -> bool:
    """Say whether a segment has a living reader: by its lock, or by the pid that stands there if it is foreign."""
    if presence.held(fd, presence.READER_LOCK):
        return True
    block = read_control_block(fd)
    foreign = field_at(block, RELEASED) == 0
    return foreign and is_alive(field_at(block, READER_PID)) and not _inherited(block, os.fstat(fd))


def writer_lives(fd: int) -> bool:
    """Say whether a segment has a living writer."""
    if presence.held(fd, presence.WRITER_LOCK):
        return True
    block = read_control_block(fd)
    pid = field_at(block, WRITER_PID)
    return pid != field_at(block, CONNECTION) & 0xFFFFFFFF and is_alive(pid)


def reader_alive(name: str) -> bool:
    """Say whether the segment of this name has a living reader."""
    try:
        with opened(names.segment_path(name)) as fd:
            return owner_lives(fd)
    except FileNotFoundError:
        return False


def orphaned(name: str, block: bytes, facts: os.stat_result) -> bool:
    """Say whether the pid of the foreign reader that made this segment has gone to another process since."""
    return field_at(block, RELEASED) == 0 and _inherited(block, facts) and not _lock_held(name)


def _lock_held(name: str) -> bool:
    try:
        with opened(names.lock_path(name)) as fd:
            fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True  # it is, or it is not to be known: the reader has the benefit of the doubt
    return False


def remove_stale(name: str) -> bool:
    """Remove the objects of a buffer whose reader is dead; say whether anything was removed.

    Raises:
        BufferInUseError: Its reader lives.
        NotABufferError: It is the shared memory of another program.
        PermissionDeniedError: The objects belong to another user.
    """
    names.validate_name(name)
    path = names.lock_path(name)
    existed = any(os.path.lexists(path) for path in object_paths(name))
    with contextlib.ExitStack() as undo:
        _lock(name, path, 0o600, undo)
        _clear_place(name)
        # As long as the name is ours, semaphores without a segment have no owner.
        with _translated(name, "remove the objects of a dead owner"):
            _make_segment(name, 0o600, undo)
    return existed


def object_paths(name: str) -> list[Path]:
    """Return the files behind the four objects of a buffer."""
    return [
        names.segment_path(name),
        names.semaphore_path(names.data_semaphore(name)),
        names.semaphore_path(names.space_semaphore(name)),
        names.lock_path(name),
    ]


def _unlink_quietly(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink()


def _unlink_semaphores(name: str) -> None:
    """Remove both, whatever fails on the way."""
    _, *semaphores, _ = object_paths(name)
    with contextlib.ExitStack() as removals:
        for path in semaphores:
            removals.callback(path.unlink, missing_ok=True)


def _unlink_objects(name: str) -> None:
    """Remove the semaphores, and then the segment, whose name is the ownership."""
    try:
        _unlink_semaphores(name)
    finally:
        names.segment_path(name).unlink(missing_ok=True)


@contextlib.contextmanager
def _translated(name: str, operation: str, path: Path | None = None) -> Iterator[None]:
    try:
        yield
    except OSError as failure:
        raise from_oserror(failure, name, operation, path) from failure


def from_oserror(failure: OSError, name: str, operation: str, path: Path | None = None) -> ZeroBufferError:
    """Name the cause of a system error."""
    where = str(path or failure.filename or names.segment_path(name))
    return from_errno(failure.errno or 0, name=name, operation=operation, path=where, reason=failure.strerror or "")
