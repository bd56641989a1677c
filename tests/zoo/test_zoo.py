"""Each broken ring buffer is noticed by a scenario that the correct model passes."""

from __future__ import annotations

from pathlib import Path

import pytest

from harmony import Verdict
from step_definitions.observer import objects_of_run
from tests.zoo.mutants import MUTANTS, Mutant
from tests.zoo.watch import run, watch

LEAST = 25
TRIES = 3
PROGRAMMING_ERRORS = ("TypeError", "AttributeError", "NameError", "KeyError", "ImportError", "AssertionError: nothing")
TABLE = Path(__file__).resolve().parents[2] / "docs" / "mutants.md"

WATCHING = sorted({number for mutant in MUTANTS.values() for number in mutant.scenarios})


def test_the_zoo_is_large_enough() -> None:
    assert len(MUTANTS) >= LEAST


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize("mutant", MUTANTS.values(), ids=lambda mutant: mutant.name)
def test_a_scenario_notices(mutant: Mutant) -> None:
    # What shows in a race alone may be lost on a machine that is busy; the correct model never shows it.
    sighting = watch(mutant)
    for _ in range(TRIES - 1):
        sighting = sighting if sighting.scenario is not None else watch(mutant)
    assert sighting.scenario is not None, f"no scenario of {mutant.scenarios} notices that {mutant.wrong!r}"
    assert not sighting.error.startswith(PROGRAMMING_ERRORS), f"the zoo itself is broken: {sighting.error}"


@pytest.mark.parametrize("number", WATCHING)
def test_the_correct_model_passes(number: str) -> None:
    """Without this a mutant could be caught by what the model itself gets wrong."""
    result = run("tests.zoo.model:correct", number, patient=True).result
    assert result.verdict is Verdict.PASSED, result.failure and result.failure.error


def test_what_a_mutant_leaves_is_removed() -> None:
    played = run("tests.zoo.mutants:half_made", "7.2", patient=False)
    assert played.result.verdict is Verdict.FAILED
    assert objects_of_run(f"_{played.run_id}") == []


def test_the_table_lists_the_whole_zoo() -> None:
    listed = {line.split("`")[1] for line in TABLE.read_text().splitlines() if line.startswith("| `")}
    assert listed == set(MUTANTS), "renew it: python -m tests.zoo.watch"
    assert "**nothing**" not in TABLE.read_text()
