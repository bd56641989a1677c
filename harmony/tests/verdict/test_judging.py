"""Results in the light of what a platform claims."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from harmony.model import FAULT, Phase, StepOutcome, Verdict
from harmony.plan.cells import Cell
from harmony.plan.pairing import Pairing
from harmony.spec.gherkin import parse_feature
from harmony.spec.levels import Standing
from harmony.spec.routing import route
from harmony.verdict.event_factory import cell_finished
from harmony.verdict.expectations import Expectation, Expectations
from harmony.verdict.judging import by_claims, by_expectations, by_level
from harmony.verdict.result import ScenarioResult, StepResult, merged

SCENARIO = parse_feature("Feature: F\n  Scenario: 1.1 A\n    Given the 'a' b\n", Path("f")).scenarios[0]


def ended(verdict: Verdict) -> ScenarioResult:
    step = StepResult(SCENARIO.steps[0], Phase.STEP, {"a": StepOutcome(verdict, "said")}, verdict, 0.0)
    return ScenarioResult(route(SCENARIO), verdict, [step])


@pytest.mark.parametrize(
    ("ran", "judged"),
    [
        (Verdict.PASSED, Verdict.UNEXPECTED_PASS),
        (Verdict.FAILED, Verdict.UNSUPPORTED),
        (Verdict.UNSUPPORTED, Verdict.UNSUPPORTED),
        (Verdict.CRASHED, Verdict.CRASHED),
        (Verdict.TIMED_OUT, Verdict.TIMED_OUT),
    ],
)
def test_a_claimed_lack_is_tried(ran: Verdict, judged: Verdict) -> None:
    assert by_claims(ended(ran), ["cpp: duplex"]).verdict is judged


def test_a_false_claim_says_what_to_do() -> None:
    failure = by_claims(ended(Verdict.PASSED), ["cpp: duplex"]).failure
    assert failure is not None
    assert failure.error == "not claimed: cpp: duplex; yet the scenario passes: claim it"


def test_who_lacks_nothing_is_judged_by_the_run_alone() -> None:
    for verdict in (Verdict.PASSED, Verdict.FAILED, Verdict.UNSUPPORTED):
        assert by_claims(ended(verdict), []) == ended(verdict)


RED = ("must",)
SHOULD = Standing("should", ("A-1",))


@pytest.mark.parametrize(
    ("level", "red", "judged"),
    [
        ("", RED, Verdict.FAILED),
        ("must", RED, Verdict.FAILED),
        ("should", RED, Verdict.DEVIATES),
        ("should", ("must", "should"), Verdict.FAILED),
        ("may", RED, Verdict.DEVIATES),
        ("arguable", ("must", "should", "may"), Verdict.DEVIATES),
    ],
)
def test_a_deviation_weighs_what_its_scenario_proves(level: str, red: tuple[str, ...], judged: Verdict) -> None:
    assert by_level(ended(Verdict.FAILED), Standing(level, ("A-1",)), red).verdict is judged


@pytest.mark.parametrize("verdict", [one for one in Verdict if one is not Verdict.FAILED])
def test_what_is_no_deviation_is_what_it_is_at_every_level(verdict: Verdict) -> None:
    """A crash, a hang, a set-up that went wrong, a sentence that nobody has: no level makes them green."""
    for level in ("should", "may", "arguable"):
        assert by_level(ended(verdict), Standing(level), RED).verdict is verdict


@pytest.mark.parametrize(
    "phase", [Phase.START, Phase.FINISH, Phase.CLOSE, Phase.LEAKS, Phase.STDERR, Phase.RUN, Phase.EXPECTATIONS]
)
def test_what_goes_wrong_around_the_steps_is_red_beside_a_deviation_and_alone(phase: Phase) -> None:
    beside = merged(ended(Verdict.FAILED), Verdict.FAILED, phase, "left behind")
    assert by_level(beside, SHOULD, RED).verdict is Verdict.FAILED
    alone = merged(ended(Verdict.PASSED), Verdict.FAILED, phase, "left behind")
    assert by_level(alone, SHOULD, RED).verdict is Verdict.FAILED


def test_a_mistake_in_a_step_is_no_deviation() -> None:
    outcome = StepOutcome(Verdict.FAILED, "KeyError: 'x'", {FAULT: "KeyError"})
    step = StepResult(SCENARIO.steps[0], Phase.STEP, {"a": outcome}, Verdict.FAILED, 0.0)
    assert by_level(ScenarioResult(route(SCENARIO), Verdict.FAILED, [step]), SHOULD, RED).verdict is Verdict.FAILED


def test_a_deviation_keeps_its_cause_and_is_told_with_level_and_clauses() -> None:
    told = cell_finished(
        Cell(SCENARIO, Pairing.of({"a": "tin"})), by_level(ended(Verdict.FAILED), SHOULD, RED), "again"
    )
    assert (told.verdict, told.found, told.error) == (Verdict.DEVIATES, Verdict.FAILED, "said")
    assert (told.level, told.clauses) == ("should", ["A-1"])
    assert told.note == "a deviation from what is not asked of everybody, so not red: should A-1"
    assert "proves: should A-1" in told.report


def test_an_expectation_that_is_not_true_is_red_at_every_level() -> None:
    """Who wrote down how it fails has said something that is wrong now."""
    cell = Cell(SCENARIO, Pairing.of({"a": "tin"}))
    today = dt.date(2030, 1, 1)

    def judged(message: str) -> Verdict:
        entries = Expectations(Path("e.toml"), (Expectation(platform="tin", message=message, reason="known"),))
        return by_level(by_expectations(ended(Verdict.FAILED), cell, entries, today), SHOULD, RED).verdict

    assert [judged("said"), judged("other")] == [Verdict.KNOWN_FAILURE, Verdict.FAILED]
