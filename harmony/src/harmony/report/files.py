"""Files that a run leaves: what it told, and its matrix as a page. Each is a subscriber."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Final

from harmony.report.collected import Collected
from harmony.report.page import html_report
from harmony.report.terminal import is_matrix
from harmony.state import STATE_DIRECTORY, write_whole
from harmony.verdict.events import (
    CellFinished,
    Event,
    RunFinished,
    StepFinished,
    StepStarted,
    encode_event,
)
from harmony.verdict.implementations import facts as facts_of
from harmony.verdict.tally import combined

LAST_RUN: Final = STATE_DIRECTORY / "last-run.ndjson"
PAGE: Final = STATE_DIRECTORY / "matrix.html"


class LastRun:
    """Keeps all that a run told but its steps, until the next run.

    Args:
        file: Where. A run without a cell leaves the file as it is.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lines: list[str] = []
        self._any = False

    def __call__(self, event: Event) -> None:
        """Take an event; write the file at the end."""
        if not isinstance(event, StepStarted | StepFinished):
            self._lines.append(f"{encode_event(event)}\n")
        self._any |= isinstance(event, CellFinished)
        if isinstance(event, RunFinished) and self._any:
            write_whole(self._file, "".join(self._lines))


class Page(Collected):
    """Writes the matrix as one HTML file at the end.

    Args:
        file: Where, if it was asked for.
        usual: Where, if it was not: only of a run over pairings.
        written: Told of the file, when it is written.
    """

    def __init__(self, file: Path | None, usual: Path, written: Callable[[Path], None]) -> None:
        super().__init__()
        self._file = file
        self._usual = usual
        self._written = written

    def __call__(self, event: Event) -> None:
        """Take an event; write the page at the end."""
        super().__call__(event)
        if isinstance(event, RunFinished):
            file = self._file or (self._usual if is_matrix(self._results) else None)
            if file is not None and self._results:
                write_whole(file, self._text(event))
                self._written(file)

    def _text(self, end: RunFinished) -> str:
        facts = {
            **({"seed": str(self._begin.seed), "project": self._begin.project} if self._begin else {}),
            "finished": dt.datetime.now(dt.UTC).strftime("%Y-%m-%d %H:%M:%S UTC"),
            "took": f"{end.seconds:.1f} s",
            **facts_of(self._implementations),
            **{f"{name} is not available": reason for name, reason in self._unavailable.items()},
        }
        return html_report(combined(self._results), facts, end.problems, self._supports)
