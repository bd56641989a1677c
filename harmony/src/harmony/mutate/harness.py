"""Harmony in a copy: a process that has read the project once, and plays many trials, several at a time."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import socket
import tempfile
from collections.abc import Sequence
from typing import Final, Self

from harmony.mutate.trial import SILENT, Heard, Shown, merged, unjudged
from harmony.mutate.workshop import Workshop
from harmony.run.child_run import ChildRun, listen
from harmony.run.trials import Told, Trial, Verb, send

_SILENCE: Final = 120.0
_TIMES: Final = 10.0
"""How long it may say nothing: so many times the longest cell, and so many seconds more."""
_END_PATIENCE: Final = 15.0
"""Seconds for who was asked to end."""
_AFTER_THE_END: Final = 1.0
"""How long events may come when the process is gone: what it has forked may hold their pipe."""
_MORE: Final = ("--fuse=0", "--capture=sys", "-p", "no:cacheprovider")
"""Capturing by file descriptors, and a cache in a file, would be shared by trials side by side."""
_LONGEST_LINE: Final = 1 << 26


class _Process:
    """One process that plays trials.

    Attributes:
        cells: The keys of all cells that it could play; none where it has not become ready.
        forks: Whether it plays more than one trial.
    """

    def __init__(self, child: ChildRun, orders: socket.socket) -> None:
        self._child = child
        self._orders = orders
        self._numbers = itertools.count()
        self._ends: dict[int, asyncio.Future[int | None]] = {}
        self._looked: asyncio.Future[bool] | None = None
        self._ready = asyncio.Event()
        self._listener: asyncio.Task[None] | None = None
        self.cells: tuple[str, ...] = ()
        self.forks = False

    @classmethod
    async def start(cls, workshop: Workshop, words: Sequence[str]) -> Self:
        """Start one; return when it is ready, or has ended, or has taken too long."""
        mine, theirs = socket.socketpair()
        with theirs:
            more = [*_MORE, f"--touched=platform:{workshop.platform}", f"--trials={theirs.fileno()}"]
            child = await ChildRun.start(
                workshop.file,
                [*words, "-j", "1"],
                more,
                lambda _: None,
                python=workshop.python,
                inherits=[theirs.fileno()],
            )
        process = cls(child, mine)
        process._listener = asyncio.create_task(process._listen())
        try:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process._ready.wait(), _SILENCE)
        except BaseException:
            await process.close()
            raise
        return process

    @property
    def lives(self) -> bool:
        """Whether it can be asked for a trial."""
        return bool(self.cells) and self._listener is not None and not self._listener.done()

    @property
    def end(self) -> str:
        """How it has ended, or that it has not."""
        code = self._child.code
        return SILENT if code is None else unjudged(code, self._child.output())

    async def fresh(self) -> bool:
        """Whether all that it has read is as it was."""
        if not self.lives:
            return False
        self._looked = asyncio.get_running_loop().create_future()
        try:
            self._order(Verb.LOOK)
            return await asyncio.wait_for(self._looked, _SILENCE)
        except (OSError, TimeoutError):
            return False

    async def play(self, trial: Trial, names: set[str], enough: asyncio.Event) -> Shown:
        """Play a trial; one that nobody waits for any more is ended.

        Args:
            trial: The cells.
            names: The platforms that must be there.
            enough: Ends it: what it has shown until then is returned.
        """
        number, heard = next(self._numbers), Heard(faulty=trial.limited)
        longest = max(trial.cells.values(), default=0.0) if trial.limited else _SILENCE
        end = self._ends[number] = asyncio.get_running_loop().create_future()
        with tempfile.TemporaryFile() as asked, tempfile.TemporaryFile() as said:
            asked.write(trial.model_dump_json().encode())
            asked.seek(0)
            reading, writing = os.pipe()
            hearing = asyncio.create_task(listen(reading, heard))
            try:
                self._order(Verb.PLAY, number, (asked.fileno(), writing, said.fileno()))
                code = await heard.end(end, _SILENCE + _TIMES * longest, enough)
            except OSError:
                code = None
            finally:
                os.close(writing)
                await self._over(number, end)
                await asyncio.wait({hearing}, timeout=_END_PATIENCE if self.lives else _AFTER_THE_END)
                hearing.cancel()
            said.seek(0)
            output = said.read().decode("utf-8", "replace").strip()
        if enough.is_set() and code is None:
            return heard.so_far()
        if self.forks and not self.lives:
            return Shown(trouble=self.end)
        return heard.shown(code, names, len(trial.cells), output if self.forks else self._child.output())

    async def close(self) -> None:
        """Have it end with all that it plays."""
        with contextlib.suppress(OSError):
            self._orders.shutdown(socket.SHUT_WR)  # the stream has a duplicate, which stays open to hear the end
        self._orders.close()
        try:
            if self._listener is not None:
                await asyncio.wait({self._listener}, timeout=_END_PATIENCE)
        finally:
            if self._listener is not None:
                self._listener.cancel()
            await self._child.close()

    def _order(self, verb: Verb, number: int = 0, descriptors: Sequence[int] = ()) -> None:
        send(self._orders, verb, number, descriptors)

    async def _over(self, number: int, end: asyncio.Future[int | None]) -> None:
        """Return when a trial has ended, for which nobody waits any more."""
        for verb in (Verb.END, Verb.KILL):
            if not end.done() and self.lives and self.forks:
                with contextlib.suppress(OSError):
                    self._order(verb, number)
                    await asyncio.wait({end}, timeout=_END_PATIENCE)
        del self._ends[number]

    async def _listen(self) -> None:
        """Hear what it tells, to its end."""
        stream, writer = await asyncio.open_connection(sock=self._orders.dup(), limit=_LONGEST_LINE)
        try:
            while line := await stream.readline():
                self._hear(Told.model_validate_json(line))
        finally:
            writer.close()
        code = await self._child.wait()
        self._ready.set()
        for end in self._ends.values():
            if not end.done():
                end.set_result(None if self.forks else code)

    def _hear(self, told: Told) -> None:
        match told.what:
            case "ready":
                self.cells, self.forks = told.cells, told.forks
                self._ready.set()
            case "looked" if self._looked is not None and not self._looked.done():
                self._looked.set_result(told.fresh)
            case "ended" if (end := self._ends.get(told.number)) is not None and not end.done():
                end.set_result(told.code)
            case _:
                pass


class Harness:
    """Harmony in a copy, whichever process it is at the moment.

    Args:
        workshop: The copy.
        words: Of `harmony run`.
    """

    def __init__(self, workshop: Workshop, words: Sequence[str]) -> None:
        self._workshop = workshop
        self._words = words
        self._process: _Process | None = None

    async def cells(self) -> Sequence[str]:
        """Return the keys of all cells; none if it does not become ready, of which the next trial tells."""
        return (await self._started()).cells

    async def renew(self) -> None:
        """Read the project anew, where it is no longer what was read."""
        if self._process is not None and not await self._process.fresh():
            await self.close()

    async def play(self, trials: Sequence[Trial]) -> Shown:
        """Play trials, side by side if that is possible.

        Args:
            trials: Which; where one is to end with its first red cell, so are the others.
        """
        if not trials:
            return Shown()
        process = await self._started()
        if not process.lives:
            return Shown(trouble=process.end)
        names = {self._workshop.platform, *self._workshop.partners}
        if process.forks:
            enough = asyncio.Event()
            tasks = [asyncio.create_task(process.play(trial, names, enough)) for trial in trials]
            return await _together(tasks, enough, first=trials[0].most == 1)
        every = {key: seconds for trial in trials for key, seconds in trial.cells.items()}
        try:
            return await process.play(trials[0].model_copy(update={"cells": every}), names, asyncio.Event())
        finally:
            await self.close()

    async def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is not None:
            await process.close()

    async def _started(self) -> _Process:
        if self._process is None:
            self._process = await _Process.start(self._workshop, self._words)
        return self._process


async def _together(tasks: Sequence[asyncio.Task[Shown]], enough: asyncio.Event, *, first: bool) -> Shown:
    """Return what all show; where one has failed, or the first red cell is enough, the others are ended."""
    try:
        for done in asyncio.as_completed(tasks):
            found = await done
            if found.trouble or (found.red and first):
                enough.set()
        return merged([task.result() for task in tasks])
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
