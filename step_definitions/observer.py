"""What the harness sees and does by itself: raw memory, semaphores, lock files.

Nothing here asks the implementation under test: what it says of itself proves nothing. The facts of the protocol are
written down here a second time, on purpose.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import os
import stat
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from step_definitions.processes import state

SHARED_MEMORY: Final = Path("/dev/shm")  # noqa: S108 - where POSIX shared memory lives on Linux
LOCK_DIRECTORY_VARIABLE: Final = "ZEROBUFFER_LOCK_DIR"
HEADER: Final = struct.Struct("<QQ")
OIEB_SIZE: Final = 128
_LENGTH: Final = struct.Struct("<Q")

_FIELDS: Final[Mapping[str, tuple[int, str]]] = {
    "oieb_size": (0, "<I"),
    "version_major": (4, "<B"),
    "version_minor": (5, "<B"),
    "version_patch": (6, "<B"),
    "metadata_size": (8, "<Q"),
    "metadata_free_bytes": (16, "<Q"),
    "metadata_written_bytes": (24, "<Q"),
    "payload_size": (32, "<Q"),
    "payload_free_bytes": (40, "<Q"),
    "payload_write_pos": (48, "<Q"),
    "payload_read_pos": (56, "<Q"),
    "payload_written_count": (64, "<Q"),
    "payload_read_count": (72, "<Q"),
    "writer_pid": (80, "<Q"),
    "reader_pid": (88, "<Q"),
    "committed": (96, "<Q"),
    "released": (104, "<Q"),
    "connection_pid": (112, "<I"),
    "connection_number": (116, "<I"),
    "stream_start": (120, "<Q"),
}
_SIGNS: Final[Mapping[str, int]] = {"reader": 1 << 40, "writer": 1 << 41}
_REMOVAL: Final = 1 << 42
_FLOCK: Final = struct.Struct("@hhqqi4x")  # struct flock: type, whence, start, length, pid
STRANGERS: Final = (b"a stranger's", 0o640)
"""Content and mode of a file that is nobody's lock."""


class Part(StrEnum):
    """The four objects of a buffer."""

    LOCK = "lock"
    SEGMENT = "segment"
    DATA = "data semaphore"
    SPACE = "space semaphore"


