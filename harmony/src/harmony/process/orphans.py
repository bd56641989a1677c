"""Processes that carry no mark: whoever empties its environment and takes a session of its own.

Such a one is found by its descent. While its parent lives, it is a descendant of a child that this process started.
Once its parent has ended, it comes to this process, where that is promised: as a child that nobody here has started.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal as signals
import subprocess
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from typing import Final

from harmony.process.marks import RUN_VARIABLE, variable_of
from harmony.process.reaper import DEATH_PATIENCE
from harmony.process.this_system import SYSTEM
from harmony.text import visible

_started: Final[set[int]] = set()
_helpers: Final[set[int]] = set()


def note_helper(pid: int) -> None:
    """Note a child of this process that is no cell's: it is no stranger, and nothing of it is adopted."""
    _helpers.add(pid)


def note_started(pid: int) -> None:
    """Note a child of this process, before it can have children."""
    SYSTEM.adopt(True)
    _started.add(pid)


def note_ended(pid: int) -> None:
    """Note that a child was reaped: its number may become another's.

    After the last one, orphans go to where they went before: what others start in this process is not ours.
    """
    _started.discard(pid)
    if not _started:
        SYSTEM.adopt(False)


def unmarked_kin(pid: int) -> list[int]:
    """Return the descendants of a process that carry no mark."""
    return [one for one in _descendants(pid) if _unmarked(one)]


def adopted() -> list[int]:
    """Return the processes that have come to this one, and reap those that have ended."""
    known = _started | _helpers
    strangers = [pid for pid in SYSTEM.children(os.getpid()) if pid not in known and not _of_our_group(pid)]
    ours = _pids_of_popens() if strangers else set()
    found = []
    for pid in strangers:
        with contextlib.suppress(ChildProcessError):
            if pid not in ours and os.waitpid(pid, os.WNOHANG) == (0, 0):
                found.append(pid)
    return found


def end_unmarked(before: AbstractSet[int]) -> list[str]:
    """Kill those that have come since and carry no mark; return what they were, once they are gone."""
    strays = [pid for pid in adopted() if pid not in before and _unmarked(pid)]
    names = [f"{_name(pid)} ({pid})" for pid in strays]
    SYSTEM.end(strays, signals.SIGKILL, DEATH_PATIENCE)
    adopted()
    return names


def _descendants(pid: int) -> Iterator[int]:
    for child in SYSTEM.children(pid):
        yield child
        yield from _descendants(child)


def _unmarked(pid: int) -> bool:
    """Whether a process runs and carries no mark: one that ends has none either, and no memory any more."""
    if variable_of(pid, RUN_VARIABLE):
        return False
    import psutil  # noqa: PLC0415 - a start of a worker does not wait for it

    with contextlib.suppress(psutil.Error):
        return psutil.Process(pid).memory_info().vms > 0
    return False


def _of_our_group(pid: int) -> bool:
    """Whether a child is in the group of this process, as what others here have forked is, and nothing of ours."""
    try:
        return os.getpgid(pid) == os.getpgid(0)
    except ProcessLookupError:
        return True


def _pids_of_popens() -> set[int]:
    """Return the children that somebody here has started and will ask for their end: it must not be taken from him.

    This looks at every object of the process: it is for strangers only.
    """
    return {getattr(one, "pid", 0) for one in gc.get_objects() if issubclass(type(one), subprocess.Popen)}


def _name(pid: int) -> str:
    import psutil  # noqa: PLC0415 - see above

    try:
        process = psutil.Process(pid)
        return visible(" ".join(process.cmdline()) or process.name())
    except psutil.Error:
        return "one that ended meanwhile"
