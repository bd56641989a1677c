"""A run while it goes on, as lines: what begins, each step with role, time and verdict, and what came of it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from harmony.model import Phase, Verdict
from harmony.plan.pairing import Pairing
from harmony.text import shown
from harmony.verdict.events import CellFinished, CellStarted, Event, RunPlanned, RunStarted, StepFinished
from harmony.verdict.verdicts import is_red

LONGEST_CAUSE: Final = 300
"""Characters of it on a line."""
_AROUND: Final = {Phase.START: "(set-up)", Phase.FINISH: "(clean-up)"}


class Narration:
    """Says a line for what happens.

    Args:
        say: Takes each line.
        name: The project, where a person may not know which it is.
        steps: Whether to tell each step; otherwise only how far the run is, and what is red.
        mixed: Whether cells run side by side, so that each line must say whose it is.
        counted: Whether somebody else shows how far the run is.
    """

    def __init__(
        self, say: Callable[[str], None], *, name: str = "", steps: bool, mixed: bool, counted: bool = False
    ) -> None:
        self._say = say
        self._name = f"{name}: " if name else ""
        self._steps = steps
        self._mixed = mixed
        self._counted = counted
        self._cells = 0
        self._done = 0
        self._red = 0
        self._names: dict[str, str] = {}

    def __call__(self, event: Event) -> None:
        """Take an event."""
        for text in self._lines(event):
            self._say(text)

    def _lines(self, event: Event) -> Iterator[str]:
        match event:
            case RunStarted():
                yield f"harmony: {self._name}seed {event.seed}"
            case RunPlanned():
                self._cells = event.cells
                part = f", shard {event.shard} of {event.of}" if event.shard else ""
                yield f"{_counted(event.cells)}{part}"
            case CellStarted():
                self._names[event.cell] = f"{event.cell.partition('[')[0]} {Pairing.of(event.pairing).word}"
                if self._steps and not self._mixed:
                    yield f"{event.scenario} [{Pairing.of(event.pairing)}]"
            case StepFinished() if self._steps:
                yield from self._step(event)
            case CellFinished() if not event.late:
                yield from self._end(event)
            case _:
                pass

    def _step(self, event: StepFinished) -> Iterator[str]:
        # What surrounds the steps is of interest only where it goes wrong.
        if not event.step and event.verdict is Verdict.PASSED:
            return
        what = event.step or _AROUND.get(event.phase, f"({event.phase})")
        roles = ", ".join(event.outcomes)
        yield f"{self._before(event.cell)}{event.verdict:<11} {event.seconds * 1e3:8.1f} ms  {roles}: {what}"

    def _end(self, event: CellFinished) -> Iterator[str]:
        self._done += 1
        self._red += is_red(event.verdict)
        if self._steps:
            yield f"{self._before(event.cell)}= {event.verdict:<9} {event.seconds:8.3f} s   {_cause(event)}".rstrip()
        elif is_red(event.verdict):
            yield f"{event.verdict} {event.title} [{Pairing.of(event.pairing)}]: {_cause(event)}"
        if not self._steps and not self._counted and self._tenth(self._done) > self._tenth(self._done - 1):
            yield f"{self._done} of {_counted(self._cells)}, {self._red} red"

    def _tenth(self, done: int) -> int:
        return 10 * done // self._cells if self._cells else 0

    def _before(self, cell: str) -> str:
        return f"{self._names.get(cell, cell)} | " if self._mixed else "  "


def _counted(cells: int) -> str:
    return f"{cells} cell{'' if cells == 1 else 's'}"


def _cause(event: CellFinished) -> str:
    return shown(event.said, LONGEST_CAUSE)