@dataclass(frozen=True, slots=True)
class BufferView:
    """A buffer seen from outside.

    Attributes:
        name: Its full name.
        locks: Where its lock file is; the usual place by default.
    """

    name: str
    locks: Path | None = None

    def path(self, part: Part) -> Path:
        """Return the file behind one of its objects."""
        match part:
            case Part.LOCK:
                return (self.locks or lock_directory()) / f"{self.name}.lock"
            case Part.SEGMENT:
                return SHARED_MEMORY / self.name
            case Part.DATA:
                return SHARED_MEMORY / f"sem.sem-w-{self.name}"
            case Part.SPACE:
                return SHARED_MEMORY / f"sem.sem-r-{self.name}"

    def existing(self) -> list[str]:
        """Return which of its objects exist (an obstacle is no object)."""
        return [part.value for part in Part if os.path.lexists(self.path(part)) and not self._obstructed(part)]

    @property
    def length(self) -> int:
        """Bytes of its segment."""
        return self.path(Part.SEGMENT).stat().st_size

    def read(self, offset: int, length: int) -> bytes:
        """Return bytes of its segment."""
        with self._segment(os.O_RDONLY) as descriptor:
            return os.pread(descriptor, length, offset)

    def write(self, offset: int, content: bytes) -> None:
        """Overwrite bytes of its segment; the file's times stay, so that nothing but the bytes has changed."""
        with self._segment(os.O_WRONLY) as descriptor:
            facts = os.fstat(descriptor)
            os.pwrite(descriptor, content, offset)
            os.utime(descriptor, ns=(facts.st_atime_ns, facts.st_mtime_ns))

    def cut(self, part: Part, length: int) -> None:
        """Shorten one of its objects."""
        os.truncate(self.path(part), length)

    def spoil(self, part: Part, offset: int, value: int) -> None:
        """Overwrite a word of 4 bytes in one of its objects."""
        with self._open(part, os.O_WRONLY) as descriptor:
            os.pwrite(descriptor, struct.pack("<I", value), offset)

    def modes(self) -> dict[str, str]:
        """Return the mode of each of its objects, octal."""
        return {part.value: f"{stat.S_IMODE(self.path(part).lstat().st_mode):o}" for part in Part}

    def header(self) -> dict[str, int]:
        """Return every field of its control block."""
        memory = self.read(0, OIEB_SIZE)
        return {name: int(struct.unpack_from(form, memory, offset)[0]) for name, (offset, form) in _FIELDS.items()}

    def field(self, name: str) -> int:
        """Return one field of its control block."""
        return self.header()[name]

    def overwrite(self, name: str, value: int) -> None:
        """Overwrite one field of its control block."""
        if name not in _FIELDS:
            raise KeyError(f"the control block has no field {name!r}; it has {', '.join(_FIELDS)}")
        offset, form = _FIELDS[name]
        self.write(offset, struct.pack(form, value))

    def frame_header(self, position: int) -> tuple[int, int]:
        """Return size and sequence that stand at a position of the payload block."""
        size, sequence = HEADER.unpack(self.read(self._payload(position), HEADER.size))
        return int(size), int(sequence)

    def overwrite_frame_header(self, position: int, size: int, sequence: int) -> None:
        """Overwrite size and sequence at a position of the payload block."""
        self.write(self._payload(position), HEADER.pack(size, sequence))

    def metadata(self) -> bytes:
        """Return what stands in the metadata block behind its length; empty if there is none."""
        return self.read(OIEB_SIZE + _LENGTH.size, max(0, self.field("metadata_written_bytes") - _LENGTH.size))

    def payload(self, position: int, length: int) -> bytes:
        """Return bytes of the payload block."""
        return self.read(self._payload(position), length)

    def write_payload(self, position: int, content: bytes) -> None:
        """Overwrite bytes of the payload block."""
        self.write(self._payload(position), content)

    def semaphore(self, part: Part) -> int:
        """Return the value of one of its semaphores."""
        with _semaphore(self._semaphore_name(part)) as handle:
            value = ctypes.c_int()
            _checked(_LIBC.sem_getvalue(handle, ctypes.byref(value)))
            return value.value

    def post(self, part: Part) -> None:
        """Post one of its semaphores."""
        with _semaphore(self._semaphore_name(part)) as handle:
            _checked(_LIBC.sem_post(handle))

    def locked(self) -> bool:
        """Say whether somebody holds its lock."""
        with self._open(Part.LOCK, os.O_RDONLY) as descriptor:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
            return False

    def shows_life(self, side: str) -> bool:
        """Say whether its reader or writer gives the sign of life: a lock on a byte far behind the segment's end."""
        with self._segment(os.O_RDONLY) as descriptor:
            asked = _FLOCK.pack(fcntl.F_WRLCK, 0, _SIGNS[side], 1, 0)
            return bool(_FLOCK.unpack(fcntl.fcntl(descriptor, fcntl.F_OFD_GETLK, asked))[0] != fcntl.F_UNLCK)

    @contextlib.contextmanager
    def holding_lock(self) -> Iterator[None]:
        """Hold its lock, as a reader does while it creates the buffer."""
        with self._open(Part.LOCK, os.O_RDWR | os.O_CREAT) as descriptor:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield

    def being_removed(self) -> contextlib.AbstractContextManager[None]:
        """Hold the lock of who removes its segment."""
        return self._locking(_REMOVAL)

    def living(self, side: str) -> contextlib.AbstractContextManager[None]:
        """Hold the sign of life of its reader or writer."""
        return self._locking(_SIGNS[side])

    def locked_beside(self) -> contextlib.AbstractContextManager[None]:
        """Hold locks on the bytes before and after each whose lock means something."""
        return self._locking(*(byte + side for byte in (*_SIGNS.values(), _REMOVAL) for side in (-1, 1)))

    @contextlib.contextmanager
    def _locking(self, *places: int) -> Iterator[None]:
        with self._segment(os.O_RDWR) as descriptor:
            for place in places:
                fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, _FLOCK.pack(fcntl.F_WRLCK, 0, place, 1, 0))
            yield

    def describe(self) -> str:
        """Return its state for the report of a failure."""
        existing = self.existing()
        lines = [f"{self.name}: {', '.join(existing) or 'no object'}"]
        if Part.SEGMENT.value in existing:
            lines += [f"  {name} = {value}" for name, value in self.header().items()]
        lines += [f"  {part} = {self.semaphore(part)}" for part in (Part.DATA, Part.SPACE) if part.value in existing]
        return "\n".join(lines)

    def take_away(self, part: Part) -> None:
        """Remove the name of an object; who has it open has it still."""
        self.path(part).unlink()

    def make_stale(self, part: Part, owner: int, *, made_at: float | None = None) -> None:
        """Leave one object as a dead owner would.

        Args:
            part: Which.
            owner: The number of the process that owned it.
            made_at: When, in seconds since the epoch; now by default.
        """
        if part is Part.SEGMENT:
            fields = {
                "oieb_size": OIEB_SIZE,
                "version_major": 1,
                "metadata_size": 64,
                "metadata_free_bytes": 64,
                "payload_size": 1024,
                "payload_free_bytes": 900,
                "payload_write_pos": 124,
                "payload_written_count": 1,
                "writer_pid": owner,
                "reader_pid": owner,
            }
            self.make_segment(OIEB_SIZE + 64 + 1024, fields)
        else:
            self.make(part, tokens=7)
        if made_at is not None:
            os.utime(self.path(part), (made_at, made_at))

    def make(self, part: Part, *, tokens: int = 0) -> None:
        """Make its lock file, or a semaphore with so many tokens."""
        if part is Part.LOCK:
            self.path(part).parent.mkdir(mode=0o777, exist_ok=True)
            self.path(part).touch()
        else:
            with _semaphore(self._semaphore_name(part), create=tokens):
                pass

    def make_segment(self, length: int, fields: Mapping[str, int]) -> None:
        """Make its segment, with these fields and otherwise all 0."""
        self.path(Part.SEGMENT).write_bytes(bytes(length))
        for name, value in fields.items():
            self.overwrite(name, value)

    def obstruct(self, part: Part, obstacle: str = "directory") -> None:
        """Put a ``directory``, a ``FIFO`` or a ``symbolic link`` into the place of an object, be that there or not."""
        path = self.path(part)
        path.parent.mkdir(mode=0o777, parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        match obstacle:
            case "directory":
                path.mkdir()
            case "FIFO":
                os.mkfifo(path)
            case _:
                path.symlink_to(self._stranger)

    def mislead(self, way: str) -> None:
        """Let its lock file lead to a stranger's file, by ``a symbolic link`` or ``a hard link``."""
        stranger, lock = self._stranger, self.path(Part.LOCK)
        lock.parent.mkdir(mode=0o777, exist_ok=True)
        content, mode = STRANGERS
        stranger.write_bytes(content)
        stranger.chmod(mode)
        {"a symbolic link": lock.symlink_to, "a hard link": lock.hardlink_to}[way](stranger)

    def stranger(self) -> tuple[bytes, int]:
        """Return content and mode of the stranger's file."""
        return self._stranger.read_bytes(), stat.S_IMODE(self._stranger.stat().st_mode)

    def clear(self) -> None:
        """Remove the obstacles."""
        for part in Part:
            if self._obstructed(part):
                path = self.path(part)
                path.rmdir() if stat.S_ISDIR(path.lstat().st_mode) else path.unlink()
        self._stranger.unlink(missing_ok=True)

    def sweep(self) -> None:
        """Remove what is left of the buffer: what killed processes leave, when the scenario is over."""
        self.clear()
        for part in Part:
            self.path(part).unlink(missing_ok=True)

    def _obstructed(self, part: Part) -> bool:
        """Say whether what stands in the place of an object leads elsewhere, or is a directory."""
        try:
            facts = self.path(part).lstat()
        except FileNotFoundError:
            return False
        return not stat.S_ISREG(facts.st_mode) or facts.st_nlink > 1

    @property
    def _stranger(self) -> Path:
        return lock_directory() / f"stranger_{self.name}"

    def _payload(self, position: int) -> int:
        return OIEB_SIZE + self.field("metadata_size") + position

    def _semaphore_name(self, part: Part) -> str:
        return f"/sem-w-{self.name}" if part is Part.DATA else f"/sem-r-{self.name}"

    def _segment(self, mode: int) -> contextlib.AbstractContextManager[int]:
        return self._open(Part.SEGMENT, mode)

    @contextlib.contextmanager
    def _open(self, part: Part, mode: int) -> Iterator[int]:
        descriptor = os.open(self.path(part), mode | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            yield descriptor
        finally:
            os.close(descriptor)


def lock_directory() -> Path:
    """Return where lock files are."""
    return Path(os.environ.get(LOCK_DIRECTORY_VARIABLE) or "/tmp/zerobuffer")  # noqa: S108 - fixed by the protocol


def objects_of_run(suffix: str) -> list[str]:
    """Return every object on this machine whose name belongs to a run."""
    found = [
        str(path)
        for directory in (SHARED_MEMORY, lock_directory())
        if directory.is_dir()
        for path in directory.iterdir()
        if any(path.name.removesuffix(".lock").removesuffix(end).endswith(suffix) for end in _ENDS)
    ]
    return sorted(found)


def owner_of(path: Path) -> int:
    """Return the reader that has to remove an object: the one in the header of its buffer; 0 if there is no header."""
    name = path.name.removesuffix(".lock").removeprefix("sem.sem-w-").removeprefix("sem.sem-r-")
    with contextlib.suppress(OSError, struct.error):
        return BufferView(name).field("reader_pid")
    return 0


_ENDS: Final = ("", "_request", "_response")


def locked_or_alive(view: BufferView) -> bool:
    """Return whether a buffer is in use: its lock is held, or the reader that its header names is running."""
    with contextlib.suppress(OSError):
        if view.locked():
            return True
    with contextlib.suppress(OSError, struct.error):
        number = view.field("reader_pid")
        return number > 0 and state(number) not in {"", "Z", "X"}
    return False


_LIBC: Final = ctypes.CDLL(None, use_errno=True)
_LIBC.sem_open.restype = ctypes.c_void_p
_LIBC.sem_open.argtypes = [ctypes.c_char_p, ctypes.c_int, ctypes.c_uint, ctypes.c_uint]
for _name in ("sem_close", "sem_post"):
    getattr(_LIBC, _name).argtypes = [ctypes.c_void_p]
_LIBC.sem_getvalue.argtypes = [ctypes.c_void_p, ctypes.POINTER(ctypes.c_int)]


@contextlib.contextmanager
def _semaphore(name: str, *, create: int | None = None) -> Iterator[int]:
    flags = 0 if create is None else os.O_CREAT | os.O_EXCL
    handle = _LIBC.sem_open(name.encode(), flags, 0o600, create or 0)
    if not handle:
        number = ctypes.get_errno()
        raise FileNotFoundError(number, os.strerror(number), name) if number == errno.ENOENT else OSError(number, name)
    try:
        yield handle
    finally:
        _LIBC.sem_close(handle)


def _checked(result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
