"""Creating, taking over and removing the four system objects of a buffer: segment, two semaphores, lock file.

The reader owns them. What belongs to a living owner is never touched; what a dead one left is replaced; a creation
that fails half-way leaves nothing behind.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from zerobuffer import _core, names
from zerobuffer.config import OIEB_SIZE, BufferConfig, align
from zerobuffer.errors import BufferInUseError, ZeroBufferError, from_errno
from zerobuffer.process import is_alive, pid_at, started_after

READER_PID_OFFSET = 88
WRITER_PID_OFFSET = 80

_LOCK_PATIENCE = 0.1
"""Seconds to wait for a lock whose holder is not the living owner: somebody may just be testing it."""


class Owned:
    """The objects of one buffer, held by its reader until `remove`."""

    def __init__(self, name: str, lock_fd: int, lock_path: Path, segment_fd: int) -> None:
        self.name = name
        self.lock_path = lock_path
        self._lock_fd = lock_fd
        self.segment_fd = segment_fd

    def close_segment(self) -> None:
        """Close the descriptor that the mapping was made from."""
        if self.segment_fd >= 0:
            os.close(self.segment_fd)
            self.segment_fd = -1

    def forget(self) -> None:
        """Close our descriptors without removing anything: in a child of fork the objects belong to the parent."""
        self.close_segment()
        if self._lock_fd >= 0:
            os.close(self._lock_fd)
            self._lock_fd = -1

    def remove(self) -> None:
        """Remove all four objects, whatever fails on the way, the lock file last."""
        if self._lock_fd < 0:
            return
        try:
            _unlink_objects(self.name)
        finally:
            with contextlib.suppress(FileNotFoundError):
                self.lock_path.unlink()
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
        _refuse_living_owner(name)
        with _translated(name, "remove what a dead owner left"):
            _unlink_objects(name)
        undo.callback(_unlink_objects, name)
        for semaphore in (names.data_semaphore(name), names.space_semaphore(name)):
            with _translated(name, f"create the semaphore {semaphore}"):
                _core.semaphore_create(semaphore, config.mode)
                names.semaphore_path(semaphore).chmod(config.mode)
        with _translated(name, "create the segment"):
            segment_fd = os.open(
                names.segment_path(name), os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, config.mode
            )
        undo.callback(os.close, segment_fd)
        with _translated(name, f"make the segment {config.segment_size} bytes long"):
            os.fchmod(segment_fd, config.mode)
            os.ftruncate(segment_fd, config.segment_size)
            if config.preallocate:
                _reserve(segment_fd, config.segment_size)
        with _translated(name, "map the segment"):
            # Last: the semaphores stand, so a writer that sees the segment finds everything.
            _core.format_segment(segment_fd, align(config.metadata_size), align(config.payload_size), os.getpid())
        undo.pop_all()
    return Owned(name, lock_fd, path, segment_fd)


def _reserve(fd: int, size: int) -> None:
    room = os.fstatvfs(fd)
    # Asked first: to fill all of /dev/shm before failing would starve everybody else on the machine meanwhile.
    if room.f_blocks and size > room.f_bavail * room.f_frsize:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    os.posix_fallocate(fd, 0, size)


def _lock(name: str, path: Path, mode: int, undo: contextlib.ExitStack) -> int:
    with _translated(name, f"open the lock directory {path.parent}", path.parent):
        directory = _open_lock_directory(path.parent)
    with contextlib.ExitStack() as opened:
        opened.callback(os.close, directory)
        deadline = time.monotonic() + _LOCK_PATIENCE
        while True:
            with _translated(name, f"open the lock file {path}", path):
                fd, made = _open_lock_file(path.name, mode, directory)
            try:
                with _translated(name, f"lock {path}", path), _removed_on_error(path, made):
                    locked = _try_lock(fd)
                    ours = locked and _is_still(fd, path.name, directory)
                if ours:
                    break
                if locked:
                    pass  # its last owner removed it meanwhile: the next look makes a new one
                elif time.monotonic() >= deadline or reader_alive(name):
                    raise BufferInUseError(name=name, pid=_owner(name) or "unknown")  # noqa: TRY301 - closes the file like any failure
                else:
                    time.sleep(0.002)  # there is no event for a lock that is given up
            except BaseException:
                os.close(fd)
                raise
            os.close(fd)
    undo.callback(os.close, fd)
    undo.callback(_unlink_quietly, path)
    with _translated(name, f"set the mode of {path}", path), contextlib.suppress(PermissionError):
        os.fchmod(fd, mode)
    return fd


def _open_lock_directory(path: Path) -> int:
    try:
        path.mkdir(mode=0o777, parents=True)
    except FileExistsError:
        pass
    else:
        path.chmod(0o1777)  # every user's buffers have their lock here, each removable only by its owner
    return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)


@contextlib.contextmanager
def _removed_on_error(path: Path, made: bool) -> Iterator[None]:
    try:
        yield
    except OSError:
        # Where locking itself fails, nobody else holds the file that we have just made.
        if made:
            _unlink_quietly(path)
        raise


def _open_lock_file(name: str, mode: int, directory: int) -> tuple[int, bool]:
    flags = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
    while True:
        # Two steps: with O_CREAT, Linux refuses another user's file in a sticky directory even where its mode allows.
        try:
            fd = os.open(name, flags, dir_fd=directory)
        except FileNotFoundError:
            with contextlib.suppress(FileExistsError):
                return os.open(name, flags | os.O_CREAT | os.O_EXCL, mode, dir_fd=directory), True
            continue
        with contextlib.ExitStack() as undo:
            undo.callback(os.close, fd)
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                raise OSError(errno.EINVAL, "the lock file is not a regular file")
            undo.pop_all()
        return fd, False


def _try_lock(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_still(fd: int, name: str, directory: int) -> bool:
    """Say whether the locked file is the one at its path: its last owner removes it while holding the lock."""
    try:
        there = os.stat(name, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return os.path.samestat(os.fstat(fd), there)


def _refuse_living_owner(name: str) -> None:
    # A free lock proves nothing (one peer locks elsewhere), so the segment is looked at, too.
    with _translated(name, "look at the segment that stands there", names.segment_path(name)):
        living = reader_alive(name)
    if living:
        raise BufferInUseError(name=name, pid=_owner(name))


def read_control_block(name: str) -> tuple[bytes, float] | None:
    """Return the control block of a buffer and the time its segment was made; None when there is none.

    Raises:
        OSError: The segment is there but may not be read.
    """
    try:
        fd = os.open(names.segment_path(name), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    try:
        facts = os.fstat(fd)
        return (os.pread(fd, OIEB_SIZE, 0) if stat.S_ISREG(facts.st_mode) else b""), _made_at(facts)
    finally:
        os.close(fd)


def _made_at(facts: os.stat_result) -> float:
    # Writers set the modification time when they connect, but never to a moment before the creation.
    return min(facts.st_mtime, facts.st_ctime)


def owner_alive(pid: int, made_at: float) -> bool:
    """Say whether the process that a segment names still runs, and is not another one that got its pid."""
    return is_alive(pid) and not started_after(pid, made_at)


def reader_alive(name: str) -> bool:
    """Say whether the segment of this name has a living reader."""
    found = read_control_block(name)
    if found is None or len(found[0]) < OIEB_SIZE:
        return False
    return owner_alive(pid_at(found[0], READER_PID_OFFSET), found[1])


def orphaned(name: str, block: bytes, facts: os.stat_result) -> bool:
    """Say whether the pid of the reader that made this segment has gone to another process since."""
    return started_after(pid_at(block, READER_PID_OFFSET), _made_at(facts)) and not _lock_held(name)


def _lock_held(name: str) -> bool:
    try:
        fd = os.open(names.lock_path(name), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        return False
    except OSError:
        return True  # not to be known: the reader has the benefit of the doubt
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(fd)
    return False


def _owner(name: str) -> int:
    with contextlib.suppress(OSError):
        found = read_control_block(name)
        if found is not None and len(found[0]) == OIEB_SIZE:
            return pid_at(found[0], READER_PID_OFFSET)
    return 0


def remove_stale(name: str) -> bool:
    """Remove the objects of a buffer whose reader is dead; say whether anything was removed.

    Raises:
        BufferInUseError: Its reader lives.
        PermissionDeniedError: The objects belong to another user.
    """
    names.validate_name(name)
    path = names.lock_path(name)
    existed = any(os.path.lexists(path) for path in object_paths(name))
    with contextlib.ExitStack() as undo:
        _lock(name, path, 0o600, undo)
        _refuse_living_owner(name)
        with _translated(name, "remove the objects of a dead owner"):
            _unlink_objects(name)
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


def _unlink_objects(name: str) -> None:
    failures: list[OSError] = []
    removals: list[Callable[[], None]] = [
        names.segment_path(name).unlink,
        lambda: _core.semaphore_unlink(names.data_semaphore(name)),
        lambda: _core.semaphore_unlink(names.space_semaphore(name)),
    ]
    for remove in removals:
        try:
            remove()
        except FileNotFoundError:
            pass
        except OSError as failure:
            failures.append(failure)
    if failures:
        raise failures[0]


@contextlib.contextmanager
def _translated(name: str, operation: str, path: Path | None = None) -> Iterator[None]:
    try:
        yield
    except ZeroBufferError:
        raise
    except OSError as failure:
        raise from_oserror(failure, name, operation, path) from failure


def from_oserror(failure: OSError, name: str, operation: str, path: Path | None = None) -> ZeroBufferError:
    """Name the cause of a system error."""
    where = str(path or failure.filename or names.segment_path(name))
    return from_errno(failure.errno or 0, name=name, operation=operation, path=where, reason=failure.strerror or "")
