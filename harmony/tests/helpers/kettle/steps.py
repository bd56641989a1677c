"""What the sentences of the kettle mean."""

from __future__ import annotations

import asyncio

from harmony import DriverError, DriverProcess, DriverProgram, RoleDriver, ScenarioContext, parsers, step
from kettle.contract import Kettle


class KettleSteps:
    """Boils water in whatever plays the role."""

    def __init__(self, context: ScenarioContext, kettle: Kettle, driver: RoleDriver, program: DriverProgram) -> None:
        self._kettle = kettle
        self._driver = driver
        self._program = program
        self._whistling: asyncio.Task[None] | None = None
        context.on_cleanup(self._end)

    @step(parsers.re(r"the '[^']+' process is plugged in"))
    async def plug_in(self) -> None:
        """Start the driver."""
        await self._driver.current()

    @step(parsers.re(r"the '[^']+' process boils '(?P<cups>\d+)' cups"))
    async def boil(self, cups: int) -> None:
        """Heat water, and look at the last degree."""
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
        try:
            await self._kettle.boil(cups)
        except DriverError as error:
            seen = error.details.get("cups", "")
            if seen != cups:
                raise AssertionError(f"expected '{cups}' seen '{seen}'") from None

    @step(parsers.re(r"the '[^']+' process has ended by itself"))
    async def wait_for_its_end(self) -> None:
        """See that it is gone."""
        assert await asyncio.to_thread((await self._process()).child.ended, 10)

    @step(parsers.re(r"the '[^']+' process is smashed"))
    async def smash(self) -> None:
        """Kill the driver."""
        await (await self._process()).kill()

    @step(parsers.re(r"the '[^']+' process starts to whistle"))
    async def whistle(self) -> None:
        """Whistle in the background; what comes of it is seen at the end."""
        self._whistling = asyncio.create_task(self._kettle.whistle())

    @step(parsers.re(r"the '[^']+' process is forgotten"))
    async def forget(self) -> None:
        """Leave another driver running, as no step class may."""
        await self._program.start()

    async def _end(self) -> None:
        if self._whistling is not None:
            await self._whistling

    async def _process(self) -> DriverProcess:
        process = await self._driver.current()
        assert isinstance(process, DriverProcess)
        return process
