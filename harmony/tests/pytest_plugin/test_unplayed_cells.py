"""A worker of pytest-xdist that dies: its cell has crashed, and the others go on."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from harmony.model import Verdict
from harmony.plan.pairing import PairingRequest
from harmony.project import load_project
from harmony.pytest_plugin.unplayed_cells import cell_at
from harmony.run.local_mode import LocalMode
from harmony.run.matrix_mode import MatrixMode, MatrixRequest
from harmony.run.project_run import ProjectRun
from harmony.text import visible
from harmony.verdict.events import CellFinished, CellStarted, RunFinished, StepStarted, read_file
from sandbox import Sandbox

FEATURE = """
    Feature: Counting

      Scenario: 1.1 One
        Given the 'counter' process starts at '1'
        Then the 'counter' process should show '1'

      Scenario: 1.2 Deadly
        Given the 'counter' process starts at '2'
        When the 'counter' process ends the runner
        Then the 'counter' process should show '2'

      Scenario: 1.3 Three
        Given the 'counter' process starts at '3'
        Then the 'counter' process should show '3'

      Scenario Outline: 1.4 More
        Given the 'counter' process starts at '<number>'
        Then the 'counter' process should show '<number>'
        Examples:
          | number |
          | 4      |
          | 5      |
          | 6      |
"""
STEPS = """
    import os
    import signal
    from harmony import given, parsers, then, when


    class CounterSteps:
        def __init__(self) -> None:
            self._value = 0

        @given(parsers.re(r"the 'counter' process starts at '(\\d+)'"))
        def start(self, value: int) -> None:
            self._value = value

        @then(parsers.re(r"the 'counter' process should show '(\\d+)'"))
        def show(self, value: int) -> None:
            assert self._value == value

        @when("the 'counter' process ends the runner")
        def end(self) -> None:
            role = os.environ.get("ROLE_OF_THIS", "runner")
            if role == "runner":
                os.kill(os.getpid(), signal.SIGKILL)
            if role == "murderer":
                os.kill(os.getppid(), signal.SIGKILL)
"""
MATRIX = """
    steps = ["steps"]
    [platforms.good]
    command = ["{python}", "-m", "harmony", "serve"]
    environment = { ROLE_OF_THIS = "harmless" }
    start_timeout = 100
    [platforms.murderer]
    command = ["{python}", "-m", "harmony", "serve"]
    environment = { ROLE_OF_THIS = "murderer" }
    start_timeout = 100
