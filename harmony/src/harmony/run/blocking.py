"""Functions that block, run beside a loop on threads that are kept for the next one."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import functools
import queue
import threading
import time
import typing
from collections.abc import Callable
from typing import Any, TypeVar

from harmony.run.loop_thread import thread_stack

T = TypeVar("T")

_AT_ONCE = 0.0005
"""Seconds that the loop itself waits for a function: too short to be missed, and cheaper than turning for it."""
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
        thread = self._idle.pop() if self._idle else _Thread(self._name)
        self._busy.add(thread)
        call = _Call(functools.partial(contextvars.copy_context().run, function), self._rest, thread, loop)
        thread.work.put(call)
        # Most functions have ended before the loop would have turned once.
        if not call.ended.acquire(timeout=_AT_ONCE):
            call.awaited = loop.create_future()
            if not call.ended.acquire(blocking=False):
                await call.awaited
        if call.error is not None:
            try:
                raise call.error
            finally:
                del call
        return typing.cast("T", call.value)

    def _rest(self, thread: _Thread) -> None:
        self._busy.discard(thread)
        self._idle.append(thread)

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
        super().__init__(name=name, daemon=True)
        self.work: queue.SimpleQueue[_Call | None] = queue.SimpleQueue()
        self.start()

    def run(self) -> None:
        while (call := self.work.get()) is not None:
            call.run()
            del call  # nothing of a step is held while the thread waits for the next one


class _Call:
    """One function on its way through a thread."""

    def __init__(
        self,
        function: Callable[[], Any],
        rest: Callable[[_Thread], None],
        thread: _Thread,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._function = function
        self._rest = rest
        self._thread = thread
        self._loop = loop
        self.value: Any = None
        self.error: BaseException | None = None
        self.ended = threading.Lock()
        self.ended.acquire()
        self.awaited: asyncio.Future[None] | None = None

    def run(self) -> None:
        try:
            self.value = self._function()
        except StopIteration as stop:
            self.error = RuntimeError(f"the function raised {stop!r}")
        except BaseException as error:  # noqa: BLE001 - it belongs to whoever awaits
            self.error = error
        self._rest(self._thread)
        self.ended.release()
        if self.awaited is not None:
            with contextlib.suppress(RuntimeError):  # the loop has been closed while this still ran
                self._loop.call_soon_threadsafe(self._settle)

    def _settle(self) -> None:
        if self.awaited is not None and not self.awaited.done():
            self.awaited.set_result(None)
