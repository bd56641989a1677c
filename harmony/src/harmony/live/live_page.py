"""The page of a run that goes on: what happens in, what a browser must be told out. Pure but for the time of day."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from harmony.errors import ExitCode
from harmony.logs import moment
from harmony.report.cell_steps import Steps
from harmony.report.facts import facts
from harmony.report.outcome import Outcome
from harmony.report.page import live_overview
from harmony.report.page_data import page_data
from harmony.report.past import Past
from harmony.report.progress import Playing, tails
from harmony.report.under_way import UnderWay
from harmony.verdict.events import (
    MOMENTARY,
    CellFinished,
    CellStarted,
    Event,
    RunFinished,
    StepFinished,
)
from harmony.verdict.tally import combined, counts

_MOST_RUNNING: Final = 12
"""Cells that are named; of the others a page says how many there are."""
_TAIL: Final = 5


class LivePage:
    """A subscriber that knows at each moment what a browser lacks that has seen the page before.

    Args:
        min_pass_rate: What forgives up to it; nothing does if absent.
        past: Says at the end what the run says with those before it.
        durations: How long cells took that passed in earlier runs, by their keys.

    Attributes:
        number: Of the last event that a browser may see; each change of the page has one.
    """

    def __init__(
        self,
        min_pass_rate: float | None = None,
        past: Callable[[Sequence[Event]], Past | None] = lambda _: None,
        durations: Mapping[str, float] | None = None,
    ) -> None:
        self.number = 0
        self._past_of = past
        self._past: Past | None = None
        self._min_pass_rate = min_pass_rate
        self._events: list[Event] = []
        self._steps = Steps()
        self._cells: dict[str, list[CellFinished]] = {}
        self._changed: dict[str, int] = {}
        self._run = UnderWay(durations)

    def __call__(self, event: Event) -> None:
        """Take an event."""
        self.number += 1
        self._steps(event)
        self._run.take(event, moment(event.at))
        if isinstance(event, (*MOMENTARY, CellStarted, StepFinished)):
            return
        if isinstance(event, CellFinished):
            self._cells.setdefault(event.cell, []).append(event)
            # Behind all others: who asks what has changed reads from the end.
            self._changed.pop(event.cell, None)
            self._changed[event.cell] = self.number
        self._events.append(event)
        if self.is_over and self._cells:
            self._past = self._past_of(self._events)

    def end(self, code: int, seconds: float) -> None:
        """Take note that the run is over, where it has not said so itself."""
        if not self.is_over:
            found = counts(combined(one for runs in self._cells.values() for one in runs))
            self(RunFinished(verdicts=found, exit_code=code or ExitCode.FAILED, seconds=seconds))

    @property
    def is_over(self) -> bool:
        """Whether nothing more will change."""
        return bool(self._events) and isinstance(self._events[-1], RunFinished)

    @property
    def any_cell(self) -> bool:
        """Whether there is a cell to look at."""
        return bool(self._cells)

    def overview(self) -> str:
        """Return what changes of the page beside the cells."""
        outcome = Outcome.so_far(self._events, self._min_pass_rate)
        return live_overview(outcome, facts(self._events), self._past)

    def cells_since(self, number: int) -> dict[str, Any] | None:
        """Return the data of the cells that have changed since the event of that number; nothing where none has."""
        names: list[str] = []
        for name, changed in reversed(self._changed.items()):
            if changed <= number:
                break
            names.append(name)
        results = combined(one for name in names for one in self._cells[name])
        return page_data(results, (), self._steps) if results else None

    def now(self) -> dict[str, Any]:
        """Return how far the run is, and what runs: the longest first, with the milliseconds since it began.

        Of what takes far longer than before, also how long that was, and what its roles have written on stderr last.
        """
        clock = time.time()
        longest = [] if self.is_over else sorted(self._run.playing.items(), key=lambda one: one[1].since)
        left = None if self.is_over else self._run.left(clock)
        return {
            "done": len(self._cells),
            "planned": self._run.planned,
            "left": None if left is None else round(left),
            "running": [self._playing(name, one, clock) for name, one in longest[:_MOST_RUNNING]],
            "more": max(len(longest) - _MOST_RUNNING, 0),
            "over": self.is_over,
        }

    def _playing(self, name: str, one: Playing, clock: float) -> list[Any]:
        late = one.is_late(clock)
        told = [one.before, list(tails(one, _TAIL))] if late else []
        return [name, round((clock - one.since) * 1e3), one.step, late, *told]
