"""Verbs that are made to wait until their deadline, and what a driver holds when it is ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from harmony.doctor import BlockingVerb, CheckContext, DriverProbe
from step_definitions.driver_checks.fixtures import Line, TypedDriver, ramp_of
from step_definitions.observer import objects_of_run
from step_definitions.patterns import Pattern, Payload

_FULL: Final = 0.01


async def _read_of_nothing(context: CheckContext, probe: DriverProbe) -> Mapping[str, Any]:
    reader = await TypedDriver.of(probe).create(context.name("wait-read"), metadata=0, payload=1024)
    return {"handle": reader}


async def _read_many_of_one(context: CheckContext, probe: DriverProbe) -> Mapping[str, Any]:
    line = await Line.within(TypedDriver.of(probe), context.name("wait-many"))
    await line.driver.write(line.writer, ramp_of(10))
    return {"handle": line.reader, "count": 2, "delay": 0.0, "idle": 1.0, "look": True}


async def _write_to_a_full_buffer(context: CheckContext, probe: DriverProbe) -> Mapping[str, Any]:
    line = await Line.within(TypedDriver.of(probe), context.name("wait-write"))
    await line.driver.fill(line.writer, ramp_of(100), patience=_FULL)
    return {"handle": line.writer, "payload": asdict(ramp_of(100)), "count": 1, "sizes": [], "interval": 0.0}


async def _acquire_of_a_full_buffer(context: CheckContext, probe: DriverProbe) -> Mapping[str, Any]:
    line = await Line.within(TypedDriver.of(probe), context.name("wait-slot"))
    await line.driver.fill(line.writer, ramp_of(100), patience=_FULL)
    return {"handle": line.writer, "size": 100}


async def _relay_of_nothing(context: CheckContext, probe: DriverProbe) -> Mapping[str, Any]:
    driver = TypedDriver.of(probe)
    source = await driver.create(context.name("wait-source"), metadata=0, payload=1024)
    target = await Line.within(driver, context.name("wait-target"))
    return {"source": source, "target": target.writer, "count": 1}


async def _receive_of_nothing(context: CheckContext, probe: DriverProbe) -> Mapping[str, Any]:
    driver, name = TypedDriver.of(probe), context.name("wait-response")
    await driver.serve(name, metadata=0, payload=4096)
    return {"handle": await driver.dial(name, metadata=0, payload=4096)}


BLOCKING_VERBS: Final = (
    BlockingVerb("read", "timeout", _read_of_nothing),
    BlockingVerb("read_many", "timeout", _read_many_of_one),
    BlockingVerb("write", "buffer_full", _write_to_a_full_buffer),
    BlockingVerb("acquire", "buffer_full", _acquire_of_a_full_buffer),
    BlockingVerb("relay", "timeout", _relay_of_nothing),
    BlockingVerb("receive", "timeout", _receive_of_nothing),
)


async def hold(context: CheckContext, probe: DriverProbe) -> None:
    """Open a buffer with metadata, a frame held and a slot out, and a duplex channel if there is one."""
    line = await Line.within(TypedDriver.of(probe), context.name("held"), payload=4096, metadata=64)
    await line.driver.write_metadata(line.writer, Payload.of_text("held"))
    await line.driver.write(line.writer, ramp_of(100), count=3)
    await line.driver.read(line.reader)
    await line.driver.acquire(line.writer, 50)
    if "duplex" in probe.claims:
        name = context.name("held-channel")
        server = await line.driver.serve(name, metadata=0, payload=4096)
        await line.driver.handle(server, "echo")
        client = await line.driver.dial(name, metadata=0, payload=4096)
        await line.driver.ping(client, Payload(Pattern.SIMPLE, 10), count=1)


def sweep(suffix: str) -> None:
    """Remove every object of a run."""
    for path in objects_of_run(suffix):
        Path(path).unlink(missing_ok=True)
