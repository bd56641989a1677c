"""Both forms of the interface to the operating system, side by side; where only one can be, that one."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psutil
import pytest

from harmony.process.portable import PortableSystem
from harmony.process.system import Promise, System
from harmony.process.this_system import SYSTEM
from sandbox import Sandbox

if sys.platform == "linux":
    from harmony.process.linux import LinuxSystem

    SYSTEMS: list[System] = [LinuxSystem(), PortableSystem()]
else:
    SYSTEMS = [PortableSystem()]

PATIENCE = 60.0
SLEEPS = "print(flush=True); import time; time.sleep(600)"
# Says the number of a sleeper in its own group.
LEADS = "import subprocess; print(subprocess.Popen(['sleep', '600']).pid, flush=True); input()"


@pytest.fixture(params=SYSTEMS, ids=lambda system: system.name)
def system(request: pytest.FixtureRequest) -> System:
    found: System = request.param
    return found


@contextmanager
def started(program: str, **more: str) -> Iterator[tuple[subprocess.Popen[bytes], bytes]]:
    """Start a program, which leads a group; gives its first line, too."""
    command = [sys.executable, "-S", "-c", program]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, process_group=0, env={**os.environ, **more}) as child:
        try:
            assert child.stdout is not None
            yield child, child.stdout.readline().strip()
        finally:
            child.kill()


def test_whose_children_they_are(system: System) -> None:
    with started(LEADS) as (leader, sleeper):
        assert leader.pid in system.children(os.getpid())
        assert system.children(leader.pid) == [int(sleeper)]
        assert system.children(int(sleeper)) == []
        os.kill(int(sleeper), signal.SIGKILL)


def test_what_a_process_carries(system: System) -> None:
    with started(SLEEPS, CENSUS="a/b") as (child, _):
        assert system.variable(child.pid, "CENSUS") == "a/b"
        assert system.variable(child.pid, "CENSU") == ""
        with closing(system.watch(child.pid)) as watch:
            child.kill()
            assert watch.ended(PATIENCE)
        assert system.variable(child.pid, "CENSUS") == ""  # a zombie
    assert system.variable(child.pid, "CENSUS") == ""


def test_a_process_without_an_environment_may_be_on_its_way_to_one(system: System) -> None:
    with subprocess.Popen([sys.executable, "-S", "-c", SLEEPS], stdout=subprocess.PIPE, env={}) as child:
        assert child.stdout is not None
        child.stdout.readline()
        assert system.variable(child.pid, "CENSUS") is None
        child.kill()


def test_who_is_there_and_since_when(system: System) -> None:
    before = system.processes()
    with started(SLEEPS) as (child, _):
        now = system.processes()
        assert child.pid not in before
        assert now[child.pid] >= now[os.getpid()] == before[os.getpid()]
    assert child.pid not in system.processes()


def test_the_end_of_a_process_that_is_no_child_is_seen(system: System) -> None:
    with started(LEADS) as (_, line), closing(system.watch(int(line))) as watch:
        assert not watch.ended(0)
        assert not watch.ended(0.05)
        system.end([int(line)], signal.SIGKILL, PATIENCE)
        assert watch.ended(0)


def test_who_is_gone_is_said_and_no_hindrance(system: System) -> None:
    with started(SLEEPS) as (child, _), closing(system.watch(child.pid)) as watch:
        child.kill()
        child.wait()
        with pytest.raises(ProcessLookupError):
            watch.signal(signal.SIGTERM)
        with pytest.raises(ProcessLookupError):
            system.watch(child.pid)
        system.end([child.pid], signal.SIGTERM, PATIENCE)
        system.hold(child.pid, 0)
        assert system.stacks(child.pid) == ""


@pytest.mark.parametrize(
    ("program", "status"),
    [("raise SystemExit(3)", 3), ("import os; os.kill(os.getpid(), 9)", -9), ("print(flush=True); input()", -15)],
)
def test_the_end_of_a_child_wakes_and_is_known(system: System, program: str, status: int) -> None:
    with started(program) as (child, _), closing(system.watch_child(child)) as watch:
        if status == -15:
            assert not watch.ended(0)
            watch.signal(signal.SIGTERM)
        assert watch.ended(PATIENCE)
        assert os.read(watch.descriptor, 1) if system.name == "portable" else True
        assert watch.status() == status == watch.status()


def test_a_group_without_its_leader_is_signalled_only_where_its_number_is_certain(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    signalled: list[int] = []
    monkeypatch.setattr(os, "killpg", lambda group, _: signalled.append(group))
    with started(SLEEPS) as (child, _), closing(system.watch_child(child)) as leader:
        child.kill()
        assert leader.ended(PATIENCE)
        leader.signal_group(signal.SIGKILL)
        assert signalled == ([] if Promise.GROUPS in system.lacks else [child.pid])


def test_a_group_ends_with_its_leader(system: System) -> None:
    with (
        started(LEADS) as (child, line),
        closing(system.watch_child(child)) as leader,
        closing(system.watch(int(line))) as sleeper,
    ):
        leader.signal_group(signal.SIGTERM)
        assert leader.ended(PATIENCE)
        assert sleeper.ended(PATIENCE)


def test_where_a_process_stands_is_told(system: System) -> None:
    with started(SLEEPS) as (child, _):
        child.send_signal(signal.SIGSTOP)
        os.waitpid(child.pid, os.WUNTRACED)
        assert "stopped" in system.stacks(child.pid)


def test_open_descriptors_are_told_and_looking_opens_none(system: System, tmp_path: Path) -> None:
    before = system.descriptors()
    assert system.descriptors() == before
    with (tmp_path / "left").open("w") as file, socket.socket() as other:
        more = system.descriptors()
        assert more.keys() - before.keys() == {file.fileno(), other.fileno()}
        assert more[file.fileno()] == file.name
        assert "socket" in more[other.fileno()]


def test_the_cores_and_the_processor_are_told(system: System) -> None:
    cores = system.cores()
    assert 0 < len(cores) <= (psutil.cpu_count() or 1)
    assert system.siblings(cores[0])
    assert system.processor()


def test_what_is_not_promised_is_said_once_a_run(sandbox: Sandbox) -> None:
    sandbox.write("features/a.feature", "Feature: F\n  Scenario: 1.1 S\n    Then wait for '0' seconds\n")
    sandbox.write("steps/__init__.py", "")
    told = "portable process control, without the promises: cores, daemons, descriptors, ends, environments, groups, "
    version = sandbox.harmony("--version", HARMONY_SYSTEM="portable").stdout
    assert told in version
    assert told in sandbox.pytest("--collect-only", HARMONY_SYSTEM="portable").stdout
    if not SYSTEM.lacks:
        assert sandbox.harmony("--version").stdout == version.splitlines(keepends=True)[0]
