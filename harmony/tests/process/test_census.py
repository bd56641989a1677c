"""Which processes carry a mark, also on a machine so busy that a start takes long."""

from __future__ import annotations

import select
import sys

import pytest

from harmony.process.child import ChildProcess, ProcessSpec
from harmony.process.marks import processes_with
from harmony.process.this_system import SYSTEM

SLEEPER = (sys.executable, "-S", "-c", "print(flush=True); import time; time.sleep(600)")


def test_who_is_not_yet_to_be_known_is_looked_at_again(monkeypatch: pytest.MonkeyPatch) -> None:
    late = True

    def variable(pid: int, name: str) -> str | None:
        return None if late and pid == child.pid else seen(pid, name)

    child = ChildProcess(ProcessSpec("sleeper", SLEEPER))
    try:
        assert select.select([child.stdout], [], [], 60)[0]  # its start is behind it
        seen = SYSTEM.variable
        monkeypatch.setattr(SYSTEM, "variable", variable)
        assert child.family() == []
        late = False
        assert child.family() == [child.pid]
    finally:
        child.end(patience=0.1, grace=0.1)
        child.release()


def test_one_look_waits_for_those_on_their_way_to_their_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[int] = []

    def variable(pid: int, name: str) -> str | None:
        looks.append(pid)
        return None if looks.count(pid) <= pid else {7: "a", 8: "b/a", 9: "ab"}[pid]

    monkeypatch.setattr("harmony.process.marks.EXEC_PATIENCE", 60.0)
    monkeypatch.setattr(SYSTEM, "processes", lambda: {7: 1.0, 8: 1.0, 9: 1.0})
    monkeypatch.setattr(SYSTEM, "variable", variable)
    assert processes_with("CENSUS", "a") == [7, 8]
