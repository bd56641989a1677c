"""Waiting for what is observed: what counts, when it ends, and what is said then."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable
from typing import Any

import pytest

from harmony import until
from harmony.steps.waiting import NotObservedError


def nth(number: int, value: Any, before: Any = None) -> Callable[[], Any]:
    """Return a condition that is so at the n-th look."""
    looks = itertools.count(1)

    def look() -> Any:
        if next(looks) >= number:
            return value
        if isinstance(before, Exception):
            raise before
        return before

    return look


@pytest.mark.parametrize("before", [None, 0, "", ConnectionRefusedError("no"), AssertionError("not yet")])
def test_it_returns_what_is_seen_as_soon_as_it_is_so(before: Any) -> None:
    assert asyncio.run(until(nth(5, "here", before), what="it", timeout=20)) == "here"


def test_a_condition_may_be_asynchronous() -> None:
    look = nth(3, 7)

    async def condition() -> int | None:
        await asyncio.sleep(0)
        found: int | None = look()
        return found

    assert asyncio.run(until(condition, what="it", timeout=20)) == 7


@pytest.mark.parametrize(
    ("seen", "said"),
    [([], r"seen last: \[\]"), (ConnectionRefusedError("nobody"), "seen last: ConnectionRefusedError: nobody")],
)
def test_its_end_says_what_was_awaited_and_what_was_seen_last(seen: Any, said: str) -> None:
    with pytest.raises(NotObservedError, match=rf"^the server listens: not so within 0\.05 s; {said}") as late:
        asyncio.run(until(nth(10**9, 1, seen), what="the server listens", timeout=0.05))
    assert (late.value.__cause__ is seen) == isinstance(seen, Exception)
    assert isinstance(late.value, AssertionError)


def test_a_look_that_does_not_end_is_given_up_at_the_deadline() -> None:
    began = time.monotonic()
    with pytest.raises(NotObservedError, match="the first look did not end"):
        asyncio.run(until(lambda: asyncio.sleep(60, result=True), what="it", timeout=0.05))
    assert time.monotonic() - began < 30


def test_there_is_always_one_look() -> None:
    assert asyncio.run(until(lambda: 5, what="it", timeout=0)) == 5
    with pytest.raises(NotObservedError):
        asyncio.run(until(lambda: 0, what="it", timeout=0))


def test_a_mistake_in_the_condition_is_not_waited_for() -> None:
    with pytest.raises(ZeroDivisionError):
        asyncio.run(until(lambda: 1 / 0, what="it", timeout=60))