"""


@pytest.fixture
def deadly(sandbox: Sandbox) -> Sandbox:
    sandbox.write("features/01-counting.feature", FEATURE)
    sandbox.write("steps.py", STEPS)
    return sandbox


def finished(file: Path) -> dict[str, CellFinished]:
    return {event.cell: event for event in read_file(file) if isinstance(event, CellFinished)}


def test_in_local_mode(deadly: Sandbox) -> None:
    done = deadly.pytest("-n", "2", "--events", "x.ndjson", "--show-matrix", "--html", "x.html", "--seed", "5")
    assert done.returncode == 11, done.stdout + done.stderr
    cells = finished(deadly.directory / "x.ndjson")
    lost = cells.pop("1.2[counter=local]")
    assert lost.verdict is Verdict.CRASHED
    assert "the process that ran this cell has died" in lost.error
    assert "crashed while running" in lost.error
    assert lost.repeat.endswith("1.2 --seed 5")
    assert len(cells) == 5
    assert {key: one.error for key, one in cells.items() if one.verdict is not Verdict.PASSED} == {}
    assert "6 cells: 5 passed, 1 crashed" in done.stdout
    assert "1 CRASH</span>" in (deadly.directory / "x.html").read_text()
    events = read_file(deadly.directory / "x.ndjson")
    assert sum(isinstance(event, CellStarted) for event in events) == 6
    begun = [event.step for event in events if isinstance(event, StepStarted) and event.cell == "1.2[counter=local]"]
    assert begun[-1] == "When the 'counter' process ends the runner", "what it told before its end is not lost"
    assert next(event for event in events if isinstance(event, RunFinished)).exit_code == 11


def test_in_a_matrix(deadly: Sandbox) -> None:
    deadly.write("harmony.toml", MATRIX)
    done = deadly.pytest("-n", "2", "--matrix", "--events", "x.ndjson")
    assert done.returncode == 11, done.stdout + done.stderr
    cells = finished(deadly.directory / "x.ndjson")
    assert len(cells) == 12
    lost = cells.pop("1.2[counter=murderer]")
    assert lost.verdict is Verdict.CRASHED
    assert lost.pairing == {"counter": "murderer"}
    assert " murderer 1.2 " in lost.repeat
    assert {key: one.error for key, one in cells.items() if one.verdict is not Verdict.PASSED} == {}


def test_a_crash_that_is_expected_is_excused(deadly: Sandbox) -> None:
    deadly.write(
        "expectations.toml",
        '[[expect]]\nscenario = "1.2"\nmessage = "crashed while running"\nissue = "https://issues/1"\n',
    )
    done = deadly.pytest("-n", "2", "--events", "x.ndjson")
    assert finished(deadly.directory / "x.ndjson")["1.2[counter=local]"].verdict is Verdict.KNOWN_FAILURE
    assert done.returncode == 0, done.stdout + done.stderr


def test_another_test_that_ends_its_worker_is_no_cell_and_never_forgiven(deadly: Sandbox) -> None:
    deadly.write("test_other.py", "import os\n\ndef test_other():\n    os._exit(3)\n")
    done = deadly.pytest("-n", "2", "--events", "x.ndjson", "-k", "not Deadly")
    assert done.returncode == 1, done.stdout + done.stderr
    cells = finished(deadly.directory / "x.ndjson")
    assert len(cells) == 5
    assert {key: one.error for key, one in cells.items() if one.verdict is not Verdict.PASSED} == {}


NO_TEXT = pytest.mark.skipif(sys.platform == "darwin", reason="its file systems take no such name")


@pytest.mark.parametrize("file", [b"01-counting.feature", pytest.param(b"\xff.feature", marks=NO_TEXT)])
def test_a_cell_is_found_by_what_pytest_calls_it(deadly: Sandbox, monkeypatch: pytest.MonkeyPatch, file: bytes) -> None:
    features = deadly.directory / "features"
    (features / "01-counting.feature").rename(features / os.fsdecode(file))
    monkeypatch.chdir(deadly.directory)
    run = ProjectRun(load_project(deadly.directory))
    mode = LocalMode(run)
    place = f"features/{visible(os.fsdecode(file))}"
    names = {one.number: one.id for one in run.scenarios}
    for number, name in names.items():
        found = cell_at(run, mode, f"{place}::{name}", deadly.directory)
        assert found is not None
        assert found.scenario.number == number
    assert cell_at(run, mode, f"{place}::1.9 None", deadly.directory) is None
    assert cell_at(run, mode, f"features/other.feature::{names['1.1']}", deadly.directory) is None
    assert cell_at(run, mode, "test_other.py::test_other", deadly.directory) is None


def test_a_cell_is_found_that_only_a_command_line_asked_for(deadly: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """A project that asks for few pairings may be run over every one, and with who plays on request."""
    players = [f'[platforms.p{n}]\ncommand = ["sh"]\nopt_in = {str(n == 2).lower()}\n' for n in range(3)]
    deadly.write("harmony.toml", "\n".join(['pairings = "pairwise"', *players]))
    steps = "\n".join(f"    Then the '{role}' sits" for role in "ace")
    deadly.write("features/02.feature", f"Feature: F\n  Scenario: 2.1 A\n{steps}\n")
    monkeypatch.chdir(deadly.directory)
    run = ProjectRun(load_project(deadly.directory))
    mode = MatrixMode(run, MatrixRequest(PairingRequest(among={"p0", "p1", "p2"})))
    cells = mode.cells(run.scenarios[-1:])
    assert len(cells) == 27 > len(mode.every_cell(run.scenarios[-1:]))
    for cell in cells:
        assert cell_at(run, mode, f"features/02.feature::{cell.name}", deadly.directory) == cell
