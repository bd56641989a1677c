"""The shared objects of the model: segment, semaphores, lock. Slow and simple: it is read more often than it is run."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import mmap
import os
import re
import struct
import threading
import time
from pathlib import Path
from typing import Any

import posix_ipc

HEADER = struct.Struct("<QQ")
OIEB = 128
SHM = Path("/dev/shm")
OFFSETS = {
    "metadata_size": 8,
    "metadata_free_bytes": 16,
    "metadata_written_bytes": 24,
    "payload_size": 32,
    "payload_free_bytes": 40,
    "payload_write_pos": 48,
    "payload_read_pos": 56,
    "payload_written_count": 64,
    "payload_read_count": 72,
    "writer_pid": 80,
    "reader_pid": 88,
}
WRAP = 1 << 64
SLICE = 0.04


class RingError(Exception):
    """What the model raises."""

    def __init__(self, code: str, message: str = "", **values: Any) -> None:
        super().__init__(message or code)
        self.code = code
        self.values = values


def invalid(field: str, value: int, limit: int) -> RingError:
    """A value in memory that cannot be."""
    return RingError("invalid_oieb", field=field, value=value, limit=limit)


def align(size: int) -> int:
    return -(-size // 64) * 64


def lock_directory() -> Path:
    return Path(os.environ.get("ZEROBUFFER_LOCK_DIR") or "/tmp/zerobuffer")


def start_moment(pid: int) -> float:
    """Seconds since the epoch at which a process started; 0 for none, and for a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    if fields[0] in "ZX":
        return 0.0
    boot = next(float(line.split()[1]) for line in Path("/proc/stat").read_text().splitlines() if line[:5] == "btime")
    return boot + int(fields[19]) / os.sysconf("SC_CLK_TCK")


def alive(pid: int) -> bool:
    return 0 < pid < 1 << 22 and start_moment(pid) > 0


def translate(error: OSError, what: str) -> RingError:
    code = {
        errno.EACCES: "permission_denied",
        errno.EPERM: "permission_denied",
        errno.ENOENT: "not_found",
        errno.ENOMEM: "resource_exhausted",
        errno.EMFILE: "resource_exhausted",
        errno.ENOSPC: "resource_exhausted",
        errno.EFBIG: "resource_exhausted",
    }.get(error.errno or 0, "system_error")
    return RingError(code, f"{what}: {error}")


class Segment:
    """The mapped memory of one side."""

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self.map = mmap.mmap(fd, 0)

    def load(self, field: str) -> int:
        try:
            return int(struct.unpack_from("<Q", self.map, OFFSETS[field])[0])
        except ValueError as error:
            raise RingError("closed") from error

    def store(self, field: str, value: int) -> None:
        # A slice assignment is one copy; pack_into would show a moment of zero to the other side.
        offset = OFFSETS[field]
        self.map[offset : offset + 8] = struct.pack("<Q", value % WRAP)

    def add_free(self, delta: int) -> None:
        with self.exclusive():
            self.store("payload_free_bytes", self.load("payload_free_bytes") + delta)

    @contextlib.contextmanager
    def exclusive(self) -> Any:
        """What an atomic read-modify-write is in C. Each side has a description of its own, so threads exclude, too."""
        fcntl.flock(self.fd, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self.fd, fcntl.LOCK_UN)

    def close(self) -> None:
        with contextlib.suppress(BufferError):
            self.map.close()
        os.close(self.fd)


class Semaphore:
    """A named semaphore with a deadline."""

    def __init__(self, name: str, *, create: bool) -> None:
        flags = posix_ipc.O_CREX if create else 0
        self._waiting = threading.Lock()
        self._closed = False
        try:
            self._handle = posix_ipc.Semaphore(name, flags, mode=0o600)
        except posix_ipc.PermissionsError as error:
            raise RingError("permission_denied", str(error)) from error
        except posix_ipc.ExistentialError as error:
            raise RingError("system_error" if create else "not_found", str(error)) from error
        except posix_ipc.Error as error:
            raise RingError("system_error", str(error)) from error
        except OSError as error:
            # posix_ipc says in words alone that descriptors have run out.
            raise (translate(error, name) if error.errno else RingError("resource_exhausted", str(error))) from error

    def post(self) -> None:
        if not self._closed:
            self._handle.release()

    def wait(self, seconds: float) -> bool:
        with self._waiting:
            if self._closed:
                raise RingError("closed")
            try:
                self._handle.acquire(max(0.0, seconds))
            except posix_ipc.BusyError:
                return False
            return True

    @property
    def value(self) -> int:
        return int(self._handle.value)

    def close(self) -> None:
        # A handle that is closed under a waiting thread crashes the process; waits are short, so this is soon.
        with self._waiting:
            self._closed = True
            self._handle.close()


def semaphore_names(name: str) -> tuple[str, str]:
    return f"/sem-w-{name}", f"/sem-r-{name}"


def paths_of(name: str) -> list[Path]:
    return [SHM / name, *(SHM / f"sem.{semaphore[1:]}" for semaphore in semaphore_names(name))]


def unlink_objects(name: str) -> None:
    """Remove segment and semaphores, whatever fails on the way."""
    failure: OSError | None = None
    for path in paths_of(name):
        try:
            path.unlink()
        except FileNotFoundError:
            continue
        except OSError as error:
            failure = error
    if failure is not None:
        raise translate(failure, f"remove what is left of {name}") from failure


def check_name(name: str) -> None:
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,245}", name) or ".." in name:
        raise RingError("invalid_name", repr(name))


class Deadline:
    def __init__(self, seconds: float | None) -> None:
        self._end = time.monotonic() + (1e6 if seconds is None else seconds)

    @property
    def left(self) -> float:
        return max(0.0, self._end - time.monotonic())

    @property
    def over(self) -> bool:
        return time.monotonic() >= self._end
