"""Changes of files, from the system: what has changed on the ground of a project, a burst of saves at a time."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from harmony.errors import ConfigurationError
from harmony.plan.touched import DEEP, Ground

_QUIET_MS: Final = 100
"""How long nothing changes before a burst is over."""
_LONGEST_BURST_MS: Final = 1000


class Changes:
    """Watches the directories of a ground.

    Raises:
        ConfigurationError: What tells of changes is not installed.
    """

    def __init__(self) -> None:
        self._library = _library()
        self._queue: asyncio.Queue[set[Path] | OSError] = asyncio.Queue()
        self._stop = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def follow(self, ground: Ground) -> None:
        """Watch a ground, in place of any before it. What changes after this has returned is told.

        Raises:
            ConfigurationError: The system does not do it.
        """
        before, self._tasks = self._tasks, []
        stop, self._stop = self._stop, asyncio.Event()
        directories = dict(directories_of(ground))
        for deep in (True, False):
            some = sorted(path for path, recursive in directories.items() if recursive is deep)
            if some:
                self._tasks.append(asyncio.create_task(self._feed(some, deep, self._stop)))
        # A task watches from its first turn on.
        await asyncio.sleep(0)
        await _end(before, stop)
        for task in self._tasks:
            if task.done():
                task.result()

    async def next(self) -> set[Path]:
        """Return the files of the next burst, and of all that have come meanwhile.

        Raises:
            ConfigurationError: The system tells no more.
        """
        found = await self._queue.get()
        while not isinstance(found, OSError) and not self._queue.empty():
            more = self._queue.get_nowait()
            found = more if isinstance(more, OSError) else found | more
        if isinstance(found, OSError):
            raise _unwatchable(found) from found
        return found

    async def close(self) -> None:
        """Watch nothing any more."""
        tasks, self._tasks = self._tasks, []
        await _end(tasks, self._stop)

    async def _feed(self, directories: list[Path], deep: bool, stop: asyncio.Event) -> None:
        try:
            async for burst in self._library.awatch(
                *directories, recursive=deep, stop_event=stop, debounce=_LONGEST_BURST_MS, step=_QUIET_MS
            ):
                self._queue.put_nowait({Path(name) for _, name in burst})
        except OSError as error:
            self._queue.put_nowait(error)


def directories_of(ground: Ground) -> Iterator[tuple[Path, bool]]:
    """Yield the directories in which the files of a ground stand, and whether all below them are meant."""
    found: dict[Path, bool] = {}
    for pattern in ground.patterns():
        parts = Path(pattern).parts
        deep = DEEP in parts
        above = parts[: parts.index(DEEP)] if deep else parts[:-1]
        places = ground.root.glob("/".join(above)) if above else iter([ground.root])
        for found_place in places:
            place = Path(os.path.normpath(found_place))
            if place.is_dir():
                found[place] = found.get(place, False) or deep
    yield from found.items()


async def _end(tasks: list[asyncio.Task[None]], stop: asyncio.Event) -> None:
    stop.set()
    for task in tasks:
        with contextlib.suppress(asyncio.CancelledError):
            await task


def _library() -> Any:
    try:
        import watchfiles  # noqa: PLC0415 - nothing else needs it
    except ImportError as missing:
        raise ConfigurationError(
            "harmony watch takes watchfiles, which tells of changes of files",
            hint="pip install 'harmony-conformance[watch]'; or `harmony run --last-failed` repeats what is red",
        ) from missing
    return watchfiles


def _unwatchable(error: OSError) -> ConfigurationError:
    return ConfigurationError(
        f"changes of files are not told: {error}",
        hint="raise the system's limit (fs.inotify.max_user_watches), or look in turns: WATCHFILES_FORCE_POLLING=1",
    )
