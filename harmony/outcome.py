"""How a whole run ends: counts, the pass rate, the exit code. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from enum import IntEnum
from typing import Final

from harmony.actor import Verdict
from harmony.events import CellFinished


class RunCode(IntEnum):
    """Exit codes of a matrix run beyond those of pytest and `harmony.errors.ExitCode`: one per kind of outcome."""

    PASSED = 0
    FAILED = 1
    UNDEFINED = 6
    ERRORED = 10
    CRASHED = 11
    TIMED_OUT = 12
    UNEXPECTED_PASS = 13
    EXPECTATIONS = 14
    PASS_RATE = 15


# The first that occurs decides.
_ORDER: Final = (
    (Verdict.CRASHED, RunCode.CRASHED),
    (Verdict.TIMED_OUT, RunCode.TIMED_OUT),
    (Verdict.ERRORED, RunCode.ERRORED),
    (Verdict.FAILED, RunCode.FAILED),
    (Verdict.FLAKY, RunCode.FAILED),
    (Verdict.UNDEFINED, RunCode.UNDEFINED),
    (Verdict.AMBIGUOUS, RunCode.UNDEFINED),
    (Verdict.UNEXPECTED_PASS, RunCode.UNEXPECTED_PASS),
)


def counts(results: Sequence[CellFinished]) -> dict[str, int]:
    """Return how many cells ended how, in the order of the verdicts."""
    found = Counter(result.verdict for result in results)
    return {verdict.value: found[verdict] for verdict in Verdict if found[verdict]}


def pass_rate(results: Sequence[CellFinished]) -> float:
    """Return the part of the cells that passed; `unsupported` ones count neither way, known failures as failures."""
    counted = [result for result in results if result.verdict is not Verdict.UNSUPPORTED]
    return sum(result.verdict is Verdict.PASSED for result in counted) / len(counted) if counted else 0.0


def exit_code(results: Sequence[CellFinished], problems: Sequence[str], min_pass_rate: float | None) -> RunCode:
    """Return how the run ends; with a rate, failures are forgiven up to it, problems of expectations are not."""
    if min_pass_rate is not None:
        if pass_rate(results) < min_pass_rate:
            return RunCode.PASS_RATE
        return RunCode.EXPECTATIONS if problems else RunCode.PASSED
    seen = {result.verdict for result in results}
    for verdict, code in _ORDER:
        if verdict in seen:
            return code
    return RunCode.EXPECTATIONS if problems else RunCode.PASSED
