"""What an examination finds. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class CheckVerdict(StrEnum):
    """What became of a check."""

    OK = "ok"
    WRONG = "wrong"
    NOT_CLAIMED = "not claimed"
    NOT_RUN = "not run"
    NOT_TOLD = "not told"


@dataclass(frozen=True, slots=True)
class Finding:
    """What came of one check.

    Attributes:
        id: Stable name of the check, such as ``handshake.layout``.
        title: What must be so.
        verdict: Whether it is.
        wrong: What was seen instead, a line for each thing.
        because: Why it was not run, or not asked for.
        why: Why it matters.
        where: Where it is specified.
        repeat: The command that repeats it.
        seconds: How long it took.
    """

    id: str
    title: str
    verdict: CheckVerdict
    wrong: tuple[str, ...] = ()
    because: str = ""
    why: str = ""
    where: str = ""
    repeat: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What came of an examination.

    Attributes:
        platform: Which driver was examined.
        command: How it was started.
        who: How it introduced itself.
        findings: One for each check, in the order of the examination.
        seconds: How long all of it took.
    """

    platform: str
    command: str
    who: str
    findings: tuple[Finding, ...]
    seconds: float

    @property
    def healthy(self) -> bool:
        """Whether nothing is wrong or not run; what is not claimed, or not told, is no fault of a driver."""
        return all(finding.verdict not in {CheckVerdict.WRONG, CheckVerdict.NOT_RUN} for finding in self.findings)

    @property
    def counts(self) -> dict[str, int]:
        """How many findings there are of each verdict."""
        counted = Counter(finding.verdict for finding in self.findings)
        return {verdict.value: counted[verdict] for verdict in CheckVerdict}


class WrongError(Exception):
    """The driver is not what it must be. Raised by checks.

    Attributes:
        lines: What was seen, and what was expected.
        with_checks: Other checks that must be repeated, too, to see it again.
    """

    def __init__(self, *lines: str, with_checks: Sequence[str] = ()) -> None:
        super().__init__("; ".join(lines))
        self.lines = lines
        self.with_checks = tuple(with_checks)


class NotClaimedError(Exception):
    """A check is about a capability that the driver does not claim."""


class NotRunError(Exception):
    """A check cannot be run here, for a reason that lies outside the driver."""


class NotToldError(Exception):
    """A check takes what the project has not told in its ``driver.checks``."""


def expect(what: str, seen: Any, expected: Any) -> None:
    """Compare one thing.

    Raises:
        WrongError: They differ.
    """
    if seen != expected:
        raise WrongError(f"{what}: seen {seen!r:.300}, expected {expected!r:.300}")


def expect_all(*facts: tuple[str, Any, Any]) -> None:
    """Compare several things, given as what, seen and expected; tell all that differ.

    Raises:
        WrongError: Some do.
    """
    lines = [
        f"{what}: seen {seen!r:.300}, expected {expected!r:.300}" for what, seen, expected in facts if seen != expected
    ]
    if lines:
        raise WrongError(*lines)
