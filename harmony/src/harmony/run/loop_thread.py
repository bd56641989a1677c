"""An event loop in a thread of its own, on which the steps of one role run.

A step that blocks, blocks only this loop. Deadlines hold all the same: `within` cancels what awaits, and whoever waits
for the loop finds out that it stands still.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import sys
import threading
import traceback
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from pathlib import Path
from types import FrameType
from typing import Any, Final, TypeVar

from harmony.errors import HarmonyError, StepTimeoutError
from harmony.own_code import is_own_code

T = TypeVar("T")

CANCEL_GRACE: Final = 0.5
"""Seconds that cancelled work gets to end."""


class LoopStuckError(HarmonyError):
    """Something on the loop neither returned in time nor could be cancelled.

    Way out: see where it stands in the stack; a call that blocks belongs in a plain `def`, or in `BlockingCalls`.
    """

    code = "loop_stuck"


class LoopThread:
    """Runs coroutines in a thread of its own, each with a deadline that holds even if the loop is blocked.

    Attributes:
        lost: Whether something on the loop could not be ended, so that nothing more should be run on it.
    """

    def __init__(self, name: str = "loop") -> None:
        self.lost = False
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    @property
    def here(self) -> bool:
        """Whether the caller runs on the loop."""
        return threading.current_thread() is self._thread

    def post(self, function: Callable[..., object], *arguments: Any) -> bool:
        """Have a function called on the loop; return whether there is still a loop to call it."""
        try:
            self._loop.call_soon_threadsafe(function, *arguments)
        except RuntimeError:  # it is closed: whoever ends a worker does not ask who still reads
            return False
        return True

    def run(self, work: Coroutine[Any, Any, T], timeout: float) -> T:
        """Run the work and wait for its result in this thread.

        Raises:
            StepTimeoutError: It exceeded its time and was cancelled; the loop is usable.
            LoopStuckError: It exceeded its time and could not be cancelled; the loop is lost.
        """
        future = self._submit(work, timeout)
        try:
            return future.result(timeout + CANCEL_GRACE)
        except TimeoutError:
            if future.done():
                raise
            self.lost = True
            future.cancel()
            raise LoopStuckError(f"no end within {timeout:g} s, and it cannot be cancelled") from None

    async def perform(self, work: Coroutine[Any, Any, T], timeout: float) -> T:
        """Run the work and await its result on another loop.

        Raises:
            StepTimeoutError: It exceeded its time. If it could not be cancelled, the loop is `lost`.
        """
        future = asyncio.wrap_future(self._submit(work, timeout))
        try:
            done, _ = await asyncio.wait({future}, timeout=timeout + CANCEL_GRACE)
            if done:
                return future.result()
            self.lost = True
            raise StepTimeoutError(f"no end within {timeout:g} s", seconds=timeout, stack=self.stack())
        finally:
            future.cancel()

    def stack(self) -> str:
        """Return what blocks the loop, or what its coroutines await."""
        return "\n".join(part for part in (thread_stack(self._thread), task_stacks(self._loop)) if part)

    def close(self, timeout: float = CANCEL_GRACE) -> bool:
        """End the loop and its thread; return whether they have ended."""
        self.post(self._loop.stop)
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _submit(self, work: Coroutine[Any, Any, T], timeout: float) -> concurrent.futures.Future[T]:
        return asyncio.run_coroutine_threadsafe(contained(within(work, timeout)), self._loop)

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


async def within(work: Awaitable[T], seconds: float, stack: Callable[[], str] | None = None) -> T:
    """Await the work in the present task, and cancel it when its time is over.

    Args:
        work: What is awaited.
        seconds: Its time.
        stack: Says where it stands; all tasks of the loop by default.

    Raises:
        StepTimeoutError: Its time was over; the error says where it stood then.
    """
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None  # noqa: S101 - a coroutine runs in a task
    stood: str | None = None

    def expire() -> None:
        nonlocal stood
        stood = (stack or task_stacks)()
        task.cancel()

    timer = loop.call_later(seconds, expire)
    try:
        result = await work
    except asyncio.CancelledError:
        if stood is None or task.uncancel():
            raise
    except Exception:
        if stood is None:
            raise
        task.uncancel()
    else:
        if stood is None:
            return result
        task.uncancel()
    finally:
        timer.cancel()
    # Whatever the work made of being cancelled: its time was over.
    raise StepTimeoutError(f"no end within {seconds:g} s", seconds=seconds, stack=stood)


async def contained(work: Awaitable[T]) -> T:
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


def thread_stack(thread: threading.Thread) -> str:
    """Return where a thread stands in code that is neither ours nor Python's machinery for waiting."""
    frame = sys._current_frames().get(thread.ident or 0)  # noqa: SLF001 - the one documented way to see other threads
    entries = traceback.extract_stack(frame) if frame is not None else []
    return "".join(traceback.StackSummary.from_list(one for one in entries if not _hidden(one.filename)).format())


def task_stacks(loop: asyncio.AbstractEventLoop | None = None) -> str:
    """Return what the tasks of a loop await; those of the running loop by default."""
    found = ["".join(_coroutine_stack(task.get_coro())) for task in asyncio.all_tasks(loop)]
    return "\n".join(part for part in found if part)


def _coroutine_stack(coroutine: Any) -> Iterator[str]:
    while coroutine is not None:
        frame: FrameType | None = getattr(coroutine, "cr_frame", None) or getattr(coroutine, "gi_frame", None)
        if frame is not None and not _hidden(frame.f_code.co_filename):
            yield from traceback.format_list(traceback.extract_stack(frame, limit=1)[-1:])
        coroutine = getattr(coroutine, "cr_await", None) or getattr(coroutine, "gi_yieldfrom", None)


def _hidden(filename: str) -> bool:
    path = Path(filename)
    machinery = path.parent.name in {"asyncio", "concurrent"} or path.name in {"threading.py", "selectors.py"}
    return machinery or is_own_code(filename)
