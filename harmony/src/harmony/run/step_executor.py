"""Where the steps of one role run: a loop of their own, so that no step can stop others or outlive its deadline."""

from __future__ import annotations

import asyncio
import contextvars
import sys
import threading
import time
import traceback
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from types import FrameType
from typing import Any, TypeVar

from harmony.errors import StepTimeoutError
from harmony.own_code import is_own_code
from harmony.run.loop_thread import LoopThread

T = TypeVar("T")


class StepExecutor(LoopThread):
    """A loop that is awaited, knows where it stands, and gives each plain function a thread.

    Attributes:
        lost: Whether something on it could not be stopped, so that nothing more should be run here.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.lost = False
        self._name = name
        self._plain: set[threading.Thread] = set()

    async def perform(self, work: Coroutine[Any, Any, T], timeout: float) -> T:
        """Run a coroutine on the executor and return its result.

        Raises:
            StepTimeoutError: It took longer than ``timeout`` seconds; it has been cancelled if that was possible.
        """
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        wrapped = asyncio.wrap_future(future)
        try:
            done, _ = await asyncio.wait({wrapped}, timeout=timeout)
            if done:
                return wrapped.result()
            stack = self.stack()
            cancelled = await asyncio.to_thread(self._cancelled, future)
            self.lost = self.lost or not cancelled or bool(self._plain)
            raise StepTimeoutError(f"no end within {timeout:g} s", seconds=timeout, stack=stack)
        finally:
            future.cancel()

    async def call(self, function: Callable[[], T]) -> T:
        """Run a plain function in a thread of its own. To be awaited on the executor.

        Cancelling stops the waiting, not the thread; the executor remembers that it still runs.
        """
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[T] = loop.create_future()
        context = contextvars.copy_context()

        def settle(value: T | None, error: BaseException | None) -> None:
            if not ended.done():
                if error is None:
                    ended.set_result(value)  # type: ignore[arg-type]
                else:
                    ended.set_exception(error)

        def work() -> None:
            value: T | None = None
            error: BaseException | None = None
            try:
                value = context.run(function)
            except StopIteration as stop:
                error = RuntimeError(f"the step raised {stop!r}")
            except BaseException as caught:  # noqa: BLE001 - it belongs to whoever awaits
                error = caught
            self._plain.discard(threading.current_thread())
            try:
                loop.call_soon_threadsafe(settle, value, error)
            except RuntimeError:  # the executor has been closed while this still ran
                return

        thread = threading.Thread(target=work, name=f"{self._name}-step", daemon=True)
        self._plain.add(thread)
        thread.start()
        return await ended

    def finish(self, timeout: float) -> bool:
        """Close the executor; return whether its thread and all plain functions have ended in time."""
        idle = self.idle(timeout)
        return self.close(timeout) and idle

    def idle(self, timeout: float) -> bool:
        """Wait for the plain functions that still run; return whether all have ended in time."""
        deadline = time.monotonic() + timeout
        for thread in tuple(self._plain):
            thread.join(max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in tuple(self._plain))

    def stack(self) -> str:
        """Return where the executor stands: its plain functions, what blocks its loop, or what its coroutines await."""
        frames = sys._current_frames()  # noqa: SLF001 - the one documented way to see other threads
        found = [
            _thread_stack(frames[thread.ident])
            for thread in (*self._plain, self._thread)
            if thread.ident is not None and thread.ident in frames
        ]
        found += ["".join(_coroutine_stack(task.get_coro())) for task in asyncio.all_tasks(self._loop)]
        return "\n".join(part for part in found if part)


def _thread_stack(frame: FrameType) -> str:
    own = {Path(__file__), Path(sys.modules[LoopThread.__module__].__file__ or "")}
    summary = traceback.StackSummary.from_list(
        entry
        for entry in traceback.extract_stack(frame)
        if Path(entry.filename) not in own and not _machinery(entry.filename)
    )
    return "".join(summary.format())


def _coroutine_stack(coroutine: Any) -> Iterator[str]:
    while coroutine is not None:
        frame: FrameType | None = getattr(coroutine, "cr_frame", None) or getattr(coroutine, "gi_frame", None)
        if frame is not None and not (_machinery(frame.f_code.co_filename) or is_own_code(frame.f_code.co_filename)):
            yield from traceback.format_list(traceback.extract_stack(frame, limit=1)[-1:])
        coroutine = getattr(coroutine, "cr_await", None) or getattr(coroutine, "gi_yieldfrom", None)


def _machinery(filename: str) -> bool:
    path = Path(filename)
    return path.parent.name in {"asyncio", "concurrent"} or path.name in {"threading.py", "selectors.py"}
