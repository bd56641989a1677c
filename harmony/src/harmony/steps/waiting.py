"""Waiting for what is observed, instead of for a while."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar, overload

from harmony.errors import ExitCode, HarmonyError
from harmony.text import shown

Seen = TypeVar("Seen")
_FIRST_PAUSE: Final = 0.001
_LONGEST_PAUSE: Final = 0.05
_LONGEST: Final = 400


class NotObservedError(HarmonyError, AssertionError):
    """What was waited for was not so in time; whoever expects failed assertions expects this, too.

    Way out: the message says what was seen last; allow more time if it would still have come.
    """

    code = "not_observed"
    exit_code = ExitCode.FAILED


@overload
async def until(condition: Callable[[], Awaitable[Seen | None]], *, timeout: float = ..., what: str) -> Seen: ...
@overload
async def until(condition: Callable[[], Seen | None], *, timeout: float = ..., what: str) -> Seen: ...
async def until(condition: Callable[[], Any], *, timeout: float = 5.0, what: str) -> Any:
    """Look again and again until something is so; return what was seen then.

    Args:
        condition: Plain or asynchronous; returns something true when it is so. That it raises an `OSError` or an
            `AssertionError`, such as a refused connection, means: not yet.
        timeout: Seconds. There is always one look.
        what: What is waited for, as the error says it.

    Raises:
        NotObservedError: It was not so in time; says what was seen last.

    Example:
        >>> import asyncio
        >>> looks = iter([None, None, "listening"])
        >>> asyncio.run(until(lambda: next(looks), what="the server listens"))
        'listening'
    """
    deadline = time.monotonic() + timeout
    pause, last = _FIRST_PAUSE, "nothing, as the first look did not end"
    cause: Exception | None = None
    while True:
        try:
            async with asyncio.timeout(max(0.0, deadline - time.monotonic())) as limit:
                seen = condition()
                if inspect.isawaitable(seen):
                    seen = await seen
        except (OSError, AssertionError) as error:
            if not limit.expired():
                last, cause = f"{type(error).__name__}: {error}", error
        else:
            if seen:
                return seen
            last, cause = repr(seen), None
        if time.monotonic() >= deadline:
            text = f"{what}: not so within {timeout:g} s; seen last: {shown(last, _LONGEST)}"
            raise NotObservedError(text, hint="wait longer, or look at what should have made it so") from cause
        await asyncio.sleep(min(pause, max(0.0, deadline - time.monotonic())))
        pause = min(pause * 2, _LONGEST_PAUSE)
