from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from step_definitions.attempts import Attempts
from step_definitions.port import DriverError


async def works() -> str:
    return "done"


async def fails() -> None:
    raise DriverError("buffer_full", "no space", {"free": 3})


async def breaks() -> None:
    raise ZeroDivisionError


async def never() -> None:
    await asyncio.Event().wait()


def play(scene: Callable[[Attempts], Awaitable[object]]) -> object:
    async def whole() -> object:
        return await scene(Attempts())

    return asyncio.run(whole())


def test_the_error_is_returned_with_its_values() -> None:
    async def scene(attempts: Attempts) -> None:
        await attempts.make(fails())
        error, outcome = await attempts.error(["buffer_full"], 1)
        assert error.details == {"free": 3}
        assert outcome.seconds >= 0
        await attempts.close(1)

    play(scene)


def test_another_code_fails() -> None:
    async def scene(attempts: Attempts) -> None:
        await attempts.make(fails())
        await attempts.error(["timeout"], 1)

    with pytest.raises(AssertionError, match="expected the error 'timeout', seen buffer_full"):
        play(scene)


def test_success_fails_where_an_error_is_expected() -> None:
    async def scene(attempts: Attempts) -> None:
        await attempts.make(works())
        await attempts.error(["timeout"], 1)

    with pytest.raises(AssertionError, match="the operation succeeded: 'done'"):
        play(scene)


def test_nothing_attempted_fails() -> None:
    with pytest.raises(AssertionError, match="nothing has been attempted"):
        play(lambda attempts: attempts.error(["timeout"], 1))


def test_an_error_nobody_asks_about_fails_the_next_attempt_and_the_end() -> None:
    async def next_attempt(attempts: Attempts) -> None:
        await attempts.make(fails())
        await attempts.make(works())

    async def end(attempts: Attempts) -> None:
        await attempts.make(fails())
        await attempts.close(1)

    for scene in (next_attempt, end):
        with pytest.raises(AssertionError, match="no step expected: buffer_full"):
            play(scene)


def test_an_error_that_is_no_refusal_is_not_kept() -> None:
    with pytest.raises(ZeroDivisionError):
        play(lambda attempts: attempts.make(breaks()))


def test_what_is_blocked_is_told_from_what_came_back() -> None:
    async def scene(attempts: Attempts) -> None:
        attempts.start(never())
        assert await attempts.still_running(0.01)
        attempts.start(works())
        assert not await attempts.still_running(5)
        attempts.drop()
        assert attempts.pending == 0

    play(scene)


def test_what_never_comes_back_fails_at_the_end() -> None:
    async def scene(attempts: Attempts) -> None:
        attempts.start(never())
        await attempts.close(0.01)

    with pytest.raises(AssertionError, match="did not come back"):
        play(scene)


def test_an_error_in_the_background_fails_the_end() -> None:
    async def scene(attempts: Attempts) -> None:
        attempts.start(fails())
        await attempts.close(1)

    with pytest.raises(AssertionError, match="in the background: buffer_full"):
        play(scene)
