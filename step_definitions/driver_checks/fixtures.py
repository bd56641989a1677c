"""What the checks share: a typed driver over a process of the doctor, and a buffer with both of its ends."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from harmony.doctor import CheckContext, DriverProbe, expect_all
from step_definitions.observer import BufferView
from step_definitions.patterns import Pattern, Payload, runs_of
from step_definitions.port import Driver, Transfer

SHORT: Final = 0.1
"""Seconds to wait for what must not come."""


class TypedDriver(Driver):
    """The verbs of the port over a driver under examination."""

    probe: DriverProbe

    @classmethod
    def of(cls, probe: DriverProbe) -> Self:
        """Return the verbs over a driver."""
        made = cls()
        made.probe = probe
        return made

    async def call(self, verb: str, params: Mapping[str, Any], timeout: float) -> Any:
        """Carry one verb."""
        return await self.probe.call(verb, params, timeout)

    async def end(self) -> None:
        """End it."""
        await self.probe.end()


async def driver_of(context: CheckContext) -> TypedDriver:
    """Start a driver."""
    return TypedDriver.of(await context.probe())


@dataclass(frozen=True, slots=True)
class Line:
    """A buffer with both ends in one driver.

    Attributes:
        driver: Which.
        name: Of the buffer.
        reader: Handle of the one end.
        writer: Handle of the other.
    """

    driver: TypedDriver
    name: str
    reader: int
    writer: int

    @classmethod
    async def open(cls, context: CheckContext, *, payload: int = 1024, metadata: int = 0, base: str = "line") -> Self:
        """Start a driver and open both ends of a buffer."""
        return await cls.within(await driver_of(context), context.name(base), payload=payload, metadata=metadata)

    @classmethod
    async def within(cls, driver: TypedDriver, name: str, *, payload: int = 1024, metadata: int = 0) -> Self:
        """Open both ends of a buffer."""
        reader = await driver.create(name, metadata=metadata, payload=payload)
        return cls(driver, name, reader, await driver.connect(name))

    @property
    def view(self) -> BufferView:
        """The buffer, seen from outside."""
        return BufferView(self.name)


def expect_transfer(what: str, seen: Transfer, sizes: Iterable[int], *, digest: int, first: int = 1) -> None:
    """Compare a transfer with the frames that it must sum up. Its times are not compared."""
    expected = list(sizes)
    last = first + len(expected) - 1
    expect_all(
        (f"frames of {what}", seen.frames, len(expected)),
        (f"bytes of {what}", seen.bytes, sum(expected)),
        (f"first of {what}", seen.first, first if expected else 0),
        (f"last of {what}", seen.last, last if expected else 0),
        (f"breaks of {what}", seen.breaks, 0),
        (f"runs of {what}", [tuple(run) for run in seen.runs], runs_of(expected)),
        (f"digest of {what}", seen.digest, digest),
    )


def ramp_of(size: int, sequence: int = 0) -> Payload:
    """Return the recipe of a frame's own pattern."""
    return Payload(Pattern.FRAME, size, sequence)
