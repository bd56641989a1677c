"""What a trial shows: a run of the harness in a copy, in which a fault may be planted."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from harmony.errors import ExitCode
from harmony.model import Verdict
from harmony.plan.cells import scenario_of
from harmony.text import shown
from harmony.verdict.events import CellFinished, Event, RunFinished, RunPlanned, RunStarted
from harmony.verdict.verdicts import is_red

SILENT: Final = "the harness had nothing to say for too long"
_NO_VERDICT: Final = frozenset(
    {
        ExitCode.INTERRUPTED,
        ExitCode.INTERNAL,
        ExitCode.USAGE,
        ExitCode.NOTHING_SELECTED,
        ExitCode.LINT,
        ExitCode.CONFIGURATION,
    }
)
"""How a run ends that says nothing of a platform."""
_TOLD: Final = 400


@dataclass(frozen=True, slots=True)
class Red:
    """A cell that spoils a run.

    Attributes:
        cell: Its key.
        scenario: The number of its scenario, or what it has in place of one.
        verdict: What it was found to be.
        said: Why, in one line.
    """

    cell: str
    scenario: str
    verdict: Verdict
    said: str


@dataclass(frozen=True, slots=True)
class Shown:
    """What a run has shown.

    Attributes:
        passed: The seconds of the cells that passed.
        red: The cells that spoil it, in their order.
        others: How many cells are neither, by their verdict.
        trouble: Why it says nothing of the platform; nothing if it does.
    """

    passed: Mapping[str, float] = field(default_factory=dict)
    red: tuple[Red, ...] = ()
    others: Mapping[Verdict, int] = field(default_factory=dict)
    trouble: str = ""


def merged(every: Sequence[Shown]) -> Shown:
    """Return what some trials have shown together."""
    return Shown(
        {cell: seconds for one in every for cell, seconds in one.passed.items()},
        tuple(red for one in every for red in one.red),
        sum((Counter(one.others) for one in every), Counter[Verdict]()),
        next((one.trouble for one in every if one.trouble), ""),
    )


def unjudged(code: int, output: str) -> str:
    """Say that the harness ended and told nothing of the platform."""
    return f"the harness ended with {code} and without a verdict: {shown(output[-_TOLD:], _TOLD)}"


class Heard:
    """Keeps what a run tells: a subscriber.

    Args:
        faulty: Whether there is a fault: what passed without one and deviates now shows it, however little that weighs.
    """

    def __init__(self, *, faulty: bool = True) -> None:
        self._also = {Verdict.DEVIATES} if faulty else set[Verdict]()
        self._last = time.monotonic()
        self._cells: dict[str, CellFinished] = {}
        self._unavailable: Mapping[str, str] = {}
        self._planned: int | None = None
        self._finished: RunFinished | None = None

    def __call__(self, event: Event) -> None:
        """Take an event."""
        self._last = time.monotonic()
        match event:
            case RunStarted():
                self._unavailable = event.platforms
            case RunPlanned():
                self._planned = event.cells
            case CellFinished():
                self._cells[event.cell] = event
            case RunFinished():
                self._finished = event
            case _:
                pass

    async def end(self, ended: asyncio.Future[int | None], silence: float, enough: asyncio.Event) -> int | None:
        """Wait for the end of the run; return its exit code, or nothing where there is enough, or silence too long."""
        stopped = asyncio.create_task(enough.wait())
        try:
            while not ended.done() and not enough.is_set():
                left = self._last + silence - time.monotonic()
                if left <= 0:
                    break
                waiting: set[asyncio.Future[Any]] = {ended, stopped}
                await asyncio.wait(waiting, timeout=left, return_when=asyncio.FIRST_COMPLETED)
            return ended.result() if ended.done() else None
        finally:
            stopped.cancel()

    def shown(self, code: int | None, names: set[str], wanted: int, output: str) -> Shown:
        """Return what it has shown.

        Args:
            code: Its exit code; nothing if it did not end in time.
            names: The platforms that play.
            wanted: How many cells it was asked for.
            output: What it has said beside the events.
        """
        return replace(self.so_far(), trouble=self._trouble(code, names, wanted, output))

    def so_far(self) -> Shown:
        """Return what it has shown until it was interrupted."""
        every = self._cells.values()
        judged = [one for one in every if one.verdict is not Verdict.NOT_RUN]
        red = [one for one in judged if is_red(one.verdict) or one.verdict in self._also]
        passed = {one.cell: one.seconds for one in every if one.verdict is Verdict.PASSED}
        others = [one.verdict for one in every if one.verdict is not Verdict.PASSED and one not in red]
        return Shown(
            passed, tuple(Red(one.cell, scenario_of(one.cell), one.verdict, one.said) for one in red), Counter(others)
        )

    def _trouble(self, code: int | None, names: set[str], wanted: int, output: str) -> str:
        why = [f"{name}: {reason}" for name, reason in sorted(self._unavailable.items()) if name in names and reason]
        if code is None:
            return SILENT
        if why:
            return "; ".join(why)
        if self._finished is None or self._finished.exit_code != code or code in _NO_VERDICT or not self._cells:
            return unjudged(code, output)
        if self._planned != wanted:
            return f"{self._planned} of {wanted} cells are there"
        return ""
