"""Ends every process of a run once the orchestrator is gone, however it went.

Started as a script of its own, with the standard library alone. Its stdin is a pipe that only the orchestrator holds:
the end of that pipe is the orchestrator's death, kill -9 included. The processes of a run are known by a variable in
their environment, which children and daemons inherit, so nobody can slip away between a fork and a registration.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import time
from pathlib import Path

RUN_VARIABLE = "HARMONY_RUN"
TERM_GRACE = 1.0


def nested(outer: str, mark: str) -> str:
    """Return the value that carries a mark beside those of whoever started the one who gives it."""
    return f"{outer}/{mark}" if outer else mark


def processes_with(variable: str, value: str) -> list[int]:
    """Return the processes, other than this one, that carry the mark in that variable."""
    prefix, wanted = f"{variable}=".encode(), value.encode()
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        with contextlib.suppress(OSError):
            variables = (entry / "environ").read_bytes().split(b"\0")
            marks = next((one[len(prefix) :] for one in variables if one.startswith(prefix)), b"")
            if wanted in marks.split(b"/"):
                found.append(int(entry.name))
    return found


def end_processes(variable: str, value: str, grace: float = TERM_GRACE) -> list[int]:
    """TERM all processes that carry the variable, then KILL what remains; return all that were found."""
    victims = processes_with(variable, value)
    handles = _signal(victims, signal.SIGTERM)
    deadline = time.monotonic() + grace
    poller = select.poll()
    alive = set(handles)
    for handle in handles:
        poller.register(handle, select.POLLIN)
    while alive and (left := deadline - time.monotonic()) > 0:
        for handle, _ in poller.poll(left * 1000):
            poller.unregister(handle)
            alive.discard(handle)
    for handle in handles:
        os.close(handle)
    # A second look: what was forked while we waited has the same mark.
    for handle in _signal(processes_with(variable, value), signal.SIGKILL):
        os.close(handle)
    return victims


def _signal(pids: list[int], number: signal.Signals) -> list[int]:
    handles = []
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            handle = os.pidfd_open(pid)
            handles.append(handle)
            signal.pidfd_send_signal(handle, number)
    return handles


def main(value: str) -> None:
    """Wait for the orchestrator's end, then end its run."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    while os.read(0, 4096):
        pass
    end_processes(RUN_VARIABLE, value)


if __name__ == "__main__":
    main(sys.argv[1])
