"""Waiting without blocking the event loop.

A thread waits in the core for the *possibility* to go on and takes nothing away that a cancelled call could lose.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, TypeVar

from zerobuffer.errors import FrameTimeoutError

Result = TypeVar("Result")


class Waitable(Protocol):
    """The part of a reader or writer that can be told to stop waiting."""

    def _set_cancelled(self, cancelled: bool, /) -> None: ...


class AsyncGate:
    """One waiting thread for one reader or writer, made when it is first needed."""

    def __init__(self, endpoint: Waitable) -> None:
        self._endpoint = endpoint
        self._executor: ThreadPoolExecutor | None = None
        self._turn = asyncio.Lock()

    async def run(
        self, attempt: Callable[[], Result], wait: Callable[[float | None], bool], timeout: float | None
    ) -> Result:
        """Call `attempt` until it succeeds, waiting with `wait` whenever it says that nothing is there yet."""
        deadline = None if timeout is None else time.monotonic() + timeout
        async with self._turn:
            while True:
                try:
                    return attempt()
                except FrameTimeoutError as failure:
                    left = None if deadline is None else max(0.0, deadline - time.monotonic())
                    if left == 0.0:
                        raise failure.asked(timeout) from None
                try:
                    await self._wait(wait, left)
                except FrameTimeoutError as failure:
                    raise failure.asked(timeout) from None

    async def _wait(self, wait: Callable[[float | None], bool], timeout: float | None) -> None:
        if self._executor is None:
            self._executor = ThreadPoolExecutor(1, "zerobuffer-wait")
        waiting = asyncio.get_running_loop().run_in_executor(self._executor, wait, timeout)
        try:
            await asyncio.shield(waiting)
        except asyncio.CancelledError:
            # The thread leaves within one slice of its wait; only then is the endpoint free for the next call.
            self._endpoint._set_cancelled(True)  # noqa: SLF001 - the gate is part of the endpoint
            try:
                await asyncio.wait({waiting})
            finally:
                self._endpoint._set_cancelled(False)  # noqa: SLF001
            if not waiting.cancelled():
                waiting.exception()
            raise

    def close(self) -> None:
        """End the waiting thread."""
        if self._executor is not None:
            self._endpoint._set_cancelled(True)  # noqa: SLF001
            self._executor.shutdown()
            self._executor = None
