"""Watching: a change ends what runs, and what it touches runs; what is red comes first."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import Final

from harmony.errors import ExitCode, HarmonyError
from harmony.logs import now
from harmony.plan.touched import Ground, Touched
from harmony.project import Project
from harmony.run.child_run import ChildRun
from harmony.verdict.events import Event, RunPlanned
from harmony.watch.board import Board, local_time
from harmony.watch.changes import Changes
from harmony.watch.screen import Screen

_FIRST_RED: Final = "--failed-first"


class Watch:
    """Runs what changes touch, until it is cancelled.

    Args:
        load: Reads the project anew.
        words: Of `harmony run`.
        board: Keeps how each cell stands.
        screen: Shows it.
    """

    def __init__(self, load: Callable[[], Project], words: Sequence[str], board: Board, screen: Screen) -> None:
        self._load = load
        self._words = words
        self._board = board
        self._screen = screen
        self._changes = Changes()
        self._project = load()
        self._planned = 0

    async def run(self) -> None:
        """Run everything, and then what each change touches."""
        await self._changes.follow(self._ground)
        todo = Touched(everything=True)
        change = asyncio.create_task(self._change())
        try:
            while True:
                if not todo or await self._is_cut_short(todo, change):
                    todo |= await change
                    change = asyncio.create_task(self._change())
                else:
                    todo = Touched()
        finally:
            change.cancel()
            await self._changes.close()

    @property
    def _ground(self) -> Ground:
        return Ground.of(self._project.settings, self._project.root)

    async def _change(self) -> Touched:
        """Wait for a change that touches a cell."""
        while True:
            files = {file for file in await self._changes.next() if not file.is_dir()}
            if self._project.file in files:
                await self._read_again()
            touched = self._ground.touched(files, [file for file in files if not file.exists()])
            if touched:
                return touched

    async def _read_again(self) -> None:
        # While the project file is wrong, the run says so, and the ground stays what it was.
        with contextlib.suppress(HarmonyError):
            self._project = self._load()
            await self._changes.follow(self._ground)

    async def _is_cut_short(self, touched: Touched, change: asyncio.Task[Touched]) -> bool:
        """Run what is touched; return whether a change has come first."""
        self._board.begin()
        self._planned = 0
        more = [_FIRST_RED, *(f"--touched={word}" for word in touched.words())]
        child = await ChildRun.start(self._project.file, self._words, more, self._hear)
        self._screen.state(f"{_clock()} runs: {touched}")
        try:
            end = asyncio.create_task(child.wait())
            await asyncio.wait({end, change}, return_when=asyncio.FIRST_COMPLETED)
            if not end.done():
                self._screen.state(f"{_clock()} a change ends this run, and begins another")
                return True
            self._finish(touched, await end, child)
            return False
        finally:
            await child.close()

    def _hear(self, event: Event) -> None:
        if isinstance(event, RunPlanned):
            self._planned = event.cells
            self._screen.trouble("")
        row = self._board.take(event)
        if row is not None:
            self._screen.ended(row)

    def _finish(self, touched: Touched, code: int, child: ChildRun) -> None:
        ended, red = self._board.seen()
        self._board.end(touched)
        if ended:
            how = f"{ended} of {self._planned} cells ran ({touched}), {red} red; all in all {self._board.counts()}"
            # Such as an expectation that is not true any more.
            self._screen.trouble(child.output() if code and not red else "")
        else:
            how = "nothing to run" if code == ExitCode.NOTHING_SELECTED else f"nothing ran (exit {code})"
            self._screen.trouble("" if code == ExitCode.NOTHING_SELECTED else child.output())
        self._screen.state(f"{_clock()} {how}; waiting for a change, ^C ends")
        self._screen.changed()


def _clock() -> str:
    return local_time(now())
