"""Files that a run leaves: what it told, and its matrix as a page. Each is a subscriber."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from harmony.project_file import STATE_DIRECTORY
from harmony.report.page import html_report
from harmony.report.terminal import is_matrix
from harmony.verdict.events import (
    CellFinished,
    Event,
    RunFinished,
    RunStarted,
    StepFinished,
    StepStarted,
    StepSupport,
    line,
)
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
            self._lines.append(f"{line(event)}\n")
        self._any |= isinstance(event, CellFinished)
        if isinstance(event, RunFinished) and self._any:
            write(self._file, "".join(self._lines))


class Page:
    """Writes the matrix as one HTML file at the end.

    Args:
        file: Where, if it was asked for.
        usual: Where, if it was not: only of a run over pairings.
        written: Told of the file, when it is written.
    """

    def __init__(self, file: Path | None, usual: Path, written: Callable[[Path], None]) -> None:
        self._file = file
        self._usual = usual
        self._written = written
        self._facts: dict[str, str] = {}
        self._unavailable: dict[str, str] = {}
        self._results: list[CellFinished] = []
        self._supports: list[StepSupport] = []

    def __call__(self, event: Event) -> None:
        """Take an event; write the page at the end."""
        if isinstance(event, RunStarted):
            self._facts = {"seed": str(event.seed), "project": event.project}
            self._unavailable = {name: reason for name, reason in event.platforms.items() if reason}
        elif isinstance(event, CellFinished):
            self._results.append(event)
        elif isinstance(event, StepSupport):
            self._supports.append(event)
        elif isinstance(event, RunFinished):
            file = self._file or (self._usual if is_matrix(self._results) else None)
            if file is not None and self._results:
                write(file, self._text(event))
                self._written(file)

    def _text(self, end: RunFinished) -> str:
        facts = {
            **self._facts,
            "finished": dt.datetime.now(dt.UTC).strftime("%Y-%m-%d %H:%M:%S UTC"),
            "took": f"{end.seconds:.1f} s",
            **{f"{name} is not available": reason for name, reason in self._unavailable.items()},
        }
        return html_report(combined(self._results), facts, end.problems, self._supports)


def write(file: Path, text: str) -> None:
    """Write a file that no reader sees half of."""
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_name(f"{file.name}.{os.getpid()}")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(file)
    finally:
        temporary.unlink(missing_ok=True)
