"""Where runs are kept: a directory with a file for each, of bounded number and size, written by several at once."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Final

from harmony.errors import ConfigurationError
from harmony.history.past_run import PastRun
from harmony.history.trends import OverTime, over_time, within
from harmony.state import STATE_DIRECTORY, read_whole, write_whole
from harmony.verdict.events import MOMENTARY, CellFinished, Event, RunFinished, StepFinished

HISTORY: Final = STATE_DIRECTORY / "history"
_MOST_BYTES: Final = 64 * 1024 * 1024
_PART: Final = ".part.json"
"""How the name of a run of a part ends: a hundred of these may not push a whole one out."""


class Store:
    """Runs in a directory.

    Args:
        directory: Where.
        most: How many whole runs are kept, and as many of a part of the cells.
        bytes_: How large all files may be together.
    """

    def __init__(self, directory: Path, most: int = 100, bytes_: int = _MOST_BYTES) -> None:
        self.directory = directory
        self._most = most
        self._bytes = bytes_

    def keep(self, run: PastRun) -> Path | None:
        """Write a run, and forget the oldest of those that are too many. The file; nothing if none is to be kept."""
        if not self._most:
            return None
        file = self.directory / f"{run.name}{'.json' if run.whole else _PART}"
        write_whole(file, run.to_json())
        self._forget()
        return file

    def files(self) -> list[Path]:
        """Return the files of runs, the newest first."""
        with contextlib.suppress(OSError):
            return sorted(self.directory.glob("*.json"), key=lambda file: file.name, reverse=True)
        return []

    def earlier(self, than: str) -> Iterator[PastRun]:
        """Give the runs before one, the newest first; what cannot be read is passed over."""
        for file in self.files():
            if file.name.partition(".")[0] < than:
                with contextlib.suppress(ConfigurationError, FileNotFoundError):
                    yield read_run(file)

    def over_time(self, run: PastRun) -> OverTime:
        """Return what a run says with those before it, of which not all may be looked at."""
        return over_time(within(chain((run,), self.earlier(run.name))))

    def _forget(self) -> None:
        """Remove the oldest: of each kind what is too much, and then what takes too much room."""
        room = self._bytes
        left = {True: self._most, False: self._most}
        for file in self.files():
            part = file.name.endswith(_PART)
            with contextlib.suppress(FileNotFoundError):
                room -= file.stat().st_size
                left[part] -= 1
                if left[part] < 0 or room < 0:
                    file.unlink()


def read_run(file: Path) -> PastRun:
    """Read a file of a store.

    Raises:
        ConfigurationError: It is none.
        FileNotFoundError: It is not there.
    """
    try:
        return PastRun.from_json(read_whole(file), str(file))
    except FileNotFoundError:
        raise
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{file}: {error}", hint="delete the file") from error


class Keeper:
    """A subscriber that keeps a run at its end; one without a cell is none."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._events: list[Event] = []
        self._any = False
        self._run: PastRun | None = None

    def __call__(self, event: Event) -> None:
        """Take an event; write the run at the end."""
        if isinstance(event, (*MOMENTARY, StepFinished)):
            return
        self._any |= isinstance(event, CellFinished)
        self._events.append(event)
        if isinstance(event, RunFinished) and self._any:
            self._run = PastRun.of({"run": self._events})
            self._store.keep(self._run)

    def over_time(self) -> OverTime | None:
        """Return what the run says with those before it, once it has ended and is kept."""
        return self._store.over_time(self._run) if self._run else None
