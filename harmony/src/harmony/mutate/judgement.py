"""What came of a fault. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import pydantic

from harmony.errors import ConfigurationError
from harmony.mutate.fault import Fault, Patch


class Outcome(StrEnum):
    """How a fault ended."""

    KILLED = "killed"
    SURVIVED = "survived"
    EQUIVALENT = "equivalent"
    UNBUILDABLE = "unbuildable"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class Judgement:
    """What came of a fault.

    Attributes:
        fault: Which.
        outcome: How it ended.
        cell: The key of the first red cell; empty if none was.
        scenario: The number of its scenario.
        killers: The numbers of the scenarios that were red: of all with ``--whole``, else of the first.
        by_timeout: Whether only a deadline has found it.
        seconds: What it took, with the build.
        why: What else is to say: the reason of an equivalent, the end of a build, what went wrong.
        flaky: Cells that were red with it once, and green when repeated.
    """

    fault: Fault | Patch
    outcome: Outcome
    cell: str = ""
    scenario: str = ""
    killers: tuple[str, ...] = ()
    by_timeout: bool = False
    seconds: float = 0.0
    why: str = ""
    flaky: tuple[str, ...] = ()

    def to_json(self) -> str:
        """Return it in one line."""
        return _ADAPTER.dump_json(self).decode()

    @staticmethod
    def from_json(line: str) -> Judgement:
        """Return what a line holds.

        Raises:
            ConfigurationError: It is no judgement.
        """
        try:
            return _ADAPTER.validate_json(line)
        except pydantic.ValidationError as error:
            raise ConfigurationError(f"no judgement of a fault: {line[:80]!r}", hint="begin anew: --anew") from error


_ADAPTER: Final = pydantic.TypeAdapter(Judgement)
