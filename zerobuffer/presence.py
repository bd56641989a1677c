"""Signs of life: each side of ours holds a lock on the segment, which the kernel drops with the process."""

from __future__ import annotations

import fcntl
import struct

READER_LOCK = 1 << 40
"""The byte that a reader locks, far behind the end of any segment."""

WRITER_LOCK = 1 << 41
"""The byte that a writer locks."""

REMOVAL_LOCK = 1 << 42
"""The byte that is locked while a dead reader's buffer is removed: it is no sign of life."""

_FLOCK = struct.Struct("@hhqqi4x")  # struct flock: type, whence, start, length, pid


def take(fd: int, place: int) -> bool:
    """Take a lock; False if another process holds it. It lasts as long as the open file behind the descriptor."""
    try:
        fcntl.fcntl(fd, fcntl.F_OFD_SETLK, _FLOCK.pack(fcntl.F_WRLCK, 0, place, 1, 0))
    except BlockingIOError:
        return False
    return True


def held(fd: int, place: int) -> bool:
    """Say whether another process holds a lock."""
    found = fcntl.fcntl(fd, fcntl.F_OFD_GETLK, _FLOCK.pack(fcntl.F_WRLCK, 0, place, 1, 0))
    return bool(_FLOCK.unpack(found)[0] != fcntl.F_UNLCK)
