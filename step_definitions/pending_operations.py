"""Operations that may fail or block: what came of them, and when."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Collection, Coroutine
from dataclasses import dataclass
from typing import Any, Final

from step_definitions.port import DriverError

_LATE: Final = frozenset({"timeout", "buffer_full"})
"""What an operation says once its time is over, and not before."""
_ROUNDING: Final = 0.95
"""Of its time must be over: clocks of implementations differ in grain."""


@dataclass(frozen=True, slots=True)
class OperationOutcome:
    """What came of an operation.

    Attributes:
        error: Its error, or ``None`` if it succeeded.
        result: Its result.
        began: When, on the monotonic clock.
        ended: When it came back.
        patience: Seconds that it was given to wait, if it may wait at all.
    """

    error: DriverError | None
    result: Any
    began: float
    ended: float
    patience: float | None = None

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.ended - self.began

    def judge_time(self) -> None:
        """Fail if it gave up before its time was over, or waited all of it for an error that no waiting changes."""
        if self.error is None or self.patience is None:
            return
        took = f"took {self.seconds * 1000:.0f} ms of the {self.patience * 1000:.0f} ms it was given"
        if self.error.code in _LATE and self.seconds < self.patience * _ROUNDING:
            raise AssertionError(f"it gave up early, with {self.error.code!r}: it {took}")
        if self.error.code not in _LATE and self.seconds >= self.patience:
            raise AssertionError(f"it learned late of {self.error.code!r}: it {took}")


class PendingOperations:
    """The operations of one role whose outcome a later step asks for.

    An error that no step asks for fails the scenario, and so does an operation that never comes back.
    """

    def __init__(self) -> None:
        self._outcome: OperationOutcome | None = None
        self._pending: list[asyncio.Task[OperationOutcome]] = []
        self._endless: list[asyncio.Task[OperationOutcome]] = []

    async def attempt(self, work: Awaitable[Any], *, patience: float | None = None) -> OperationOutcome:
        """Await an operation that may fail, and keep its outcome.

        Args:
            work: The operation.
            patience: Seconds that it was given to wait; :meth:`error` then judges its time, too.
        """
        self._settle_before(work)
        self._outcome = await _observed(work, patience)
        return self._outcome

    def start(self, work: Awaitable[Any], *, endless: bool = False) -> None:
        """Begin an operation that goes on while other steps run; an endless one goes on until the scenario ends."""
        self._settle_before(work)
        task = asyncio.create_task(_observed(work))
        self._pending.append(task)
        if endless:
            self._endless.append(task)

    @property
    def pending(self) -> int:
        """How many operations have been started and not been asked for."""
        return len(self._pending)

    async def still_running(self, seconds: float) -> bool:
        """Return whether the operation that was started last is still going on after some seconds."""
        if not self._pending:
            raise AssertionError("nothing has been started in the background")
        done, _ = await asyncio.wait({self._pending[-1]}, timeout=seconds)
        return not done

    async def finished(self, timeout: float) -> OperationOutcome:
        """Wait for the oldest operation in the background.

        Raises:
            AssertionError: It does not come back in time.
        """
        if not self._pending:
            raise AssertionError("nothing has been started in the background")
        task = self._pending[0]
        done, _ = await asyncio.wait({task}, timeout=timeout)
        if not done:
            raise AssertionError(f"the operation in the background did not come back within {timeout:g} s")
        self._pending.remove(task)
        return task.result()

    async def outcome(self, timeout: float) -> OperationOutcome:
        """Return the outcome of the last attempt, or else of the oldest operation in the background."""
        outcome, self._outcome = self._outcome, None
        if outcome is None or outcome.error is None:
            return await self.finished(timeout) if self._pending else outcome or _nothing()
        return outcome

    async def error(self, codes: Collection[str], timeout: float) -> tuple[DriverError, OperationOutcome]:
        """Return the error, which must carry one of these codes.

        Raises:
            AssertionError: There is no error, it has another code, or it came at the wrong time.
        """
        wanted = " or ".join(repr(code) for code in codes)
        outcome = await self.outcome(timeout)
        if outcome.error is None:
            raise AssertionError(f"expected the error {wanted}, but the operation succeeded: {outcome.result!r}")
        if outcome.error.code not in codes:
            raise AssertionError(f"expected the error {wanted}, seen {outcome.error}") from outcome.error
        outcome.judge_time()
        return outcome.error, outcome

    def settle(self) -> None:
        """Fail if an error has not been asked for."""
        outcome, self._outcome = self._outcome, None
        if outcome is not None and outcome.error is not None:
            raise AssertionError(f"an error that no step expected: {outcome.error}") from outcome.error

    def _settle_before(self, work: Awaitable[Any]) -> None:
        try:
            self.settle()
        except AssertionError:
            if isinstance(work, Coroutine):
                work.close()
            raise

    def drop(self) -> None:
        """Forget everything: the process has been killed on purpose."""
        self._outcome = None
        for task in self._pending:
            task.cancel()
        self._pending.clear()

    async def close(self, timeout: float) -> None:
        """Wait for every operation in the background, and fail for each error that no step has asked for.

        What is endless ends with the scenario, or with the other side, whose scenario may have ended first.
        """
        self.settle()
        self._pending = [task for task in self._pending if task not in self._endless]
        for task in self._endless:
            task.cancel()
        await asyncio.gather(*self._endless, return_exceptions=True)
        while self._pending:
            outcome = await self.finished(timeout)
            if outcome.error is not None:
                raise AssertionError(f"in the background: {outcome.error}") from outcome.error


def _nothing() -> OperationOutcome:
    raise AssertionError("nothing has been attempted")


async def _observed(work: Awaitable[Any], patience: float | None = None) -> OperationOutcome:
    began = time.monotonic()
    try:
        result = await work
    except DriverError as error:
        return OperationOutcome(error, None, began, time.monotonic(), patience)
    return OperationOutcome(None, result, began, time.monotonic(), patience)
