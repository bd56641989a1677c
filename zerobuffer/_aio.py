"""Waiting without blocking the event loop.

A thread waits in the core for the *possibility* to go on and takes nothing away that a cancelled call could lose.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from zerobuffer.config import deadline
from zerobuffer.errors import FrameTimeoutError

Result = TypeVar("Result")


class AsyncGate:
    """One waiting thread for one reader or writer, made when it is first needed.

    Args:
        set_cancelled: Tells the reader or writer to stop waiting.
    """

    def __init__(self, set_cancelled: Callable[[bool], None]) -> None:
        self._set_cancelled = set_cancelled
        self._executor: ThreadPoolExecutor | None = None
        self._turn = asyncio.Lock()

    async def run(self, attempt: Callable[[], Result], wait: Callable[[float], bool], timeout: float | None) -> Result:
        """Call `attempt` until it succeeds, waiting with `wait` whenever it says that nothing is there yet."""
        until = deadline(timeout)
        async with self._turn:
            while True:
                try:
                    return attempt()
                except FrameTimeoutError as failure:
                    left = until - time.monotonic()
                    if left <= 0:
                        raise failure.asked(timeout) from None
                with contextlib.suppress(FrameTimeoutError):  # the next attempt, which is the last, finds it out
                    await self._wait(wait, left)

    async def _wait(self, wait: Callable[[float], bool], timeout: float) -> None:
        if self._executor is None:
            self._executor = ThreadPoolExecutor(1, "zerobuffer-wait")
        waiting = asyncio.get_running_loop().run_in_executor(self._executor, wait, timeout)
        try:
            await asyncio.shield(waiting)
        except asyncio.CancelledError:
            # The thread leaves within one slice of its wait; only then is the endpoint free for the next call.
            self._set_cancelled(True)
            try:
                await asyncio.wait({waiting})
            finally:
                self._set_cancelled(False)
            if not waiting.cancelled():
                waiting.exception()
            raise

    def close(self) -> None:
        """End the waiting thread."""
        if self._executor is not None:
            self._set_cancelled(True)
            self._executor.shutdown()
            self._executor = None
