"""What pytest offers to choose and to stop gives, however it is combined, the verdicts of the plain run."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Final

import pytest

from harmony.model import Verdict
from harmony.plan.pairing import Pairing, pairwise
from harmony.verdict.events import CellFinished, RunFinished, read_file
from sandbox import SETTINGS, Sandbox

FEATURE: Final = """
    Feature: Lamps

      @slow
      Scenario: 1.1 On
        Given the 'lamp' process shines '1'
        Then the 'lamp' process should shine '1'

      Scenario: 1.2 Dim
        Given the 'lamp' process shines '2'
        Then the 'lamp' process should shine '2'

      @slow
      Scenario: 1.3 Broken
        Given the 'lamp' process shines '3'
        Then the 'lamp' process should shine '4'

      Scenario: 1.4 Dark
        Given the 'lamp' process shines '4'
        Then the 'lamp' process should shine '5'
"""
STEPS: Final = """
    from harmony import given, parsers, then


    class LampSteps:
        @given(parsers.re(r"the 'lamp' process shines '(\\d+)'"))
        def shine(self, strength: int) -> None:
            self._strength = strength

        @then(parsers.re(r"the 'lamp' process should shine '(\\d+)'"))
        def shines(self, strength: int) -> None:
            assert self._strength == strength
"""
ALL: Final = {f"1.{number}[lamp=local]" for number in (1, 2, 3, 4)}
FAILING: Final = {"1.3[lamp=local]", "1.4[lamp=local]"}
CHOICES: Final[dict[str, dict[str, set[str]]]] = {
    "stop": {"": ALL, "-x": ALL},
    "workers": {"": ALL, "-n 2": ALL},
    "name": {"": ALL, "-k not:Dark": ALL - {"1.4[lamp=local]"}},
    "tag": {"": ALL, "-m slow": {"1.1[lamp=local]", "1.3[lamp=local]"}},
    "last": {"": ALL, "--lf": FAILING},
    "part": {"": ALL, "--shard 1/2": ALL},
}
"""For each option, and its absence, the cells that it leaves."""
LAST_FAILED: Final = ".pytest_cache/v/cache/lastfailed"
COMBINATIONS: Final = pairwise(
    [Pairing.of(dict(zip(CHOICES, words, strict=True))) for words in itertools.product(*CHOICES.values())]
)


@pytest.fixture(scope="module")
def lamps(tmp_path_factory: pytest.TempPathFactory) -> Sandbox:
    sandbox = Sandbox(tmp_path_factory.mktemp("lamps"))
    sandbox.write("harmony.toml", SETTINGS)
    sandbox.write("pytest.ini", "[pytest]\nasyncio_default_fixture_loop_scope = function\n")
    sandbox.write("features/01-lamps.feature", FEATURE)
    sandbox.write("steps.py", STEPS)
    assert sandbox.pytest("-q", "--events", "plain.ndjson").returncode == 1
    (sandbox.directory / LAST_FAILED).rename(sandbox.directory / "failed.json")
    assert verdicts(sandbox.directory / "plain.ndjson") == {
        cell: Verdict.FAILED if cell in FAILING else Verdict.PASSED for cell in ALL
    }
    return sandbox


def verdicts(file: Path) -> dict[str, Verdict]:
    return {event.cell: event.verdict for event in read_file(file) if isinstance(event, CellFinished)}


@pytest.mark.parametrize("combination", COMBINATIONS, ids=lambda one: " ".join(filter(None, one.platforms.values())))
def test_every_two_options_together_give_the_verdicts_of_the_plain_run(lamps: Sandbox, combination: Pairing) -> None:
    plain = verdicts(lamps.directory / "plain.ndjson")
    lamps.write(LAST_FAILED, (lamps.directory / "failed.json").read_text())
    chosen = combination.platforms
    words = [word.replace(":", " ") for option in chosen.values() for word in option.split()]
    done = lamps.pytest("-q", "--events", "x.ndjson", *words)
    said = done.stdout + done.stderr
    seen = verdicts(lamps.directory / "x.ndjson")
    expected = set.intersection(*(CHOICES[name][option] for name, option in chosen.items()))
    assert seen.items() <= plain.items(), said
    assert set(seen) <= expected, said
    if not chosen["stop"] and not chosen["part"]:
        assert set(seen) == expected, said
    assert done.returncode == (1 if FAILING & set(seen) else 0), said
    (end,) = [event for event in read_file(lamps.directory / "x.ndjson") if isinstance(event, RunFinished)]
    assert end.exit_code == done.returncode, said


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["serially", "in-parallel"])
def test_a_wrong_expression_is_said_once_and_before_anything_runs(lamps: Sandbox, workers: tuple[str, ...]) -> None:
    platform = "--harmony-set=platforms.go.command=['go']"
    done = lamps.pytest("-q", "-x", *workers, "-k", "not lamp=go", platform)
    assert done.returncode == 4, done.stdout + done.stderr
    assert done.stderr.count("Wrong expression passed to '-k': not lamp=go") == 1
    assert "-k reader:python" in done.stderr


def test_a_worker_writes_nothing_of_its_own_into_what_a_cell_has_printed(lamps: Sandbox) -> None:
    done = lamps.pytest("-q", "-n", "1", "1.3")
    assert "1.3[lamp=local]" in done.stdout, done.stdout + done.stderr
    assert "Captured stdout" not in done.stdout


def test_an_unknown_marker_is_said_by_the_controller(lamps: Sandbox) -> None:
    done = lamps.pytest("-q", "-n", "2", "--strict-markers", "-m", "solw")
    assert "INTERNALERROR" not in done.stdout, done.stdout
    assert done.returncode in {4, 5}, done.stdout + done.stderr


def test_cells_can_be_chosen_by_who_plays_a_role(lamps: Sandbox) -> None:
    done = lamps.pytest("-q", "--collect-only", "-k", "lamp:local and not 1.2")
    assert "3/4 tests collected" in done.stdout
    assert lamps.pytest("-q", "--collect-only", "-k", "lamp:go").returncode == 5
