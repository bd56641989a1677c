"""The actor over a worker of ours: what the runner asks of it beyond single steps."""

from __future__ import annotations

import asyncio
import sys
import time
from dataclasses import replace
from typing import Any

import pytest

from harmony.model import DataTable, ProcessAction, ScenarioStart, StepCall, StepOutcome, StepType, Verdict
from harmony.process.child import ProcessSpec
from harmony.run.step_worker import StepWorker
from harmony.values import ScenarioValues
from harmony.wire.jsonrpc import Message, Request, first_object
from peer import TOY, WORKERS, environment

SPEC = ProcessSpec("toy", [sys.executable, str(TOY)], WORKERS, environment(TOY='{"timeout": 0.3}'))
START = ScenarioStart("writer", "toy", "1.1 S", 41, 2)


def when(text: str, table: DataTable | None = None) -> StepCall:
    return StepCall(StepType.WHEN, text, "writer", table, timeout=0.3)


@pytest.mark.parametrize("action", [ProcessAction.KILL, ProcessAction.CRASH, ProcessAction.SHUTDOWN])
def test_a_worker_that_the_scenario_ends_has_nothing_to_settle_or_to_finish(action: ProcessAction) -> None:
    async def run() -> tuple[StepOutcome, StepOutcome]:
        worker = await StepWorker.launch(SPEC)
        await worker.start(START)
        controlled, settled = await worker.control(action), await worker.settle(5)
        await worker.finish()
        assert worker.ended
        assert not worker.reusable
        await worker.close()
        return controlled, settled

    assert [outcome.verdict for outcome in asyncio.run(run())] == [Verdict.PASSED, Verdict.PASSED]


def test_a_step_beyond_its_time_comes_with_the_stack_of_the_worker() -> None:
    async def run() -> StepOutcome:
        worker = await StepWorker.launch(SPEC)
        await worker.start(START)
        outcome = await worker.perform(when("it blocks a thread for 30 s"))
        assert not worker.reusable
        await worker.close()
        return outcome

    began = time.monotonic()
    outcome = asyncio.run(run())
    assert outcome.verdict is Verdict.TIMED_OUT
    assert outcome.data["timeoutType"] == "STEP_EXECUTION_TIMEOUT"
    assert "thread" in outcome.data["stack"]
    assert began <= outcome.data["since"] <= time.monotonic()
    assert outcome.data["verb"] == "it blocks a thread for 30 s"


def test_it_says_what_is_under_way_and_since_when() -> None:
    """Of a worker that has not timed out itself, this decides whether it is shown first."""

    async def run() -> None:
        worker = await StepWorker.launch(SPEC)
        await worker.start(START)
        before = time.monotonic()
        blocking = asyncio.create_task(worker.perform(when("it blocks a thread for 1 s")))
        scene = await worker.stacks()
        while "verb" not in scene and not blocking.done():
            scene = await worker.stacks()
        assert scene["verb"] == "it blocks a thread for 1 s"
        assert before <= scene["since"] <= time.monotonic()
        await blocking
        await worker.close()

    asyncio.run(run())


class Contexts:
    """Hears the context of every step that is sent."""

    def __init__(self) -> None:
        self.seen: list[Any] = []

    def sent(self, message: Message, _at: float) -> None:
        if isinstance(message, Request) and message.method == "executeStep":
            self.seen.append(first_object(message.params)["Context"])

    def received(self, message: Message, _at: float) -> None:
        pass


def test_values_go_only_to_workers_that_announce_them() -> None:
    """A worker of others may read nothing but an empty context."""
    contexts, start = Contexts(), replace(START, values=ScenarioValues())

    async def run() -> None:
        worker = await StepWorker.launch(SPEC)
        worker.observe(lambda _: None, contexts)
        await worker.start(start)
        await worker.perform(when("it tells its scenario"))
        start.values.publish("server", "port", 7)
        await worker.perform(when("it tells its scenario"))
        worker.state.discovery.capabilities.pop("sharedValues")
        await worker.perform(when("it tells its scenario"))
        await worker.close()

    asyncio.run(run())
    assert contexts.seen == [{}, {"sharedValues": {"server": {"port": 7}}}, {}]


def test_tables_go_only_to_workers_that_announce_them() -> None:
    table = DataTable(("a",), (("1",),))

    async def run() -> tuple[StepOutcome, StepOutcome]:
        worker = await StepWorker.launch(SPEC)
        await worker.start(START)
        able = await worker.perform(when("it tells its table", table))
        worker.state.discovery.capabilities.pop("tables")
        unable = await worker.perform(when("it tells its table", table))
        await worker.close()
        return able, unable

    able, unable = asyncio.run(run())
    assert able.data["table"] == [{"a": "1"}]
    assert (unable.verdict, unable.error) == (Verdict.UNSUPPORTED, "toy does not announce the capability 'tables'")


def test_a_worker_serves_one_loop_after_the_other() -> None:
    """Each scenario runs in an event loop of its own; the worker stays."""
    worker = asyncio.run(StepWorker.launch(SPEC))
    for _ in range(3):
        asyncio.run(worker.start(START))
        assert asyncio.run(worker.perform(when("it tells its scenario"))).data["id"] == "41_2"
        asyncio.run(worker.finish())
        worker.check_leftovers()
    asyncio.run(worker.close())


def test_a_step_that_a_worker_has_and_cannot_do_is_unsupported_with_its_reason() -> None:
    async def run() -> list[StepOutcome]:
        worker = await StepWorker.launch(SPEC)
        await worker.start(START)
        outcomes = [await worker.perform(when(text)) for text in ("it declines", "the moon is full")]
        assert worker.reusable
        await worker.close()
        return outcomes

    declined, missing = asyncio.run(run())
    assert (declined.verdict, declined.error) == (Verdict.UNSUPPORTED, "no such objects on this system")
    assert missing.verdict is Verdict.UNSUPPORTED
    assert missing.error.startswith("No matching step definition found for: the moon")
