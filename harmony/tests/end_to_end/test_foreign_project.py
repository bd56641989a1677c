"""A project of others, a post office: no step of it is ours. Each clerk does one thing; the faithful one passes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import typer

from harmony.cli.replay import replay_command
from harmony.model import Verdict
from harmony.plan.pairing import PairingRequest
from harmony.project import load_project
from harmony.run.matrix_mode import MatrixMode, MatrixRequest
from harmony.run.project_run import ProjectRun
from harmony.run.run_id import feature_id_of
from harmony.verdict.events import CellFinished, Event
from harmony.verdict.result import ScenarioResult
from peer import WORKERS

CLERK = WORKERS / "clerk.py"
LETTERS = """
Feature: Letters
  Background:
    Given all counters are open

  Scenario: 4.1 A letter arrives
    When the 'sender' process posts 'apple'
    Then the 'receiver' process should hold 'apple'

  Scenario: 4.2 Another one does
    When the 'sender' process posts 'pear'
    Then the 'receiver' process should hold 'pear'

  Scenario: 4.3 A letter that nobody posts
    Then the 'receiver' process should hold 'plum'

  Scenario: 4.4 Many letters
    When the 'sender' process posts all of these:
      | letter |
      | fig    |
    Then the 'receiver' process should hold 'fig'
"""
POSTCARDS = """
Feature: Postcards
  Scenario: 5.1 A postcard arrives
    When the 'sender' process posts 'card'
    Then the 'receiver' process should hold 'card'
"""
PROBES = """
import pathlib

def left(run_id):
    return [str(path) for path in pathlib.Path(__file__).parent.glob(f"office/*_{run_id}")]
"""
SETTINGS = """
steps = []
[leaks]
probes = ["post_probes:left"]
[timeouts]
step = 5
"""


@dataclass
class Office:
    """The project on disk, and what comes of its cells."""

    root: Path
    platforms: dict[str, str] = field(default_factory=dict)
    settings: str = SETTINGS
    finished: list[CellFinished] = field(default_factory=list)
    _mode: MatrixMode | None = None

    def employ(self, *names: str, more: str = "") -> None:
        """Add platforms; `more` goes into each entry."""
        self.platforms |= dict.fromkeys(names, more)

    @property
    def run(self) -> ProjectRun:
        entries = [
            f"[platforms.{name}]\ncommand = ['{{python}}', '-S', '{CLERK}', '{name}']\n"
            f"environment = {{OFFICE = '{self.root / 'office'}'}}\nstop_timeout = 2\n{more}"
            for name, more in self.platforms.items()
        ]
        (self.root / "harmony.toml").write_text("\n".join([self.settings, *entries]))
        return ProjectRun(load_project(self.root))

    def play(self, number: str, *words: str, record: Path | None = None) -> ScenarioResult:
        """Play the cell of one scenario and one pairing, by the workers that are left from before."""
        run = self.run
        if self._mode is None:
            self._mode = MatrixMode(run, MatrixRequest(PairingRequest(words), record))
        (scenario,) = (one for one in run.scenarios if one.number == number)
        mode = MatrixMode(run, MatrixRequest(PairingRequest(words)))
        (cell,) = mode.cells([scenario])
        return self._mode.play(cell, self._hear).result

    def close(self) -> None:
        mode, self._mode = self._mode, None
        if mode is not None:
            mode.close(self._hear)

    def runs(self) -> list[list[str]]:
        """Return what was begun: scenario, role, and what names end with."""
        return [line.split(" | ") for line in (self.root / "office" / "runs").read_text().splitlines()]

    def _hear(self, event: Event) -> None:
        if isinstance(event, CellFinished):
            self.finished.append(event)


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    (tmp_path / "office").mkdir()
    (tmp_path / "features").mkdir()
    (tmp_path / "features" / "04-letters.feature").write_text(LETTERS)
    (tmp_path / "features" / "postcards.feature").write_text(POSTCARDS)
    (tmp_path / "post_probes.py").write_text(PROBES)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "post_probes", raising=False)
    office = Office(tmp_path)
    yield office
    office.close()


def error(result: ScenarioResult) -> str:
    return result.failure.error if result.failure else ""


# Whose process, and whose numbers.


def test_a_process_plays_one_scenario_and_is_told_the_numbers_of_its_cell_everywhere(office: Office) -> None:
    """The faithful one refuses a second scenario, and numbers that are not those of its environment."""
    office.employ("faithful")
    results = [office.play(number, "faithful") for number in ("4.1", "4.2", "4.1", "5.1")]
    assert [result.verdict for result in results] == [Verdict.PASSED] * 4, [error(one) for one in results]
    cells = [office.runs()[index : index + 2] for index in range(0, 8, 2)]
    assert all(first[2] == second[2] for first, second in cells), "the roles of a cell make the same names"
    numbers = [tuple(map(int, first[2].split("_"))) for first, _ in cells]
    assert len({host for host, _ in numbers}) == 4, "each cell has a number of its own"
    assert [feature for _, feature in numbers] == [4, 4, 4, feature_id_of(Path("postcards.feature"))]


def test_a_platform_that_says_so_plays_the_whole_session_with_new_numbers_for_each_cell(office: Office) -> None:
    office.employ("traveller", more='lifetime = "session"')
    office.employ("faithful")
    pairings = ("traveller", "traveller_faithful", "faithful_traveller", "traveller")
    for word in pairings:
        result = office.play("4.1", word)
        office.play("4.2", word) if result.verdict is Verdict.PASSED else pytest.fail(error(result))
    assert [one.verdict for one in office.finished] == [Verdict.PASSED] * 8
    runs = [run for _, _, run in office.runs()]
    assert runs[::2] == runs[1::2], "whoever they are, the roles of a cell make the same names"
    assert len(set(runs)) == 8


def test_who_takes_the_numbers_from_its_environment_cannot_play_a_session(office: Office) -> None:
    office.employ("faithful", more='lifetime = "session"')
    result = office.play("4.1", "faithful")
    assert result.verdict in {Verdict.CRASHED, Verdict.ERRORED}
    assert "KeyError: 'HARMONY_HOST_PID'" in error(result)


# What was recorded, and is asked again.


def replay(office: Office, recordings: Path, platform: str) -> int:
    office.close()
    _ = office.run
    try:
        replay_command(recordings, platform, "", 5.0, 1.0, office.root)
    except typer.Exit as end:
        return end.exit_code
    return 0


def test_roles_that_waited_for_each_other_are_asked_at_once_again(office: Office, tmp_path: Path) -> None:
    """Asked one after the other, each would wait for the other until its time is over."""
    office.employ("meeting")
    assert office.play("4.1", "meeting", record=tmp_path / "kept").verdict is Verdict.PASSED
    assert replay(office, tmp_path / "kept", "meeting") == 0


def test_a_better_answer_than_the_recorded_failure_is_no_fault(
    office: Office, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    office.employ("lazy", "faithful")
    assert office.play("4.1", "lazy", record=tmp_path / "kept").verdict is Verdict.FAILED
    assert replay(office, tmp_path / "kept", "faithful") == 0
    assert "should hold 'apple': better than recorded: failed then, succeeds now" in capsys.readouterr().out
    assert replay(office, tmp_path / "kept", "lazy") == 0


def test_a_worse_answer_than_the_recorded_success_is_one(office: Office, tmp_path: Path) -> None:
    office.employ("lazy", "faithful")
    assert office.play("4.1", "faithful", record=tmp_path / "kept").verdict is Verdict.PASSED
    assert replay(office, tmp_path / "kept", "faithful") == 0
    assert replay(office, tmp_path / "kept", "lazy") == 1
