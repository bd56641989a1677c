"""Files that a run leaves: what it told, and the page. Each is a subscriber."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from harmony.report.cell_steps import Steps
from harmony.report.facts import facts
from harmony.report.outcome import Outcome
from harmony.report.page import html_report
from harmony.report.past import Past
from harmony.report.terminal import is_matrix
from harmony.state import STATE_DIRECTORY, write_whole
from harmony.verdict.events import (
    MOMENTARY,
    CellFinished,
    CellStarted,
    Event,
    RunFinished,
    StepFinished,
    encode_event,
)

LAST_RUN: Final = STATE_DIRECTORY / "last-run.ndjson"
_ROOM: Final = 32_000_000
"""Characters of steps."""
PAGE: Final = STATE_DIRECTORY / "matrix.html"


class LastRun:
    """Keeps all that a run told, until the next run; of steps how they ended, as far as there is room.

    Args:
        file: Where. A run without a cell leaves the file as it is.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lines: list[str] = []
        self._any = False
        self._room = _ROOM

    def __call__(self, event: Event) -> None:
        """Take an event; write the file at the end."""
        line = "" if isinstance(event, MOMENTARY) else f"{encode_event(event)}\n"
        if isinstance(event, StepFinished):
            self._room -= len(line)
            line = line if self._room >= 0 else ""
        if line:
            self._lines.append(line)
        self._any |= isinstance(event, CellFinished)
        if isinstance(event, RunFinished) and self._any:
            write_whole(self._file, "".join(self._lines))


class Page:
    """Writes the run as one HTML file at the end.

    Args:
        file: Where, if it was asked for.
        usual: Where, if it was not: only of a run over pairings.
        written: Told of the file, when it is written.
        min_pass_rate: What forgives up to it; nothing does if absent.
        past: Says at the end what the run says with those before it.
    """

    def __init__(
        self,
        file: Path | None,
        usual: Path,
        written: Callable[[Path], None],
        min_pass_rate: float | None = None,
        past: Callable[[], Past | None] = lambda: None,
    ) -> None:
        self._file = file
        self._usual = usual
        self._written = written
        self._min_pass_rate = min_pass_rate
        self._past = past
        self._events: list[Event] = []
        self._steps = Steps()

    def __call__(self, event: Event) -> None:
        """Take an event; write the page at the end."""
        self._steps(event)
        if not isinstance(event, (*MOMENTARY, CellStarted, StepFinished)):
            self._events.append(event)
        if isinstance(event, RunFinished):
            outcome = Outcome.at_end(self._events, self._min_pass_rate)
            file = self._file or (self._usual if is_matrix(outcome.results) else None)
            if file is not None and outcome.results:
                write_whole(file, html_report(outcome, facts(self._events), self._steps, past=self._past()))
                self._written(file)
