"""Who has timed out gets no more than what others show to be enough, and everyone else the whole limit."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from harmony.model import StepOutcome, Verdict
from harmony.plan.cells import Cell
from harmony.plan.pairing import Pairing
from harmony.run.scenario_run import RunOptions
from harmony.spec.gherkin import parse_feature
from harmony.verdict.patience import Limit, Patience
from synthetic_results import result

TEXT = """
Feature: Tea
  Scenario: 1.1 One
    Given the 'guest' process waits
    And the 'host' process waits

  Scenario: 1.2 Two
    Given the 'host' process waits
"""
ONE, TWO = parse_feature(TEXT, Path("1.feature")).scenarios
HUNG = result("1.2[host=gas]", Verdict.TIMED_OUT, timed_out=["gas"])
WHY = "10 times what passing cells needed, as gas timed out before"


def cell(guest: str = "wood", host: str = "gas") -> Cell:
    return Cell(ONE, Pairing.of({"guest": guest, "host": host}))


def limits(*events: object, past: Mapping[str, float] | None = None, times: float = 10.0) -> dict[str, Limit]:
    patience = Patience(times, past or {})
    for event in events:
        patience(event)  # type: ignore[arg-type]
    return patience.limits(cell())


def passed(seconds: float, **more: object) -> object:
    return result("1.1[guest=wood,host=stove]", seconds=seconds, **more)


def test_who_has_not_timed_out_has_the_whole_limit() -> None:
    assert limits(passed(0.7)) == {}
    assert limits(passed(0.7), result("1.1[guest=wood,host=gas]", Verdict.FAILED)) == {}
    assert set(limits(passed(0.7), HUNG)) == {"host"}, "also beside one who has"


@pytest.mark.parametrize("verdict", [Verdict.TIMED_OUT, Verdict.KNOWN_FAILURE, Verdict.CRASHED])
def test_who_has_timed_out_has_ten_times_what_passing_cells_needed(verdict: Verdict) -> None:
    hung = result("1.2[host=gas]", verdict, timed_out=["gas"])
    assert limits(passed(0.7), passed(0.6), hung) == {"host": Limit(7.0, WHY)}


def test_without_a_cell_that_passed_it_is_the_whole_limit() -> None:
    assert limits(HUNG) == {}
    assert limits(HUNG, result("1.1[guest=wood,host=stove]", Verdict.FAILED, seconds=0.7)) == {}
    assert limits(HUNG, result("1.2[host=stove]", seconds=0.7)) == {}, "another scenario says nothing"


def test_earlier_runs_count_too_and_the_slowest_decides() -> None:
    past = {"1.1[guest=stove,host=stove]": 0.8, "1.2[host=stove]": 2.0, "test_unit.py::test_it": 9.0}
    assert limits(HUNG, past=past) == {"host": Limit(8.0, WHY)}
    assert limits(HUNG, passed(0.9), past=past)["host"].seconds == 9.0
    assert limits(HUNG, passed(0.1), past=past)["host"].seconds == 8.0


def test_nobody_gets_less_than_five_seconds() -> None:
    (limit,) = limits(passed(0.1), HUNG).values()
    assert limit == Limit(5.0, "50 times what passing cells needed, as gas timed out before")


def test_a_project_may_be_more_patient_or_without_end() -> None:
    assert limits(passed(0.7), HUNG, times=100.0)["host"].seconds == 70.0
    assert limits(passed(0.7), HUNG, times=0.0) == {}


def test_no_limit_is_above_what_is_configured() -> None:
    options = RunOptions(step_timeout=6.0, tag_timeouts={"slow": 60.0}, limits={"host": Limit(7.0, WHY)})
    assert options.limit_for([], "host") == Limit(6.0)
    assert options.limit_for(["slow"], "host") == Limit(7.0, WHY)
    assert options.limit_for(["slow"], "guest") == Limit(60.0)


def test_only_a_timeout_tells_of_its_limit_and_its_first_line_stays_the_cause() -> None:
    hang = StepOutcome(Verdict.TIMED_OUT, "no end within 7 s\nstack")
    assert Limit(7.0, WHY).told(hang).error == f"no end within 7 s\n(within 7 s: {WHY})\nstack"
    assert Limit(7.0).told(hang) is hang
    other = StepOutcome(Verdict.FAILED, "wrong")
    assert Limit(7.0, WHY).told(other) is other


def test_in_a_trial_nobody_gets_more_than_ten_times_and_nobody_less_than_three_seconds() -> None:
    """Whatever the project says, and though nobody has timed out yet: a fault is planted in one of them."""
    for needed, seconds in ((0.7, 7.0), (0.1, 3.0)):
        patience = Patience(0.0, {"1.1[guest=stove,host=stove]": needed}, trial=True)
        why = f"{seconds / needed:.3g} times what passing cells needed"
        assert patience.limits(cell()) == dict.fromkeys(("guest", "host"), Limit(seconds, why))
