"""Functions that block, run beside a loop on threads that are kept for the next one."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import queue
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

from harmony.run.loop_thread import thread_stack

T = TypeVar("T")

_SLICE = 0.01


class BlockingCalls:
    """Calls blocking functions for coroutines, each on a thread of its own while it runs.

    Args:
        name: Names the threads.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._idle: list[_Thread] = []
        self._busy: set[_Thread] = set()

    async def call(self, function: Callable[[], T]) -> T:
        """Return what the function returns; cancelling ends the waiting, not the function."""
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[T] = loop.create_future()
        context = contextvars.copy_context()
        thread = self._idle.pop() if self._idle else _Thread(self._name)

        def work() -> None:
            value: T | None = None
            error: BaseException | None = None
            try:
                value = context.run(function)
            except StopIteration as stop:
                error = RuntimeError(f"the step raised {stop!r}")
            except BaseException as caught:  # noqa: BLE001 - it belongs to whoever awaits
                error = caught
            self._busy.discard(thread)
            self._idle.append(thread)
            with contextlib.suppress(RuntimeError):  # the loop has been closed while this still ran
                loop.call_soon_threadsafe(_settle, ended, value, error)

        self._busy.add(thread)
        thread.work.put(work)
        return await ended

    async def settled(self, timeout: float) -> bool:
        """Wait for functions that nobody awaits any more; return whether all have ended in time."""
        deadline = time.monotonic() + timeout
        while self._busy and time.monotonic() < deadline:  # noqa: ASYNC110 - seldom, and on whatever loop this is
            await asyncio.sleep(_SLICE)
        return not self._busy

    def stack(self) -> str:
        """Return where the functions stand that run now."""
        return "\n".join(filter(None, map(thread_stack, tuple(self._busy))))

    def close(self, timeout: float = 0.5) -> None:
        """End the threads; one whose function does not end is left alone."""
        for thread in (*self._idle, *self._busy):
            thread.work.put(None)
        for thread in self._idle:
            thread.join(timeout)
        self._idle.clear()
        self._busy.clear()


class _Thread(threading.Thread):
    def __init__(self, name: str) -> None:
        super().__init__(name=f"{name}-step", daemon=True)
        self.work: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self.start()

    def run(self) -> None:
        while True:
            work = self.work.get()
            if work is None:
                return
            work()
            del work  # nothing of a step is held while the thread waits for the next one


def _settle(ended: asyncio.Future[Any], value: Any, error: BaseException | None) -> None:
    if ended.done():
        return
    if error is None:
        ended.set_result(value)
    else:
        ended.set_exception(error)
