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
EXEC_PATIENCE = 0.1


def nested(outer: str, mark: str) -> str:
    """Return the value that carries a mark beside those of whoever started the one who gives it."""
    return f"{outer}/{mark}" if outer else mark


def carried(pid: int, variable: str, patience: float = EXEC_PATIENCE) -> bytes | None:
    """Return what a process has in a variable of its environment; None while it seems to be on its way to its program.

    That takes longer than the patience on a busy machine only; a process that was started without any environment
    looks like it for ever.
    """
    prefix = f"{variable}=".encode()
    deadline = time.monotonic() + patience
    while True:
        try:
            environment = Path(f"/proc/{pid}/environ").read_bytes()
            memory = Path(f"/proc/{pid}/statm").read_bytes()
        except OSError:
            return b""
        if environment:
            variables = environment.split(b"\0")
            return next((entry[len(prefix) :] for entry in variables if entry.startswith(prefix)), b"")
        # In the middle of exec a process has memory but no environment yet; a zombie and a kernel thread have neither.
        if memory.startswith(b"0 "):
            return b""
        if time.monotonic() >= deadline:
            return None
        time.sleep(0.001)  # there is no event for the end of somebody else's exec


def carries(pid: int, variable: str, mark: str) -> bool:
    """Say whether a process has a mark, of its own or of whoever started it, in a variable of its environment."""
    return mark.encode() in (carried(pid, variable) or b"").split(b"/")


def processes_with(variable: str, value: str) -> list[int]:
    """Return the processes, other than this one, that carry the mark in that variable."""
    others = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
    return [pid for pid in others if pid != os.getpid() and carries(pid, variable, value)]


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
