"""One fuse for all workers of pytest-xdist: the controller writes down how cells end, and each worker reads it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from harmony.plan.cells import Cell
from harmony.verdict.events import CellFinished, Event, decode_event, encode_event
from harmony.verdict.fuse import Fuse

FEED: Final = "harmony_fuse"
"""What a worker is told: where the controller writes. On another machine there is no such file."""


class Feed:
    """Writes how cells end, each line at once."""

    def __init__(self, file: Path) -> None:
        self._stream = file.open("w", encoding="utf-8", buffering=1)

    def __call__(self, event: Event) -> None:
        """Write an event down."""
        if isinstance(event, CellFinished):
            self._stream.write(f"{encode_event(event.model_copy(update={'report': ''}))}\n")

    def close(self) -> None:
        """Close the file."""
        self._stream.close()


class FollowedFuse:
    """A fuse that also knows what other workers have seen.

    Args:
        fuse: Hears everything, what comes twice once.
        file: Where the controller writes; none if there is nobody to follow.
    """

    def __init__(self, fuse: Fuse, file: Path | None = None) -> None:
        self._fuse = fuse
        self._file = file
        self._at = 0

    def stopped(self, cell: Cell) -> str:
        """Say why a cell is not to be run; nothing if it is."""
        self._catch_up()
        return self._fuse.stopped(cell.pairing.platforms)

    def _catch_up(self) -> None:
        if self._file is None or not self._file.exists():
            return
        with self._file.open("rb") as stream:
            stream.seek(self._at)
            whole, newline, _ = stream.read().rpartition(b"\n")
        self._at += len(whole) + len(newline)
        for text in whole.decode("utf-8").splitlines():
            self._fuse(decode_event(text))
