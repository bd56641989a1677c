"""Results in the light of what a platform claims."""

from __future__ import annotations

from pathlib import Path

import pytest

from harmony.model import Phase, StepOutcome, Verdict
from harmony.spec.gherkin import parse_feature
from harmony.spec.routing import route
from harmony.verdict.judging import by_claims
from harmony.verdict.result import ScenarioResult, StepResult

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
