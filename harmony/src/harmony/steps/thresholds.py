"""Operations that must not take long: timed, and a warning in the scenario's log when they do."""

from __future__ import annotations

import functools
import inspect
import time
from collections.abc import Callable
from typing import Any, TypeVar, cast

from harmony.errors import StepClassError
from harmony.steps.context import current_context

Method = TypeVar("Method", bound=Callable[..., Any])


def performance_critical(threshold_ms: float) -> Callable[[Method], Method]:
    """Time a step (or any method a step calls) and warn in the scenario's log when it takes longer than a threshold.

    Args:
        threshold_ms: Milliseconds that are still right. Exceeding them warns; it never fails the step.
    """
    if threshold_ms <= 0:
        raise StepClassError(f"performance_critical({threshold_ms}): the threshold must be above 0 ms")

    def judge(operation: str, begin: float) -> None:
        seconds = time.perf_counter() - begin
        context = current_context()
        if context is None:
            return
        context.performance.record(operation, seconds)
        if seconds * 1e3 > threshold_ms:
            context.logger.warning(
                "slower than its threshold", operation=operation, ms=round(seconds * 1e3, 3), threshold_ms=threshold_ms
            )

    def decorate(method: Method) -> Method:
        operation = method.__qualname__.rpartition("<locals>.")[2]
        if inspect.iscoroutinefunction(method):

            @functools.wraps(method)
            async def timed_async(*arguments: Any, **named: Any) -> Any:
                begin = time.perf_counter()
                try:
                    return await method(*arguments, **named)
                finally:
                    judge(operation, begin)

            return cast("Method", timed_async)

        @functools.wraps(method)
        def timed(*arguments: Any, **named: Any) -> Any:
            begin = time.perf_counter()
            try:
                return method(*arguments, **named)
            finally:
                judge(operation, begin)

        return cast("Method", timed)

    return decorate
