"""Head and tail of lines that may be any number, in bounded memory; what lies between is counted."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Final

from harmony.model import LogRecord

HEAD: Final = 100
TAIL: Final = 400
_GAP_LEVEL: Final = 3


class Excerpt:
    """Keeps the first and the last lines.

    Args:
        head: How many of the first.
        tail: How many of the last.
    """

    def __init__(self, head: int = HEAD, tail: int = TAIL) -> None:
        self._room = head
        self._head: list[LogRecord] = []
        self._tail: deque[LogRecord] = deque(maxlen=tail)
        self._left_out = 0

    def append(self, record: LogRecord) -> None:
        """Take a line."""
        if len(self._head) < self._room:
            self._head.append(record)
            return
        self._left_out += len(self._tail) == self._tail.maxlen
        self._tail.append(record)

    def records(self) -> tuple[LogRecord, ...]:
        """Return what is kept; one line says how many lines are missing in its place."""
        if not self._left_out:
            return (*self._head, *self._tail)
        return (*self._head, gap(self._left_out, self._tail[0].timestamp), *self._tail)

    def take(self) -> tuple[LogRecord, ...]:
        """Return what is kept, and begin again."""
        records = self.records()
        self._head.clear()
        self._tail.clear()
        self._left_out = 0
        return records


def gap(left_out: int, timestamp: str = "") -> LogRecord:
    """Return the line that stands for those that were left out."""
    return LogRecord(timestamp, _GAP_LEVEL, f"… {left_out} lines left out …")


def excerpt(records: Iterable[LogRecord], head: int = HEAD, tail: int = TAIL) -> tuple[LogRecord, ...]:
    """Return head and tail of some lines."""
    kept = Excerpt(head, tail)
    for record in records:
        kept.append(record)
    return kept.records()
