"""Checks of frames that are written in place."""

from __future__ import annotations

from dataclasses import asdict
from typing import Final

from harmony.doctor import CheckContext, driver_check, expect, expect_all, expect_error, refusal, refused
from harmony.wire import jsonrpc
from step_definitions.driver_checks.fixtures import SHORT, Line, ramp_of
from step_definitions.patterns import Pattern, Payload, digest, ramp


@driver_check("acquire", "unseen", "a slot is unseen until it is committed", why="A reader would read half of it.")
async def _acquire(context: CheckContext) -> None:
    line = await Line.open(context)
    slot = await line.driver.acquire(line.writer, 100)
    await line.driver.put(slot, ramp_of(100))
    await refused(line.driver.read(line.reader, timeout=SHORT), "timeout")
    await line.driver.commit(slot)
    expect("size", (await line.driver.read(line.reader)).size, 100)


@refusal("acquire", "size", "slots of no bytes, and beyond the ring, are refused", why="They could never be read.")
async def _acquire_wrong_sizes(context: CheckContext) -> None:
    line = await Line.open(context)
    await refused(line.driver.acquire(line.writer, 0), "invalid_frame_size")
    await refused(line.driver.acquire(line.writer, 1024), "frame_too_large")


@refusal("acquire", "busy", "a second slot is refused", why="Both would be at the same place of the ring.")
async def _acquire_twice(context: CheckContext) -> None:
    line = await Line.open(context)
    await line.driver.acquire(line.writer, 10)
    await refused(line.driver.acquire(line.writer, 10), "busy")


@driver_check("put", "bytes", "put writes into the slot, also behind its beginning", why="Frames are put together so.")
async def _put(context: CheckContext) -> None:
    line = await Line.open(context)
    slot = await line.driver.acquire(line.writer, 200)
    await line.driver.put(slot, ramp_of(150))
    await line.driver.put(slot, Payload(Pattern.SIMPLE, 50, mask=3), offset=150)
    await line.driver.commit(slot)
    expected = ramp(150, 1) + bytes(value ^ 3 for value in ramp(50))
    expect("digest", (await line.driver.read(line.reader)).digest, digest(expected))


@refusal("put", "committed", "nothing is put into a committed slot", why="A reader is reading it.")
async def _put_too_late(context: CheckContext) -> None:
    line = await Line.open(context)
    slot = await line.driver.acquire(line.writer, 10)
    await line.driver.commit(slot)
    await refused(line.driver.put(slot, ramp_of(10)), "closed")


@refusal("put", "beyond", "nothing is put beyond the slot", why="It would be written into the next frame.")
async def _put_beyond(context: CheckContext) -> None:
    line = await Line.open(context)
    slot = await line.driver.acquire(line.writer, 10)
    for size, offset in ((11, 0), (10, 1), (1, 10)):
        params = {"slot": slot, "payload": asdict(ramp_of(size)), "offset": offset, "timeout": 1.0}
        answer = await line.driver.probe.ask("put", params)
        expect_error(f"put of {size} bytes at {offset} of 10", answer, jsonrpc.INVALID_PARAMS, naming="offset")


@driver_check(
    "commit", "sequence", "commit returns the number of the frame", why="Scenarios compare it with what is read."
)
async def _commit(context: CheckContext) -> None:
    line = await Line.open(context)
    for number in (1, 2, 3):
        slot = await line.driver.acquire(line.writer, 10)
        expect("sequence", await line.driver.commit(slot), number)
    expect("payload_written_count", line.view.field("payload_written_count"), 3)


@refusal("commit", "twice", "a slot is committed once", why="The frame would be there twice.")
async def _commit_twice(context: CheckContext) -> None:
    line = await Line.open(context)
    slot = await line.driver.acquire(line.writer, 10)
    await line.driver.commit(slot)
    await refused(line.driver.commit(slot), "closed")


@driver_check(
    "abandon", "unseen", "an abandoned slot leaves no trace", why="Nobody must be able to tell it was asked for."
)
async def _abandon(context: CheckContext) -> None:
    line = await Line.open(context)
    await line.driver.abandon(await line.driver.acquire(line.writer, 900))
    header = line.view.header()
    expect_all(
        ("payload_free_bytes", header["payload_free_bytes"], 1024),
        ("payload_written_count", header["payload_written_count"], 0),
    )
    await line.driver.write(line.writer, ramp_of(10))
    expect("sequence of the next frame", (await line.driver.read(line.reader)).sequence, 1)


@refusal("abandon", "twice", "a slot is abandoned once", why="Its number may mean the next slot.")
async def _abandon_twice(context: CheckContext) -> None:
    line = await Line.open(context)
    slot = await line.driver.acquire(line.writer, 10)
    await line.driver.abandon(slot)
    await refused(line.driver.abandon(slot), "closed")


CHECKS: Final = (
    *(_acquire, _acquire_wrong_sizes, _acquire_twice, _put, _put_too_late, _put_beyond),
    *(_commit, _commit_twice, _abandon, _abandon_twice),
)
