"""How long a step may take of a platform that has timed out before: what its scenario needs, many times over.

Pure: events in; out come limits. A platform that has not timed out in this run is always given the whole limit, but for
a trial, in which one of them has a fault.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from harmony.model import StepOutcome, Verdict
from harmony.plan.cells import Cell, scenario_of
from harmony.verdict.events import CellFinished, Event

LEAST: Final = 5.0
"""Seconds that a step gets at least, however fast others are."""
LEAST_OF_TRIAL: Final = 3.0
"""The same in a trial, where each hang costs this."""
_TIMES_OF_TRIAL: Final = 10.0


@dataclass(frozen=True, slots=True)
class Limit:
    """How long a step may take.

    Attributes:
        seconds: So long.
        why: Why that is less than the whole limit; nothing where it is not.
    """

    seconds: float
    why: str = ""

    def within(self, whole: float) -> Limit:
        """Return the shorter of this and the whole limit."""
        return self if self.seconds < whole else Limit(whole)

    def told(self, outcome: StepOutcome) -> StepOutcome:
        """Return an outcome that says why it had less than the whole limit, below its first line: that is the cause."""
        if outcome.verdict is not Verdict.TIMED_OUT or not self.why:
            return outcome
        cause, newline, more = outcome.error.partition("\n")
        return replace(outcome, error=f"{cause}\n(within {self.seconds:g} s: {self.why}){newline}{more}")


class Patience:
    """Hears how cells end, and says how long the steps of others may take.

    Args:
        times: How many times what the slowest cell of a scenario that passed has needed a step of it may take; 0 for
            the whole limit.
        past: How long cells took that have passed in earlier runs, by their keys.
        trial: Whether every platform is given that alone, and how many times is for the trial to say.
    """

    def __init__(self, times: float, past: Mapping[str, float], *, trial: bool = False) -> None:
        self._times = _TIMES_OF_TRIAL if trial else times
        self._trial = trial
        self._suspects: set[str] = set()
        self._needed: dict[str, float] = {}
        for cell, seconds in past.items():
            self._passed(cell, seconds)

    def __call__(self, event: Event) -> None:
        """Take an event."""
        if not isinstance(event, CellFinished):
            return
        self._suspects.update(event.timed_out)
        if event.verdict is Verdict.PASSED:
            self._passed(event.cell, event.seconds)

    def limits(self, cell: Cell) -> dict[str, Limit]:
        """Return the limits of the roles of a cell that are not given the whole one."""
        needed = self._needed.get(scenario_of(cell.key))
        if not self._times or needed is None:
            return {}
        seconds = max(LEAST_OF_TRIAL if self._trial else LEAST, self._times * needed)
        why = f"{seconds / needed:.3g} times what passing cells needed"
        return {
            role: Limit(seconds, why if self._trial else f"{why}, as {who} timed out before")
            for role, who in cell.pairing.assigned
            if self._trial or who in self._suspects
        }

    def _passed(self, cell: str, seconds: float) -> None:
        scenario = scenario_of(cell)
        self._needed[scenario] = max(seconds, self._needed.get(scenario, 0.001))
