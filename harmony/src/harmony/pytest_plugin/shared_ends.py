"""How cells end, for all workers of pytest-xdist: the controller writes it down, and each worker reads it.

So all of them stop the same platforms, and lose patience with the same ones.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from harmony.verdict.events import CellFinished, Event, Subscriber, decode_event, encode_event

FEED: Final = "harmony_ends"
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


class Follower:
    """Passes on what other workers have seen.

    Args:
        hear: Hears it; what this worker has seen itself comes again.
        file: Where the controller writes; none if there is nobody to follow.
    """

    def __init__(self, hear: Subscriber, file: Path | None = None) -> None:
        self._hear = hear
        self._file = file
        self._at = 0

    def catch_up(self) -> None:
        """Pass on what has been written since."""
        if self._file is None or not self._file.exists():
            return
        with self._file.open("rb") as stream:
            stream.seek(self._at)
            whole, newline, _ = stream.read().rpartition(b"\n")
        self._at += len(whole) + len(newline)
        for text in whole.decode("utf-8").splitlines():
            self._hear(decode_event(text))
