"""Whether the owner that a segment names still lives."""

from __future__ import annotations

import os
from pathlib import Path

from zerobuffer import _core

_MOST_PIDS = 1 << 22
_SLACK = 1.0
"""Seconds: start times have the granularity of a clock tick, and the wall clock is set now and then."""


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
    return _boot_time() + ticks / os.sysconf("SC_CLK_TCK") > moment + _SLACK


def _boot_time() -> float:
    for line in Path("/proc/stat").read_text().splitlines():
        if line.startswith("btime "):
            return float(line.split()[1])
    return 0.0
