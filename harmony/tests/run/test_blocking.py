"""Blocking functions beside a loop: their results, their errors, and those that nobody awaits any more."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator

import pytest

from harmony import BlockingCalls

PATIENCE = 60.0


@pytest.fixture
def calls() -> Iterator[BlockingCalls]:
    made = BlockingCalls("sleeper")
    yield made
    made.close()


def run(body: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(PATIENCE):
            await body()

    asyncio.run(bounded())


def test_calls_block_neither_the_loop_nor_each_other(calls: BlockingCalls) -> None:
    meeting = threading.Barrier(3, timeout=PATIENCE)

    async def body() -> None:
        await asyncio.gather(*(calls.call(meeting.wait) for _ in range(3)))

    run(body)


def test_a_thread_is_kept_for_the_next_call(calls: BlockingCalls) -> None:
    async def body() -> None:
        first, second = [await calls.call(threading.current_thread) for _ in range(2)]
        assert first is second
        assert first.name == "sleeper"

    run(body)


@pytest.mark.parametrize(("raised", "seen"), [(TimeoutError, TimeoutError), (StopIteration, RuntimeError)])
def test_an_error_belongs_to_who_waits(calls: BlockingCalls, raised: type[Exception], seen: type[Exception]) -> None:
    def fail() -> None:
        raise raised("no")

    async def body() -> None:
        with pytest.raises(seen, match="no"):
            await calls.call(fail)

    run(body)


def test_what_is_given_up_goes_on_and_can_be_waited_for(calls: BlockingCalls) -> None:
    gate = threading.Event()

    async def body() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await calls.call(lambda: gate.wait(PATIENCE))
        assert "gate.wait" in calls.stack()
        assert not await calls.settled(0.0)
        gate.set()
        assert await calls.settled(PATIENCE)

    run(body)
