"""Signs of life: each side of ours holds a lock on the segment, which the kernel drops with the process.

A foreign side has nothing but its pid.
"""

from __future__ import annotations

import fcntl
import os
import struct
import time
from pathlib import Path

from zerobuffer import _core

READER_LOCK = 1 << 40
"""The byte that a reader locks, far behind the end of any segment."""

WRITER_LOCK = 1 << 41
"""The byte that a writer locks."""

REMOVAL_LOCK = 1 << 42
"""The byte that is locked while a dead reader's buffer is removed: it is no sign of life."""

_MOST_PIDS = 1 << 22

_SLACK = 1.0
"""Seconds: start times have the granularity of a clock tick, and the wall clock is set now and then."""

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


def is_alive(pid: int) -> bool:
    """Say whether a process of this pid runs. A zombie does not; one of another user does."""
    if not 0 < pid <= _MOST_PIDS:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    # No start time means a zombie, or a /proc that hides other users' processes: only the first is dead.
    return bool(_core.process_start_time(pid)) or not Path(f"/proc/{pid}/stat").exists()


def started_after(pid: int, moment: float) -> bool:
    """Say whether a process started after a moment (seconds since the epoch): then it cannot own what is older."""
    ticks = _core.process_start_time(pid)
    if ticks == 0 or moment <= 0:
        return False
    booted = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
    return booted + ticks / os.sysconf("SC_CLK_TCK") > moment + _SLACK
