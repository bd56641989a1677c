"""``harmony watch`` from a save to what it says."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from bells import STEPS
from harmony.plan.touched import Ground
from harmony.watch.changes import directories_of
from pytests import ALONE
from sandbox import Sandbox, environment_of

FEATURE = """
    Feature: Bells
      Scenario: 1.1 A bell is heard
        Given the 'bell' process is struck
        Then the 'ear' process should hear 'it'

      Scenario: 1.2 An ear is deaf
        Then the 'ear' process should hear 'that'
"""
OTHER = """
    Feature: Ears
      Scenario: 2.1 An ear hears
        Then the 'ear' process should hear 'it'
"""
SETTINGS = """
    steps = ["bell_steps"]
    [platforms.brass]
    command = ["{python}", "-m", "harmony", "serve"]
    lifetime = "session"
    sources = ["brass/*.py"]
    [platforms.tin]
    command = ["{python}", "-m", "harmony", "serve"]
    lifetime = "session"
"""
DEAF = FEATURE.replace("'that'", "'nothing'")
SILENT = DEAF.replace("'it'", "'nothing'")
PATIENCE = 120.0


class Watched:
    """A watch that goes on, and what it has said."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self._lines: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line.rstrip("\n"))
        self._lines.put(None)

    def until(self, *words: str) -> list[str]:
        """Return what it says up to a line with some words."""
        said: list[str] = []
        while True:
            line = self._lines.get(timeout=PATIENCE)
            assert line is not None, f"it has ended: {said}"
            said.append(line)
            if all(word in line for word in words):
                return said


@pytest.fixture
def bells(tmp_path: Path) -> Sandbox:
    sandbox = Sandbox(tmp_path)
    sandbox.write("harmony.toml", SETTINGS)
    sandbox.write("features/bells.feature", FEATURE)
    sandbox.write("features/ears.feature", OTHER)
    sandbox.write("bell_steps.py", STEPS)
    sandbox.write("brass/horn.py", "")
    sandbox.write("pytest.ini", "[pytest]\nasyncio_default_fixture_loop_scope = function\n")
    return sandbox


@pytest.fixture
def watched(bells: Sandbox) -> Iterator[Watched]:
    process = subprocess.Popen(
        [sys.executable, "-m", "harmony", "watch", "brass", "tin"],
        cwd=bells.directory,
        env=environment_of(**ALONE),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with process:
        try:
            yield Watched(process)
        finally:
            process.kill()


def kin(process: subprocess.Popen[str]) -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


@pytest.mark.slow
def test_a_change_runs_what_it_touches(bells: Sandbox, watched: Watched) -> None:
    """Green, red by a save, green by another; what is wrong is said, and is no end; ^C is one, and leaves nothing."""
    assert watched.until("waiting")[-1].split(" ", 1)[1].startswith("6 of 6 cells ran (everything), 0 red")

    # A burst of saves is one run: of one feature's cells, and of no other.
    for text in (SILENT, DEAF):
        bells.write("features/bells.feature", text)
    said = watched.until("waiting")
    assert "4 of 4 cells ran (bells.feature), 2 red; all in all 4 passed, 2 failed" in said[-1]
    assert [line.split()[2] for line in said if "failed " in line and "it rings" in line][-2:] == ["1.2", "1.2"]

    bells.write("features/bells.feature", DEAF.replace("Scenario: 1.2", "Scenarioo 1.2"))
    assert any("bells.feature:6: syntax" in line for line in watched.until("nothing ran (exit 6)", "waiting"))

    bells.write("bell_steps.py", "def x(:\n")
    assert any("bell_steps.py, line 1" in line for line in watched.until("runs: everything") + watched.until("waiting"))

    # What failed before comes first, whatever its number.
    bells.write("features/bells.feature", SILENT)
    bells.write("bell_steps.py", STEPS)
    said = watched.until("6 of 6 cells ran", "waiting")
    assert [line.split()[2] for line in said if " failed " in line][-4:] == ["1.2", "1.2", "1.1", "1.1"]

    bells.write("brass/horn.py", "pass")
    assert "3 of 3 cells ran (brass), 2 red" in watched.until("waiting")[-1]

    bells.write("features/bells.feature", FEATURE)
    assert "0 red; all in all 6 passed" in watched.until("waiting")[-1]

    # A change ends what runs.
    bells.write("bell_steps.py", f"import time\ntime.sleep({PATIENCE})\n{STEPS}")
    watched.until("runs: everything")
    bells.write("bell_steps.py", STEPS)
    watched.until("a change ends this run")
    assert "6 of 6 cells ran (everything), 0 red" in watched.until("waiting")[-1]

    bells.write("bell_steps.py", f"import time\ntime.sleep({PATIENCE})\n{STEPS}")
    watched.until("runs: everything")
    below = kin(watched.process)
    watched.process.send_signal(signal.SIGINT)
    assert watched.process.wait(timeout=PATIENCE) == 2
    gone, left = psutil.wait_procs(below, timeout=PATIENCE)
    assert (bool(gone), left) == (True, [])


def test_without_its_library_it_says_what_to_install(bells: Sandbox) -> None:
    bells.write("hidden/watchfiles.py", "raise ImportError")
    path = os.pathsep.join((str(bells.directory / "hidden"), environment_of()["PYTHONPATH"]))
    done = bells.harmony("watch", PYTHONPATH=path)
    assert (done.returncode, done.stdout) == (7, "")
    assert "pip install 'harmony-conformance[watch]'" in done.stderr


def test_only_the_ground_is_watched(bells: Sandbox) -> None:
    """Where a project says what it is made from, no other directory costs anything: an environment has thousands."""
    bells.write(".venv/deep/x.py", "")
    patterns = {"brass": ("*.py", "*/src/**/*.rs", "absent/*.go")}
    bells.write("metal/one/src/a/b.rs", "")
    root = bells.directory / "metal"
    ground = Ground(root, "../features/**/*.feature", ("harmony.toml", "steps/**/*.py"), patterns)
    found = dict(directories_of(ground))
    assert found == {bells.directory / "features": True, root: False, root / "one/src": True}
