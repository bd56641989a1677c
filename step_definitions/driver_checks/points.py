"""Checks of the named points at which a process can be made to die, or to halt."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import Final

from harmony.doctor import CheckContext, driver_check, expect, expect_error, refusal, refused, request
from harmony.wire import jsonrpc
from step_definitions import processes
from step_definitions.driver_checks.fixtures import SHORT, driver_of, ramp_of


@driver_check(
    "arm", "dies", "the process dies at the point, at the passage", why="Scenarios about death need the very place."
)
async def _arm(context: CheckContext) -> None:
    reading, writing, name = await driver_of(context), await driver_of(context), context.name("armed")
    reader = await reading.create(name, metadata=0, payload=1024)
    writer = await writing.connect(name)
    await writing.arm("writer.data", 2)
    await writing.write(writer, ramp_of(10))
    await writing.probe.ask("health", {"timeout": 1.0})
    params = {
        "handle": writer,
        "payload": asdict(ramp_of(10)),
        "count": 1,
        "sizes": [],
        "interval": 0.0,
        "timeout": 5.0,
    }
    number = writing.probe.next_id()
    with writing.probe.expecting(number):
        await writing.probe.send(request(number, "write", params))
        expect("whether it has died", await writing.probe.ended(), True)
    expect("how it ended", writing.probe.child.how_it_ended(), "was killed by SIGKILL")
    expect("sequence of the frame before", (await reading.read(reader)).sequence, 1)
    await refused(reading.read(reader), "writer_dead")


@driver_check(
    "arm", "halts", "the process halts at the point, and goes on", why="Scenarios look at what stands half done."
)
async def _arm_halts(context: CheckContext) -> None:
    reading, writing, name = await driver_of(context), await driver_of(context), context.name("halted")
    reader = await reading.create(name, metadata=0, payload=1024)
    writer = await writing.connect(name)
    await writing.arm("writer.data", 1, then="halt")
    deed = asyncio.create_task(writing.write(writer, ramp_of(10)))
    try:
        expect("whether it stands", await processes.stands(writing.probe.pid, deed), True)
        await refused(reading.read(reader, timeout=SHORT), "timeout")
        processes.go_on(writing.probe.pid)
        await deed
    finally:
        processes.go_on(writing.probe.pid)
        await asyncio.gather(deed, return_exceptions=True)
    expect("sequence of the frame", (await reading.read(reader)).sequence, 1)
    await writing.write(writer, ramp_of(10))


@refusal("arm", "unknown-deed", "a deed that there is not is refused", why="It would do another one.")
async def _arm_strangely(context: CheckContext) -> None:
    driver = await driver_of(context)
    params = {"point": "writer.data", "passage": 1, "then": "dance", "timeout": 1.0}
    answer = await driver.probe.ask("arm", params)
    expect_error("arm with 'then' = 'dance'", answer, jsonrpc.INVALID_PARAMS, naming="then")


@refusal("arm", "ill-typed", "a passage in words is refused", why="It would be armed for another passage.")
async def _arm_ill(context: CheckContext) -> None:
    driver = await driver_of(context)
    params = {"point": "writer.data", "passage": "first", "then": "die", "timeout": 1.0}
    answer = await driver.probe.ask("arm", params)
    expect_error("arm with 'passage' = 'first'", answer, jsonrpc.INVALID_PARAMS, naming="passage")


@refusal("arm", "unknown-point", "a point that there is not is refused", why="The process would never die.")
async def _arm_nowhere(context: CheckContext) -> None:
    driver = await driver_of(context)
    answer = await driver.probe.ask("arm", {"point": "writer.nowhere", "passage": 1, "then": "die", "timeout": 1.0})
    expect_error("arm with 'point' = 'writer.nowhere'", answer, jsonrpc.INVALID_PARAMS, naming="point")


CHECKS: Final = (_arm, _arm_halts, _arm_strangely, _arm_ill, _arm_nowhere)
