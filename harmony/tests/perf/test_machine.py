"""The machine: facts, warnings, and a process held to a core with all its threads."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from harmony.perf.machine import Machine, inspect_machine, two_cores
from harmony.process.system import Promise
from harmony.process.this_system import SYSTEM

THREADS = """
import sys, threading
for _ in range(3):
    threading.Thread(target=threading.Event().wait, daemon=True).start()
print("ready", flush=True)
sys.stdin.read()
"""


@pytest.mark.promise("cores")
def test_every_thread_of_a_process_is_held() -> None:
    core = max(os.sched_getaffinity(0))
    with subprocess.Popen(
        [sys.executable, "-S", "-c", THREADS], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        SYSTEM.hold(process.pid, core)
        threads = [path.name for path in Path(f"/proc/{process.pid}/task").iterdir()]
        assert len(threads) == 4
        assert {frozenset(os.sched_getaffinity(int(thread))) for thread in threads} == {frozenset({core})}
        process.communicate()


def test_a_process_that_is_gone_is_no_error() -> None:
    with subprocess.Popen([sys.executable, "-S", "-c", ""]) as process:
        process.wait()
    SYSTEM.hold(process.pid, 0)


def test_two_cores_are_of_different_physical_ones_where_there_are_such(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SYSTEM, "siblings", lambda core: str(core // 2))
    assert two_cores([0, 1, 2, 3]) == (0, 2)
    assert two_cores([4, 5]) == (4, 5)
    assert two_cores([3]) is None


def test_a_busy_machine_is_warned_of() -> None:
    assert Machine("x", 2, "6", 0.3, None).warnings == []
    (warning,) = Machine("x", 2, "6", 0.9, None).warnings
    assert "the load is 0.90 on 2 cores" in warning
    assert "one core only" in Machine("x", 1, "6", 0.0, None).warnings[0]


def test_what_cannot_be_held_is_not_said_to_be_pinned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(SYSTEM), "lacks", frozenset(Promise))
    assert inspect_machine(pin=True).pinned is None


def test_the_facts_say_where_and_whether_pinned() -> None:
    here = inspect_machine(pin=False)
    assert here.pinned is None
    assert here.facts["pinned"] == "no"
    assert str(here.cores) in here.facts["machine"]
    assert Machine("x", 2, "6", 0.3, (1, 0)).facts["pinned"] == "first role cpu1, second role cpu0"
