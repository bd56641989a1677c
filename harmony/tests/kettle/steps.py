"""What the sentences of the kettle mean."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from pytest_bdd import parsers

from harmony.model import ScenarioStart
from harmony.run.driver_actor import DRIVER
from harmony.steps.context import ScenarioContext
from harmony.steps.registry import step
from harmony.wire.driver import DriverError
from kettle.contract import CONTRACT, KettleProcess


class KettleSteps:
    """Boils water in whatever plays the role."""

    def __init__(self, context: ScenarioContext, start: ScenarioStart) -> None:
        self._start = start
        self._kettle: KettleProcess | None = None
        self._whistling: asyncio.Task[None] | None = None
        context.on_cleanup(self._unplug)
        context.on_cleanup(self._end)

    @step(parsers.re(r"the '[^']+' process is plugged in"))
    async def plug_in(self) -> None:
        """Start the driver."""
        program = self._start.scratch[DRIVER]
        strict = bool(self._start.scratch["strict"])
        self._kettle = await KettleProcess.begin(replace(program.spec), CONTRACT, strict=strict, listener=program)

    @step(parsers.re(r"the '[^']+' process boils '(?P<cups>\d+)' cups"))
    async def boil(self, cups: int) -> None:
        """Heat water, and look at the last degree."""
        assert self._kettle is not None
        try:
            degrees = await self._kettle.boil(cups)
        except DriverError as error:
            if error.code == "dry" and cups > 5:
                return
            raise
        if degrees[-1] != 100.0:
            raise AssertionError(f"the water has {degrees[-1]} degrees")

    @step(parsers.re(r"the '[^']+' process refuses '(?P<cups>\d+)' cups"))
    async def refuse(self, cups: int) -> None:
        """Take any error for a refusal, which must be the right one: a death goes under."""
        assert self._kettle is not None
        try:
            await self._kettle.boil(cups)
        except DriverError as error:
            seen = error.details.get("cups", "")
            if seen != cups:
                raise AssertionError(f"expected '{cups}' seen '{seen}'") from None

    @step(parsers.re(r"the '[^']+' process has ended by itself"))
    async def wait_for_its_end(self) -> None:
        """See that it is gone."""
        assert self._kettle is not None
        assert await asyncio.to_thread(self._kettle.child.ended, 10)

    @step(parsers.re(r"the '[^']+' process is smashed"))
    async def smash(self) -> None:
        """Kill the driver."""
        assert self._kettle is not None
        await self._kettle.kill()

    @step(parsers.re(r"the '[^']+' process starts to whistle"))
    async def whistle(self) -> None:
        """Whistle in the background; what comes of it is seen at the end."""
        assert self._kettle is not None
        self._whistling = asyncio.create_task(self._kettle.whistle())

    @step(parsers.re(r"the '[^']+' process is forgotten"))
    def forget(self) -> None:
        """Leave the driver running, as no step class may."""
        self._kettle = None

    async def _end(self) -> None:
        if self._whistling is not None:
            await self._whistling

    async def _unplug(self) -> None:
        if self._kettle is not None:
            await self._kettle.end()
