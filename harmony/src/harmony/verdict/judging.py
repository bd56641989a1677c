"""A result in the light of what is claimed and what is expected. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import Final

from harmony.model import Phase, Verdict
from harmony.plan.cells import Cell
from harmony.spec.gherkin import Step
from harmony.spec.levels import Standing
from harmony.verdict.expectations import Expectations
from harmony.verdict.result import ScenarioResult, merged, retold
from harmony.wire.step_contract import is_missing_step

_NO_ANSWER: Final = frozenset({Verdict.CRASHED, Verdict.TIMED_OUT})


def by_definitions(result: ScenarioResult, defined: Callable[[Step], str]) -> ScenarioResult:
    """Tell of a sentence that a worker lacks that the project itself has it: platforms with drivers perform it so.

    Args:
        result: Of the cell.
        defined: Returns what the project's definition of a step is called; nothing if it has none.
    """
    failure = result.failure
    if failure is None or failure.step is None or result.verdict is not Verdict.UNSUPPORTED:
        return result
    name = defined(failure.step) if any(is_missing_step(one.error) for one in failure.outcomes.values()) else ""
    if not name:
        return result
    said = f"this sentence needs our own step definitions ({name}) or one of the worker's"
    outcomes = {
        key: replace(one, error=f"{said}: {one.error}") if is_missing_step(one.error) else one
        for key, one in failure.outcomes.items()
    }
    return retold(result, outcomes)


def by_claims(result: ScenarioResult, lacking: Sequence[str]) -> ScenarioResult:
    """Judge a cell of which something is not claimed, by what it has done all the same: a claim is no proof.

    Passing refutes the claim. To crash or to hang is no way to say no, and stays what it is.
    """
    if not lacking or result.verdict in _NO_ANSWER:
        return result
    passed = result.verdict is Verdict.PASSED
    said = f"not claimed: {', '.join(lacking)}" + ("; yet the scenario passes: claim it" if passed else "")
    return _judged(result, Verdict.UNEXPECTED_PASS if passed else Verdict.UNSUPPORTED, Phase.CAPABILITIES, said)


def by_expectations(
    result: ScenarioResult, cell: Cell, expectations: Expectations, today: dt.date | None = None
) -> ScenarioResult:
    """Judge a cell by what is known to fail."""
    error = result.failure.error if result.failure else ""
    phase = result.failure.phase if result.failure else None
    verdict, said = expectations.judge(cell, result.verdict, error, today or dt.datetime.now(dt.UTC).date(), phase)
    return _judged(result, verdict, Phase.EXPECTATIONS, said) if said else result


def by_level(result: ScenarioResult, standing: Standing, red: Collection[str]) -> ScenarioResult:
    """Judge a cell by what its scenario proves: a deviation from what is not asked of everybody is told, and not red.

    Only what the implementation itself did otherwise is a deviation: a step that found it so. A crash, a hang, a leak,
    an error of the harness or of a step are what they are.

    Args:
        result: In the light of claims and expectations.
        standing: What the scenario cites.
        red: The levels whose deviations are red.
    """
    result = replace(result, standing=standing)
    judged = any(one.phase.judged for one in result.results)
    if not standing.level or standing.level in red or judged or not result.deviates:
        return result
    said = f"a deviation from what is not asked of everybody, so not red: {standing}"
    return _judged(result, Verdict.DEVIATES, Phase.LEVEL, said)


def _judged(result: ScenarioResult, verdict: Verdict, phase: Phase, said: str) -> ScenarioResult:
    return replace(merged(result, verdict, phase, said), verdict=verdict)
