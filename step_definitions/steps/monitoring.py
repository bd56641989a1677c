"""Sentences of features/09-monitoring.feature: processor time, measured from outside."""

from __future__ import annotations

import asyncio
import mmap
import time

from harmony import ByteSize, step, then
from step_definitions import processes
from step_definitions.patterns import Pattern, Payload
from step_definitions.port import Driver, Transfer
from step_definitions.role import Role
from step_definitions.sentences import acting

_BLOCK = 1 << 20


class MonitoringSteps:
    """What an idle wait and a busy transfer cost."""

    def __init__(self, role: Role, driver: Driver) -> None:
        self._role = role
        self._driver = driver

    @then(acting(r"should use less than '(?P<percent>[^']+)' percent of a core over '(?P<seconds>[^']+)' seconds"))
    async def idle_cost(self, percent: float, seconds: float) -> None:
        """Compare the processor time of the process before and after a while."""
        number = await self._role.pid()
        before, began = processes.processor_seconds(number), time.monotonic()
        await asyncio.sleep(seconds)  # the scenario asks for idleness of this length
        used = processes.processor_seconds(number) - before
        share = 100 * used / (time.monotonic() - began)
        self._role.logger.info("idle", percent=round(share, 3))
        if share >= percent:
            raise AssertionError(f"waiting took {share:.2f} percent of a core, less than {percent:g} expected")

    @then(
        acting(
            r"should sleep at least once in '(?P<milliseconds>[^']+)' ms of processor time "
            r"over '(?P<seconds>[^']+)' seconds"
        )
    )
    async def sleeps(self, milliseconds: float, seconds: float) -> None:
        """Compare how often the busiest thread sleeps with its processor time, whatever a busy machine leaves it."""
        number = await self._role.pid()
        before = processes.activities(number)
        await asyncio.sleep(seconds)  # the scenario asks for a look of this length
        used, slept = 0.0, 0
        for thread, now in processes.activities(number).items():
            then_ = before.get(thread, processes.Activity())
            used, slept = max((used, slept), (now.seconds - then_.seconds, now.sleeps - then_.sleeps))
        self._role.logger.info("busiest thread", milliseconds=round(used * 1000, 3), sleeps=slept)
        if used * 1000 > milliseconds * (slept + 1):
            raise AssertionError(
                f"{used * 1000:.1f} ms of processor time and {slept} sleeps, one in {milliseconds:g} ms expected"
            )

    @step(acting(r"streams '(?P<count>\d+)' frames of size '(?P<size>[^']+)' as fast as possible"))
    async def stream(self, count: int, size: ByteSize) -> None:
        """Begin to write the same bytes again and again, so that making them costs nothing."""
        recipe = Payload(Pattern.SIMPLE, size)
        timeout = self._role.settings.bulk_timeout
        self._role.operations.start(
            self._driver.write(self._role.endpoints.writer(), recipe, count=count, timeout=timeout)
        )

    @step(acting(r"takes '(?P<count>\d+)' frames without looking at them"))
    async def take(self, count: int) -> None:
        """Read frames and release them untouched."""
        await self._role.read_many(count, look=False)

    @then(
        acting(r"should have used at most '(?P<factor>[^']+)' times the processor time of copying '(?P<amount>[^']+)'")
    )
    async def cost_of_copy(self, factor: float, amount: ByteSize) -> None:
        """Compare the processor time of the transfer with that of plain copies into shared memory, made now."""
        done = await self._transfer()
        copies = await asyncio.to_thread(_processor_time_of_copying, amount)
        self._role.logger.info("transfer", cpu=round(done.cpu_seconds, 4), copies=round(copies, 4))
        limit = copies * factor + 0.1
        if done.cpu_seconds > limit:
            raise AssertionError(f"{done.cpu_seconds:.3f} s of processor time, at most {limit:.3f} s expected")

    async def _transfer(self) -> Transfer:
        operations = self._role.operations
        if not operations.pending:
            return self._role.history.transfers[-1]
        outcome = await operations.finished(self._role.settings.bulk_timeout)
        if outcome.error is not None:
            raise outcome.error
        done: Transfer = outcome.result
        return done


def _processor_time_of_copying(amount: int) -> float:
    source = bytes(_BLOCK)
    with mmap.mmap(-1, 4 * _BLOCK) as target:
        begin = time.thread_time()
        for number in range(amount // _BLOCK):
            offset = number % 4 * _BLOCK
            target[offset : offset + _BLOCK] = source
        return time.thread_time() - begin
