from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from step_definitions.pending_operations import OperationOutcome, PendingOperations
from step_definitions.port import DriverError


async def works() -> str:
    return "done"


async def fails() -> None:
    raise DriverError("buffer_full", "no space", {"free": 3})


async def breaks() -> None:
    raise ZeroDivisionError


async def never() -> None:
    await asyncio.Event().wait()


def play(scene: Callable[[PendingOperations], Awaitable[object]]) -> object:
    async def body() -> object:
        return await scene(PendingOperations())

    return asyncio.run(body())


def test_the_error_is_returned_with_its_values() -> None:
    async def scene(operations: PendingOperations) -> None:
        await operations.attempt(fails())
        error, outcome = await operations.error(["buffer_full"], 1)
        assert error.details == {"free": 3}
        assert outcome.seconds >= 0
        await operations.close(1)

    play(scene)


def test_another_code_fails() -> None:
    async def scene(operations: PendingOperations) -> None:
        await operations.attempt(fails())
        await operations.error(["timeout"], 1)

    with pytest.raises(AssertionError, match="expected the error 'timeout', seen buffer_full"):
        play(scene)


def test_success_fails_where_an_error_is_expected() -> None:
    async def scene(operations: PendingOperations) -> None:
        await operations.attempt(works())
        await operations.error(["timeout"], 1)

    with pytest.raises(AssertionError, match="the operation succeeded: 'done'"):
        play(scene)


def test_nothing_attempted_fails() -> None:
    with pytest.raises(AssertionError, match="nothing has been attempted"):
        play(lambda operations: operations.error(["timeout"], 1))


def test_an_error_nobody_asks_about_fails_the_next_attempt_and_the_end() -> None:
    async def next_attempt(operations: PendingOperations) -> None:
        await operations.attempt(fails())
        await operations.attempt(works())

    async def end(operations: PendingOperations) -> None:
        await operations.attempt(fails())
        await operations.close(1)

    for scene in (next_attempt, end):
        with pytest.raises(AssertionError, match="no step expected: buffer_full"):
            play(scene)


def test_an_error_that_is_no_refusal_is_not_kept() -> None:
    with pytest.raises(ZeroDivisionError):
        play(lambda operations: operations.attempt(breaks()))


def test_what_is_blocked_is_told_from_what_came_back() -> None:
    async def scene(operations: PendingOperations) -> None:
        operations.start(never())
        assert await operations.still_running(0.01)
        operations.start(works())
        assert not await operations.still_running(5)
        operations.drop()
        assert operations.pending == 0

    play(scene)


def test_what_never_comes_back_fails_at_the_end() -> None:
    async def scene(operations: PendingOperations) -> None:
        operations.start(never())
        await operations.close(0.01)

    with pytest.raises(AssertionError, match="did not come back"):
        play(scene)


def test_an_error_in_the_background_fails_the_end() -> None:
    async def scene(operations: PendingOperations) -> None:
        operations.start(fails())
        await operations.close(1)

    with pytest.raises(AssertionError, match="in the background: buffer_full"):
        play(scene)


def given_up(code: str, *, after: float, of: float) -> OperationOutcome:
    return OperationOutcome(DriverError(code, "no"), None, began=0.0, ended=after, patience=of)


@pytest.mark.parametrize("code", ["timeout", "buffer_full"])
def test_what_gives_up_before_its_time_fails(code: str) -> None:
    given_up(code, after=2.0, of=2.0).judge_time()
    with pytest.raises(AssertionError, match=f"it gave up early, with '{code}': it took 0 ms of the 2000 ms"):
        given_up(code, after=0.0, of=2.0).judge_time()


def test_a_refusal_that_took_its_whole_time_fails() -> None:
    given_up("reader_dead", after=1.9, of=2.0).judge_time()
    with pytest.raises(AssertionError, match="it learned late of 'reader_dead': it took 2000 ms of the 2000 ms"):
        given_up("reader_dead", after=2.0, of=2.0).judge_time()


def test_an_attempt_that_has_a_time_is_judged_by_it() -> None:
    async def scene(operations: PendingOperations) -> None:
        await operations.attempt(fails(), patience=2.0)
        await operations.error(["buffer_full"], 1)

    with pytest.raises(AssertionError, match="it gave up early"):
        play(scene)
