"""What each verdict means: its colour, its word, whether it is red, and how a run ends that has it. One table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from harmony.errors import ExitCode
from harmony.model import Verdict


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a verdict means to whoever reads or counts it.

    Attributes:
        word: Short form for a table; never only a colour.
        style: Colour on a terminal.
        red: Whether it spoils the run.
        exit_code: How a run ends whose gravest verdict it is.
        says: One line for the legend.
    """

    word: str
    style: str
    red: bool
    exit_code: ExitCode
    says: str


# The gravest first: of several red verdicts the first one here decides the exit code.
MEANINGS: Final[Mapping[Verdict, Meaning]] = {
    Verdict.CRASHED: Meaning("CRASH", "bold red", True, ExitCode.CRASHED, "a process died that should not"),
    Verdict.TIMED_OUT: Meaning("TIME", "bold red", True, ExitCode.TIMED_OUT, "a step did not end in time"),
    Verdict.ERRORED: Meaning("ERROR", "bold red", True, ExitCode.ERRORED, "the set-up went wrong"),
    Verdict.FAILED: Meaning("FAIL", "bold red", True, ExitCode.FAILED, "a step or the clean-up failed"),
    Verdict.UNDEFINED: Meaning("UNDEF", "bold red", True, ExitCode.UNDEFINED, "a sentence has no meaning"),
    Verdict.AMBIGUOUS: Meaning("AMBIG", "bold red", True, ExitCode.UNDEFINED, "a sentence has several meanings"),
    Verdict.FLAKY: Meaning("FLAKY", "bold magenta", True, ExitCode.FLAKY, "passed once and failed once"),
    Verdict.UNEXPECTED_PASS: Meaning(
        "XPASS", "bold magenta", True, ExitCode.UNEXPECTED_PASS, "passes, though an expectation says it fails"
    ),
    Verdict.NOT_RUN: Meaning("STOP", "bold red", True, ExitCode.NOT_RUN, "its platform had been stopped; never a pass"),
    Verdict.KNOWN_FAILURE: Meaning("known", "yellow", False, ExitCode.OK, "fails as an expectation says"),
    Verdict.DEVIATES: Meaning(
        "dev", "yellow", False, ExitCode.OK, "deviates from what is not asked of everybody: should, may, arguable"
    ),
    Verdict.UNSUPPORTED: Meaning("n/a", "dim", False, ExitCode.OK, "the platform cannot do it; never a pass"),
    Verdict.PASSED: Meaning("ok", "green", False, ExitCode.OK, "every step passed and everything was released"),
}

FAILING: Final = frozenset({Verdict.FAILED, Verdict.ERRORED, Verdict.CRASHED, Verdict.TIMED_OUT, Verdict.FLAKY})
"""What an expectation may excuse."""


BROKEN_OFF: Final = frozenset({ExitCode.INTERRUPTED, ExitCode.INTERNAL, ExitCode.USAGE})
"""How a run ends that has not come to its end: what it has not shown, nobody knows."""


def numbers(verdicts: Iterable[Verdict]) -> dict[str, int]:
    """Return how many ended how, in the order of the verdicts."""
    found = Counter(verdicts)
    return {verdict.value: found[verdict] for verdict in Verdict if found[verdict]}


def counted(verdicts: Iterable[Verdict]) -> str:
    """Say how many ended how: ``3 passed, 1 failed``."""
    return ", ".join(f"{number} {verdict}" for verdict, number in numbers(verdicts).items())


def is_red(verdict: Verdict) -> bool:
    """Return whether a verdict spoils the run."""
    return MEANINGS[verdict].red


def gravest(verdicts: Iterable[Verdict]) -> Verdict | None:
    """Return the verdict that decides how the run ends; ``None`` of none."""
    seen = set(verdicts)
    return next((verdict for verdict in MEANINGS if verdict in seen), None)
