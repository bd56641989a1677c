"""What happens is told when it happens, also by a worker of pytest-xdist: a hang is seen while it hangs."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from harmony.verdict.events import Event, StepFinished, StepStarted, decode_event
from pytests import ALONE, words_of_pytest
from sandbox import SETTINGS, Sandbox, environment_of

FEATURE = """
    Feature: Waiting

      Scenario: 1.1 Hanging
        Given the 'counter' process is there
        Then the 'counter' process should see the test
"""
STEPS = """
    import time
    from pathlib import Path
    from harmony import given, then


    class CounterSteps:
        @given("the 'counter' process is there")
        def there(self) -> None:
            self._patience = 60

        @then("the 'counter' process should see the test")
        def see(self) -> None:
            deadline = time.monotonic() + self._patience
            while not Path("go").exists():
                assert time.monotonic() < deadline
                time.sleep(0.01)
"""
PATIENCE = 60.0


@pytest.fixture
def waiting(tmp_path: Path) -> Sandbox:
    sandbox = Sandbox(tmp_path)
    sandbox.write("harmony.toml", f"{SETTINGS}\n[timeouts]\nstep = 90\n")
    sandbox.write("features/01-waiting.feature", FEATURE)
    sandbox.write("steps/__init__.py", "")
    sandbox.write("steps/counter.py", STEPS)
    return sandbox


@contextmanager
def running(sandbox: Sandbox, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    words = [sys.executable, *words_of_pytest(*arguments)[1:]]
    with subprocess.Popen(
        words, cwd=sandbox.directory, env=environment_of(**ALONE), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            yield process
        finally:
            sandbox.write("go", "")
            try:
                process.wait(PATIENCE)
            finally:
                process.kill()


def told(file: Path) -> list[Event]:
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    return [decode_event(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]


@pytest.mark.parametrize("workers", ["0", "1"])
def test_a_step_is_told_when_it_begins(waiting: Sandbox, workers: str) -> None:
    events = waiting.directory / "x.ndjson"
    with running(waiting, "-n", workers, "--events", "x.ndjson") as process:
        deadline = time.monotonic() + PATIENCE
        begun: list[str] = []
        while "should see the test" not in " ".join(begun):
            assert process.poll() is None, "the run ended before its step was told"
            assert time.monotonic() < deadline, "the step was not told while it ran"
            time.sleep(0.02)
            begun = [event.step for event in told(events) if isinstance(event, StepStarted)]
        ended = [event.step for event in told(events) if isinstance(event, StepFinished)]
        assert ended == ["Given the 'counter' process is there"]
    assert process.returncode == 0
