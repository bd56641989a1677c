"""A hang is told with where everybody stands, and first with whoever hangs the longest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harmony.model import Phase, StepOutcome, Verdict
from harmony.spec.gherkin import parse_feature
from harmony.spec.routing import route
from harmony.verdict.failure_report import failure_report
from harmony.verdict.result import ScenarioResult, StepResult, with_scenes

FEATURE = "Feature: Tea\n  Scenario: 1.1 One\n    Given the 'host' process boils\n    Then the 'guest' process boils\n"


def hang(**data: Any) -> ScenarioResult:
    """Return a scenario in which the host has timed out, and says so much of it."""
    plan = route(parse_feature(FEATURE, Path("1.feature")).scenarios[0])
    outcome = StepOutcome(Verdict.TIMED_OUT, "no end within 5 s", {"stack": "at the stove", **data})
    step = StepResult(plan.steps[0].step, Phase.STEP, {"host": outcome}, Verdict.TIMED_OUT, 5.0)
    return ScenarioResult(plan, Verdict.TIMED_OUT, (step,))


def test_who_hangs_the_longest_is_shown_first() -> None:
    scenes = {
        "guest": {"stack": "in the well", "since": 1.0, "verb": "fetch"},
        "cook": {"stack": "asleep", "since": 3.0, "verb": "boil"},
    }
    told = failure_report(with_scenes(hang(since=2.0, verb="boil"), scenes), "again")
    places = [told.index(text) for text in ("hangs first: guest, in fetch:\n    in the well", "at the stove", "asleep")]
    assert places == sorted(places)
    assert told.count("in the well") == 1


@pytest.mark.parametrize("since", [{}, {"since": 9.0, "verb": "fetch"}], ids=["nobody knows", "the other began later"])
def test_otherwise_the_stack_of_the_step_is_first(since: dict[str, Any]) -> None:
    result = with_scenes(hang(since=2.0, verb="boil"), {"guest": {"stack": "in the well", **since}})
    told = failure_report(result, "again")
    assert "hangs first" not in told
    assert told.index("at the stove") < told.index("stack of guest (host):\n    in the well")
