"""Sentences of features/11-stress.feature: bounded by configuration."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter

from harmony import ByteSize, expect_equal, step, then
from step_definitions.held_resources import HeldResources
from step_definitions.observer import BufferView
from step_definitions.patterns import Pattern, Payload
from step_definitions.port import Driver, DriverError
from step_definitions.role import Role
from step_definitions.sentences import acting, stating
from step_definitions.verification import verify_series

_COUNTERS = 1 << 64
_BATCH = 500


class StressSteps:
    """Many buffers, long runs, storms."""

    def __init__(self, role: Role, driver: Driver, held: HeldResources) -> None:
        self._role = role
        self._held = held
        self._driver = driver
        self._written = 0
        self._crowd: list[str] = []
        self._storm: asyncio.Task[Counter[str]] | None = None
        self._calm = asyncio.Event()

    @step(acting(r"writes frames of size '(?P<size>[^']+)' for the time of a long run"))
    async def write_long(self, size: ByteSize) -> None:
        """Begin to write for the configured time."""
        self._role.operations.start(self._write_until(time.monotonic() + self._role.settings.long_run, size))

    @step(acting(r"reads frames for the time of a long run"))
    async def read_long(self) -> None:
        """Read for the configured time and check every byte."""
        await self._held.note()
        end = time.monotonic() + self._role.settings.long_run + self._role.settings.idle_timeout
        while time.monotonic() < end:
            done = await self._role.read_many()
            verify_series(done)

    @then(
        acting(
            r"should have written as many frames as the header of buffer '(?P<base>[^']+)' counts from '(?P<start>\d+)'"
        )
    )
    async def counted(self, base: str, start: int) -> None:
        """Compare the counter in memory, which may have wrapped around, with what was written."""
        await self._role.operations.finished(self._role.settings.bulk_timeout)
        counted = (self._role.view(base).field("payload_written_count") - start) % _COUNTERS
        if not self._written <= counted <= 2 * self._written:
            raise AssertionError(f"{self._written} frames written, {counted} frames and markers counted")

    @step(acting(r"creates buffers called '(?P<base>[^']+)' until it is refused"))
    async def crowd(self, base: str) -> None:
        """Create buffers until the system refuses."""
        await self._held.note()
        for number in range(10_000):
            name = f"{base}-{number}"
            outcome = await self._role.operations.attempt(self._role.create(name, 64, 4096))
            if outcome.error is not None:
                return
            self._crowd.append(name)
        raise AssertionError("ten thousand buffers, and nothing refused another")

    @step(acting(r"closes all its buffers"))
    async def close_all(self) -> None:
        """Close every reader."""
        for base in list(self._role.endpoints.readers):
            await self._role.close(base)

    @then(stating(r"no object of the buffers called '(?P<base>[^']+)' should exist"))
    def no_crowd(self, base: str) -> None:
        """Look for what any of them left."""
        names = [*self._crowd, f"{base}-{len(self._crowd)}"]
        left = [name for name in names if self._role.view(name).existing()]
        expect_equal([], left, f"buffers of {len(names)} that left something")

    @step(acting(r"keeps connecting to buffer '(?P<base>[^']+)' in the background"))
    async def storm(self, base: str) -> None:
        """Connect and close, as fast as possible, until asked what was seen."""
        self._storm = asyncio.create_task(self._connect_always(self._role.view(base)))

    @then(acting(r"should have seen only the errors '(?P<codes>[^']+)'"))
    async def only_these(self, codes: list[str]) -> None:
        """End the storm and compare the errors it met."""
        if self._storm is None:
            raise AssertionError("there was no storm")
        self._calm.set()
        seen = await asyncio.wait_for(self._storm, self._role.settings.bulk_timeout)
        self._role.logger.info("storm", **seen)
        expect_equal([], sorted(set(seen) - {"connected", *codes}), "errors that may not occur")

    async def _connect_always(self, view: BufferView) -> Counter[str]:
        seen: Counter[str] = Counter()
        while not self._calm.is_set():
            try:
                handle = await self._driver.connect(view.name)
                seen["connected"] += 1
                await self._driver.close(handle)
            except DriverError as error:
                seen[error.code] += 1
        return seen

    async def _write_until(self, end: float, size: int) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            while time.monotonic() < end:
                recipe = Payload(Pattern.FRAME, size)
                done = await self._driver.write(self._role.endpoints.writer(), recipe, count=_BATCH, timeout=30)
                self._written += done.frames
