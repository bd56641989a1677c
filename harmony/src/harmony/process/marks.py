"""Marks: variables of the environment by which the processes of a run and of a child are known.

Children and daemons inherit them, so nobody can slip away between a fork and a registration.
"""

from __future__ import annotations

import os
import threading
import time

from harmony.process.this_system import SYSTEM

RUN_VARIABLE = "HARMONY_RUN"
WORKER_VARIABLE = "HARMONY_WORKER"
HELPER = "helper"
"""What a helper of harmony has in the variable of the run, so that it is taken for no stray."""
EXEC_PATIENCE = 0.1
"""Seconds to wait for the environment of a process that is starting its program; longer on a busy machine only."""
_PAUSE = 0.001
"""Seconds between two looks: there is no event for the end of somebody else's exec."""


def nested_mark(outer: str, mark: str) -> str:
    """Return the value that carries a mark beside those of whoever started the one who gives it."""
    return f"{outer}/{mark}" if outer else mark


def variable_of(pid: int, variable: str, patience: float = EXEC_PATIENCE) -> str | None:
    """Return what a process has in a variable; None while it seems to be on its way to its program."""
    deadline = time.monotonic() + patience
    while True:
        found = SYSTEM.variable(pid, variable)
        if found is not None or time.monotonic() >= deadline:
            return found
        time.sleep(_PAUSE)


class Census:
    """Whose mark each process of this machine carries in one variable.

    A process is looked at until its mark is known: in the middle of exec it cannot be seen.
    """

    def __init__(self, variable: str) -> None:
        self._variable = variable
        self._lock = threading.Lock()
        self._known: dict[int, tuple[float, str | None]] = {}

    def marked(self, mark: str) -> list[int]:
        """Return the processes with a mark, of their own or of whoever started them."""
        with self._lock:
            before, self._known = self._known, {}
            new = set()
            for pid, began in SYSTEM.processes().items():
                then, found = before.get(pid, (None, None))
                if then != began or found is None:
                    found = SYSTEM.variable(pid, self._variable)
                    if then != began and found is None:
                        new.add(pid)
                self._known[pid] = (began, found)
            self._wait_for(new)
            marked = [pid for pid, (_, found) in self._known.items() if _names(found, mark)]
        # Whoever has ended, and only waits for init to take note, has no environment any more.
        return [pid for pid in marked if _names(variable_of(pid, self._variable), mark)]

    def _wait_for(self, pids: set[int]) -> None:
        """Look again at processes that were not seen before and cannot be seen yet."""
        deadline = time.monotonic() + EXEC_PATIENCE
        while pids and time.monotonic() < deadline:
            time.sleep(_PAUSE)
            for pid in list(pids):
                found = SYSTEM.variable(pid, self._variable)
                if found is not None:
                    self._known[pid] = (self._known[pid][0], found)
                    pids.remove(pid)


def processes_with(variable: str, mark: str) -> list[int]:
    """Return the processes, other than this one, that carry the mark in that variable."""
    return [pid for pid in Census(variable).marked(mark) if pid != os.getpid()]


def _names(found: str | None, mark: str) -> bool:
    return found is not None and mark in found.split("/")
