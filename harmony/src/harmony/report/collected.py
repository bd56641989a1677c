"""What a report at the end needs of a run: a subscriber that keeps it."""

from __future__ import annotations

from harmony.verdict.events import CellFinished, Event, RunFinished, RunStarted, StepSupport, WorkerStarted
from harmony.verdict.implementations import Implementation, implementations


class Collected:
    """Keeps the results of cells and what is told of the run as a whole."""

    def __init__(self) -> None:
        self._begin: RunStarted | None = None
        self._results: list[CellFinished] = []
        self._supports: list[StepSupport] = []
        self._workers: dict[tuple[str, ...], WorkerStarted] = {}
        self._end: RunFinished | None = None

    def __call__(self, event: Event) -> None:
        """Take an event."""
        match event:
            case RunStarted():
                self._begin = event
            case CellFinished():
                self._results.append(event)
            case WorkerStarted():
                self._workers.setdefault((event.platform, event.implementation, event.version, event.language), event)
            case StepSupport():
                self._supports.append(event)
            case RunFinished():
                self._end = event
            case _:
                pass

    @property
    def _implementations(self) -> list[Implementation]:
        """What has played, and who has told it."""
        begin = [self._begin] if self._begin else []
        return implementations([*begin, *self._workers.values(), *self._results])

    @property
    def _unavailable(self) -> dict[str, str]:
        """Platforms that could not be started, and why."""
        platforms = self._begin.platforms if self._begin else {}
        return {name: reason for name, reason in platforms.items() if reason}
