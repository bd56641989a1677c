"""Reads the events that another process writes into a file, while it writes them."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator
from typing import Final

import pydantic

from harmony.verdict.events import Event, decode_event

_AT_ONCE: Final = 1 << 22
"""Bytes: of many events, a browser shall hear of some before all are read."""


class EventTail:
    """Reads what has been written since it last read. The file holds what has not been read yet: no writer waits.

    Args:
        descriptor: Of the file.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._offset = 0
        self._rest = b""

    def take(self) -> list[Event] | None:
        """Return the events of the lines that have become whole; nothing where nothing has been written."""
        read = os.pread(self._descriptor, _AT_ONCE, self._offset)
        if not read:
            return None
        self._offset += len(read)
        *lines, self._rest = (self._rest + read).split(b"\n")
        return list(_events_of(lines))


def _events_of(lines: Iterable[bytes]) -> Iterator[Event]:
    for line in lines:
        # A run that is killed leaves half a line.
        with contextlib.suppress(pydantic.ValidationError):
            yield decode_event(line.decode("utf-8", "replace"))
