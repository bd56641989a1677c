"""Ends every process of a run once the orchestrator is gone, however it went.

A process of its own. Its stdin is a pipe that only the orchestrator holds: the end of that pipe is the orchestrator's
death, kill -9 included.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys

from harmony.process.marks import HELPER, RUN_VARIABLE, WORKER_VARIABLE, processes_with
from harmony.process.this_system import SYSTEM

TERM_GRACE = 1.0
DEATH_PATIENCE = 2.0
"""Seconds for what was killed to be gone."""

# Without the site module it starts in half the time, so it is told where modules are.
_PROGRAM = "import sys; sys.path += sys.argv[2:]; from harmony.process.reaper import main; main(sys.argv[1])"


def start(mark: str) -> subprocess.Popen[bytes]:
    """Start the reaper of a run; it does its work when its stdin is closed."""
    return subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", _PROGRAM, mark, *filter(None, sys.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        env={**{name: value for name, value in os.environ.items() if name != WORKER_VARIABLE}, RUN_VARIABLE: HELPER},
    )


def end_processes(variable: str, mark: str, grace: float = TERM_GRACE) -> None:
    """TERM all processes that carry the mark in the variable, then KILL what remains."""
    SYSTEM.end(processes_with(variable, mark), signal.SIGTERM, grace)
    # A second look: what was forked while we waited has the same mark.
    SYSTEM.end(processes_with(variable, mark), signal.SIGKILL, DEATH_PATIENCE)


def main(mark: str) -> None:
    """Wait for the orchestrator's end, then end its run."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    while os.read(0, 4096):
        pass
    end_processes(RUN_VARIABLE, mark)
