"""A run in a process of its own, and beside it, in this one, its page."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import tempfile
import time
from collections.abc import Callable, Sequence
from typing import Final

from harmony.errors import ConfigurationError, ExitCode
from harmony.live.event_tail import EventTail
from harmony.live.live_page import LivePage
from harmony.live.page_server import PageServer

_PACE: Final = 0.25
"""Seconds between two looks at what the run has told; what happens between them is told at once."""
_ASKED: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class LiveRun:
    """A run that is looked at.

    Args:
        command: Of the run; where it shall tell its events is added.
        page: What is shown of it.
        say: Takes each line for the terminal.
        stay: Whether the page stays after the run, until somebody asks for its end.
    """

    def __init__(self, command: Sequence[str], page: LivePage, say: Callable[[str], None], *, stay: bool) -> None:
        self._command = command
        self._page = page
        self._say = say
        self._stay = stay
        self._asked = 0
        self._end = asyncio.Event()
        self._process: asyncio.subprocess.Process | None = None

    async def play(self) -> int:
        """Play it, and return its exit code.

        The first ^C ends the run and leaves the page; the second ends that. Whoever else asks ends both.

        Raises:
            ConfigurationError: There can be no page.
        """
        async with contextlib.AsyncExitStack() as kept:
            try:
                told = kept.enter_context(tempfile.TemporaryFile())  # noqa: SIM115 - it is kept
                server = await kept.enter_async_context(PageServer(self._page))
            except OSError as error:
                raise ConfigurationError(f"--live: {error}", hint="leave --live away") from error
            return await self._play(server, told.fileno())

    async def _play(self, server: PageServer, told: int) -> int:
        self._say(f"live: {server.address}{'' if self._stay else ' (as long as the run; --stay keeps it)'}")
        began, loop = time.monotonic(), asyncio.get_running_loop()
        for number in _ASKED:
            loop.add_signal_handler(number, self._ask, number)
        command = (*self._command, f"--events=/dev/fd/{told}")
        self._process = process = await asyncio.create_subprocess_exec(*command, pass_fds=(told,))
        ending = asyncio.create_task(process.wait())
        tail = EventTail(told)
        try:
            while not ending.done():
                await asyncio.wait({ending}, timeout=_PACE)
                self._hear(tail, server)
        finally:
            if not ending.done():
                process.kill()
        code = await ending
        while self._hear(tail, server):
            pass
        if code < 0:  # of what it is asked, a run may die before it can hear it
            code = ExitCode.INTERRUPTED if self._asked and -code in _ASKED else 128 - code
        self._page.end(code, time.monotonic() - began)
        server.tell()
        if self._stay and self._page.any_cell and not self._end.is_set():
            self._say(f"live: the run is over; ^C ends its page, {server.address}")
            await self._end.wait()
        return code

    def _hear(self, tail: EventTail, server: PageServer) -> bool:
        """Take what the run has told since; return whether there may be more."""
        events = tail.take()
        for event in events or ():
            self._page(event)
        server.tell()
        return events is not None

    def _ask(self, number: int) -> None:
        process = self._process
        goes_on = process is not None and process.returncode is None
        self._asked += 1
        if number != signal.SIGINT or self._asked > 1 or not goes_on:
            self._end.set()
        # A terminal sends ^C to the run as well.
        if process is not None and goes_on and not (number == signal.SIGINT and _in_front()):
            process.send_signal(signal.SIGTERM)


def _in_front() -> bool:
    """Whether this process and its run have the terminal, and so each hears of its ^C."""
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)
