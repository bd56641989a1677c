"""Which processes carry a mark, also on a machine so busy that a start takes long."""

from __future__ import annotations

import os
import select
import subprocess
import sys

import pytest

from harmony.process import reaper
from harmony.process.child import ChildProcess, ProcessSpec

SLEEPER = (sys.executable, "-S", "-c", "print(flush=True); import time; time.sleep(600)")


def test_what_a_process_carries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CENSUS", "a/b")
    with subprocess.Popen(SLEEPER, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        assert reaper.carried(child.pid, "CENSUS") == b"a/b"
        assert reaper.carried(child.pid, "CENSU") == b""
        assert child.pid in reaper.processes_with("CENSUS", "b")
        child.kill()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert reaper.carried(child.pid, "CENSUS") == b""  # a zombie
    assert reaper.carried(child.pid, "CENSUS") == b""


def test_a_process_without_an_environment_may_be_on_its_way_to_one() -> None:
    with subprocess.Popen(SLEEPER, stdout=subprocess.PIPE, env={}) as child:
        assert child.stdout is not None
        child.stdout.readline()
        assert reaper.carried(child.pid, "CENSUS", patience=0) is None
        child.kill()


def test_who_is_not_yet_to_be_known_is_looked_at_again(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []

    def late(pid: int, variable: str, patience: float = reaper.EXEC_PATIENCE) -> bytes | None:
        if pid == child.pid and pid not in seen:
            seen.append(pid)
            return None
        return carried(pid, variable, patience)

    child = ChildProcess(ProcessSpec("sleeper", SLEEPER))
    try:
        assert select.select([child.stdout], [], [], 60)[0]  # its start is behind it
        carried = reaper.carried
        monkeypatch.setattr(reaper, "carried", late)
        assert child.family() == []
        assert seen == [child.pid]
        assert child.family() == [child.pid]
    finally:
        child.end(patience=0.1, grace=0.1)
        child.release()
