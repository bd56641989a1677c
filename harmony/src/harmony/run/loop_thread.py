"""An event loop in a thread of its own, on which one actor performs.

A step that blocks, blocks only this loop; the conversation goes on beside it.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import sys
import threading
import traceback
from collections.abc import Coroutine
from typing import Any, TypeVar

from harmony.errors import HarmonyError

T = TypeVar("T")

CANCEL_GRACE = 0.5


class LoopStuckError(HarmonyError):
    """Something on the loop neither returned in time nor could be cancelled."""

    code = "stage_stuck"


class LoopThread:
    """Runs coroutines in a thread of its own, each with a deadline that holds even if the loop is blocked."""

    def __init__(self, name: str = "loop") -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._current: concurrent.futures.Future[Any] | None = None
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T], timeout: float) -> T:
        """Run the work and return its result.

        Raises:
            TimeoutError: It exceeded its time and was cancelled; the loop is usable.
            LoopStuckError: It exceeded its time and could not be cancelled; the loop is lost.
            CancelledError: `interrupt` ended it.
        """
        future = asyncio.run_coroutine_threadsafe(_contained(work), self._loop)
        self._current = future
        try:
            return future.result(timeout)
        except TimeoutError:
            if future.done():
                raise
            if self._cancelled(future):
                raise
            raise LoopStuckError(f"no end within {timeout:g} s, and it cannot be cancelled") from None
        finally:
            self._current = None

    def interrupt(self) -> None:
        """Cancel what runs at the moment; safe from any thread."""
        current = self._current
        if current is not None:
            current.cancel()

    def responsive(self, timeout: float) -> bool:
        """Return whether the loop turns, rather than being blocked by what runs on it."""
        turned = threading.Event()
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(turned.set)
        return turned.wait(timeout)

    def close(self, timeout: float = CANCEL_GRACE) -> bool:
        """End the loop and its thread; return whether they have ended."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _cancelled(self, future: concurrent.futures.Future[Any]) -> bool:
        """Cancel and find out whether the loop has really let go of it."""
        future.cancel()
        settled = threading.Event()

        async def settle() -> None:
            asked = [task for task in asyncio.all_tasks() if task.cancelling()]
            if asked:
                await asyncio.wait(asked, timeout=CANCEL_GRACE)
            if all(task.done() for task in asked):
                settled.set()

        probe = asyncio.run_coroutine_threadsafe(settle(), self._loop)
        with contextlib.suppress(TimeoutError):
            probe.result(2 * CANCEL_GRACE)
        if not settled.is_set():
            probe.cancel()
        return settled.is_set()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
        finally:
            tasks = asyncio.all_tasks(self._loop)
            for task in tasks:
                task.cancel()
            if tasks:
                self._loop.run_until_complete(asyncio.wait(tasks, timeout=CANCEL_GRACE / 2))
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.close()


async def _contained(work: Coroutine[Any, Any, T]) -> T:
    """Keep `sys.exit` in a step from ending the loop and everything on it."""
    try:
        return await work
    except (SystemExit, KeyboardInterrupt) as error:
        raise RuntimeError(f"the step tried to end the process: {error!r}") from error


def stacks() -> str:
    """Return the stack of every thread of this process, as a person wants to read it."""
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    parts = []
    for ident, frame in sys._current_frames().items():  # noqa: SLF001 - the one documented way to see other threads
        lines = "".join(traceback.format_stack(frame))
        parts.append(f"thread {names.get(ident, '?')} ({ident}):\n{lines}")
    return "\n".join(parts)
