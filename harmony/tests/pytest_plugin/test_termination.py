"""A run that is asked to end releases what it holds, and so do the workers of pytest-xdist."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import textwrap
import time
from collections.abc import Iterator

import pytest

from harmony.process.remains import PROBE_PATIENCE
from pytests import ALONE, words_of_pytest
from sandbox import Sandbox

PATIENCE = 30.0
FEATURE = """
    Feature: Waiting

      Scenario: 1.1 One waits
        Given the 'waiter' process waits
        Then the 'waiter' process should have waited
"""
STEPS = """
    import asyncio
    from pathlib import Path
    from harmony import given, then


    class WaiterSteps:
        @given("the 'waiter' process waits")
        async def wait(self) -> None:
            try:
                Path("begun").touch()
                await asyncio.sleep(60)
            finally:
                Path("released").touch()

        @then("the 'waiter' process should have waited")
        def waited(self) -> None:
            assert Path("released").exists()
"""
TEST = """
    import time
    from pathlib import Path


    def test_that_waits() -> None:
        try:
            Path("begun").touch()
            time.sleep(60)
        finally:
            Path("released").touch()
"""


PROBES = """
    import time
    from pathlib import Path


    def hangs(run_id):
        Path("begun").touch()
        time.sleep(600)
"""
PLATFORM = """
    [leaks]
    probes = ["probes:hangs"]
    [platforms.toy]
    command = ["{python}", "-m", "harmony", "serve"]
"""


@pytest.fixture
def waiting(sandbox: Sandbox) -> Sandbox:
    sandbox.write("features/01-waiting.feature", FEATURE)
    sandbox.write("steps.py", STEPS)
    sandbox.write("test_waiting.py", TEST)
    return sandbox


def test_a_leak_probe_that_hangs_holds_nobody_up(waiting: Sandbox) -> None:
    """It is no part of a loop: asyncio cancels on the first interruption, and a loop that is blocked hears nothing."""
    waiting.write("probes.py", PROBES)
    waiting.write("steps.py", STEPS.replace("sleep(60)", "sleep(0)").replace('Path("begun").touch()', "pass"))
    waiting.write("harmony.toml", 'steps = ["steps"]\n' + textwrap.dedent(PLATFORM))
    assert PROBE_PATIENCE > PATIENCE, "or the end of the probe would end the run"
    returncode, told = ended(waiting, words_of_pytest("toy", "1.1"), signal.SIG_DFL)
    assert returncode == pytest.ExitCode.INTERRUPTED, told


@pytest.mark.parametrize(
    ("path", "interrupts"),
    [
        ("features", signal.SIG_DFL),
        ("test_waiting.py", signal.SIG_IGN),  # as a shell starts what runs in the background
    ],
    ids=["scenario", "test in the background"],
)
def test_what_a_run_holds_is_released(waiting: Sandbox, path: str, interrupts: signal.Handlers) -> None:
    returncode, told = ended(waiting, words_of_pytest("-n", "0", path), interrupts)
    assert returncode == pytest.ExitCode.INTERRUPTED, told
    assert (waiting.directory / "released").exists(), told


BUSY = """
    import time
    from pathlib import Path
    from harmony import given, then


    class ToySteps:
        @given("the 'toy' process waits")
        def wait(self) -> None:
            Path("left").touch()
            Path("begun").touch()
            time.sleep(600)

        @then("the 'toy' process should have waited")
        def waited(self) -> None:
            raise AssertionError
"""
PROBE_OF_FILES = """
    from pathlib import Path


    def looks(run_id):
        return [str(one) for one in [Path("left").resolve()] if one.exists()]
"""


@pytest.mark.parametrize("signals", [[signal.SIGINT], [signal.SIGTERM] * 2], ids=["once", "twice"])
def test_a_worker_of_pytest_xdist_is_asked_at_once_and_removes_what_its_cell_has_left(
    waiting: Sandbox, signals: list[signal.Signals]
) -> None:
    """Only its controller has the signal. By itself, execnet would ask the worker after five seconds.

    The process of the cell hears nothing: it is killed, and what only a probe finds of it is removed.
    """
    waiting.write("features/01-waiting.feature", FEATURE.replace("waiter", "toy"))
    waiting.write("steps.py", BUSY)
    waiting.write("probes.py", PROBE_OF_FILES)
    platform = PLATFORM.replace("probes:hangs", "probes:looks")
    waiting.write("harmony.toml", 'steps = ["steps"]\n' + textwrap.dedent(platform))
    with begun(waiting, words_of_pytest("-n", "1", "--matrix"), signal.SIG_DFL) as run:
        asked = time.monotonic()
        for number in signals:
            run.send_signal(number)
        while (waiting.directory / "left").exists():
            assert time.monotonic() < asked + 4.5, "that was execnet"
            time.sleep(0.01)
        told, _ = run.communicate(timeout=PATIENCE)
    assert run.returncode == pytest.ExitCode.INTERRUPTED, told.decode()


def ended(waiting: Sandbox, command: list[str], interrupts: signal.Handlers) -> tuple[int, str]:
    """Start a run, and ask it to end once it has begun; return how it ended, and what it said."""
    with begun(waiting, command, interrupts) as run:
        os.killpg(run.pid, signal.SIGTERM)
        told, _ = run.communicate(timeout=PATIENCE)
    return run.returncode, told.decode()


@contextlib.contextmanager
def begun(waiting: Sandbox, command: list[str], interrupts: signal.Handlers) -> Iterator[subprocess.Popen[bytes]]:
    """Start a run, and yield it once it has begun."""
    with subprocess.Popen(
        command,
        cwd=waiting.directory,
        env={**os.environ, **ALONE},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, interrupts),  # noqa: PLW1509 - a shell does so, too
    ) as run:
        try:
            deadline = time.monotonic() + PATIENCE
            while not (waiting.directory / "begun").exists():
                assert time.monotonic() < deadline
                assert run.poll() is None, run.communicate()[0].decode()
                time.sleep(0.01)
            yield run
        finally:
            run.kill()
