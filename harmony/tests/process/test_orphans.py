"""Whoever comes to this process is reaped, and nobody's own child is."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable

import psutil
import pytest

from harmony.process import orphans
from harmony.process.child import ChildProcess, ProcessSpec

pytestmark = pytest.mark.promise("daemons")


def until(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 60
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    return condition()


def leave_an_orphan() -> int:
    command = ["sh", "-c", "sleep 600 >/dev/null & echo $!"]
    return int(subprocess.run(command, process_group=0, stdout=subprocess.PIPE, check=True, timeout=60).stdout)


def test_an_orphan_of_another_group_comes_and_is_reaped_as_long_as_a_child_of_ours_lives() -> None:
    child = ChildProcess(ProcessSpec("child", ["sleep", "600"]))
    orphan = leave_an_orphan()
    assert until(lambda: orphan in orphans.adopted())
    os.kill(orphan, signal.SIGKILL)
    assert until(lambda: orphan not in orphans.adopted() and not psutil.pid_exists(orphan))
    child.end(patience=0)
    child.release()
    later = leave_an_orphan()
    assert psutil.Process(later).ppid() != os.getpid()
    os.kill(later, signal.SIGKILL)


def test_the_end_of_a_child_that_somebody_here_has_started_is_left_to_him() -> None:
    child = subprocess.Popen(["sh", "-c", "exit 3"], start_new_session=True)
    assert until(lambda: psutil.Process(child.pid).status() == psutil.STATUS_ZOMBIE)
    assert child.pid not in orphans.adopted()
    assert child.wait(60) == 3


def test_a_run_without_strangers_looks_at_no_object_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reaper's helper was a stranger: every cell looked at all objects four times, half of its processor time."""
    monkeypatch.setattr(orphans, "_pids_of_popens", lambda: pytest.fail("there is no stranger here"))
    child = ChildProcess(ProcessSpec("child", ["sleep", "600"]))
    try:
        assert orphans.adopted() == []
    finally:
        child.end(patience=0)
        child.release()
