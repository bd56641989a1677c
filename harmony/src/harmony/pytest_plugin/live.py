"""Events on their way from a worker of pytest-xdist to its controller, while a cell runs.

A worker can send reports of tests, and nothing else. So it sends a report that stands for no phase of a test and
carries events; a controller on another machine gets it, too.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, cast

import pytest

from harmony.verdict.events import Event, decode_event, encode_event

_WHEN: Final = "harmony"
_LINES: Final = "harmony_events"


class Outbox:
    """What a worker has to tell."""

    def __init__(self) -> None:
        self._lines: list[str] = []

    def put(self, event: Event) -> None:
        """Keep an event for the next report."""
        self._lines.append(encode_event(event))

    def send(self, item: pytest.Item) -> None:
        """Send all that is kept, now. Only while the item runs: pytest-xdist knows no other sender."""
        report = pytest.TestReport(item.nodeid, item.location, {}, "passed", None, cast("Any", _WHEN))
        setattr(report, _LINES, self.take())
        item.ihook.pytest_runtest_logreport(report=report)

    def take(self) -> list[str]:
        """Return what is kept, and forget it."""
        lines, self._lines = self._lines, []
        return lines


def carries_events(report: pytest.TestReport) -> bool:
    """Whether a report carries events, and stands for nothing that was tested."""
    return str(report.when) == _WHEN


def take_events(report: pytest.TestReport, terminal: Any) -> list[Event]:
    """Return the events of a report, and forget it: the terminal keeps each report to the end of the session."""
    kept = terminal.stats.get("", []) if terminal is not None else []
    if kept and kept[-1] is report:
        kept.pop()
    return events_of(getattr(report, _LINES))


def events_of(lines: Iterable[str]) -> list[Event]:
    """Return the events that some lines tell."""
    return [decode_event(text) for text in lines]
