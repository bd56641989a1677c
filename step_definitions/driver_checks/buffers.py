"""Checks of what opens and closes a buffer, and of its metadata."""

from __future__ import annotations

import time
from typing import Final

from harmony.doctor import CheckContext, WrongError, driver_check, expect, expect_all, expect_error, refusal, refused
from harmony.wire import jsonrpc
from step_definitions.driver_checks.fixtures import Line, driver_of, ramp_of
from step_definitions.observer import BufferView, Part
from step_definitions.patterns import Pattern, Payload, digest, ramp

_AT_ONCE: Final = 4.0


@driver_check(
    "create", "objects", "create makes a segment, two semaphores and a lock", why="Others find the buffer by them."
)
async def _create(context: CheckContext) -> None:
    driver, view = await driver_of(context), BufferView(context.name("made"))
    await driver.create(view.name, metadata=65, payload=1000)
    expect("objects", view.existing(), [part.value for part in Part])
    header = view.header()
    expect_all(
        ("length of the segment", view.length, 128 + 128 + 1024),
        ("version", header["version_major"], 1),
        ("metadata_size, asked for 65", header["metadata_size"], 128),
        ("payload_size, asked for 1000", header["payload_size"], 1024),
        ("payload_free_bytes", header["payload_free_bytes"], 1024),
        ("reader_pid", header["reader_pid"], driver.probe.identity["pid"]),
        ("writer_pid", header["writer_pid"], 0),
        ("semaphores", (view.semaphore(Part.DATA), view.semaphore(Part.SPACE)), (0, 0)),
        ("whether the lock is held", view.locked(), True),
    )


@refusal("create", "in-use", "a name that is in use is refused", why="A living reader must not lose its memory.")
async def _create_twice(context: CheckContext) -> None:
    driver, name = await driver_of(context), context.name("twice")
    await driver.create(name, metadata=0, payload=1024)
    await refused(driver.create(name, metadata=0, payload=1024), "buffer_in_use")
    other = await driver_of(context)
    await refused(other.create(name, metadata=0, payload=1024), "buffer_in_use")
    expect("objects afterwards", len(BufferView(name).existing()), len(Part))


@refusal("create", "invalid-name", "a name with a slash is refused", why="It would be a path to something else.")
async def _create_anywhere(context: CheckContext) -> None:
    driver = await driver_of(context)
    for name in ("../" + context.name("outside"), "a/" + context.name("inside"), ""):
        await refused(driver.create(name, metadata=0, payload=1024), "invalid_name")


@refusal(
    "create", "size", "a buffer without room for frames is refused, as no bug", why="A slip of a step must be named."
)
async def _create_without_room(context: CheckContext) -> None:
    probe = (await driver_of(context)).probe
    params = {"name": context.name("nowhere"), "metadata": 0, "payload": 0, "timeout": 1.0}
    expect_error(
        "create with 'payload' = 0", await probe.ask("create", params), jsonrpc.INVALID_PARAMS, naming="payload"
    )
    expect("what was made", context.left(), [])


@driver_check(
    "connect", "writer", "connect makes its process the writer", why="The reader sees by it whether a writer lives."
)
async def _connect(context: CheckContext) -> None:
    line = await Line.open(context)
    pid = line.driver.probe.identity["pid"]
    expect("writer_pid", line.view.field("writer_pid"), pid)
    await line.driver.close(line.writer)
    expect("writer_pid after close", line.view.field("writer_pid"), 0)
    again = await line.driver.connect(line.name)
    expect("writer_pid after another connect", line.view.field("writer_pid"), pid)
    if again in {line.reader, line.writer}:
        raise WrongError(f"handle: seen {again}, expected a number that was never given before")


@refusal("connect", "nothing-there", "connect does not wait for a reader", why="Scenarios say who waits for whom.")
async def _connect_to_nothing(context: CheckContext) -> None:
    driver, began = await driver_of(context), time.monotonic()
    await refused(driver.connect(context.name("nothing"), timeout=_AT_ONCE + 1), "not_found")
    if time.monotonic() - began > _AT_ONCE:
        raise WrongError(f"it was refused after {time.monotonic() - began:.1f} s, expected at once")


@refusal(
    "connect", "writer-exists", "a second living writer is refused", why="Two writers destroy each other's frames."
)
async def _connect_twice(context: CheckContext) -> None:
    line, other = await Line.open(context), await driver_of(context)
    await refused(line.driver.connect(line.name), "writer_exists")
    await refused(other.connect(line.name), "writer_exists")


@refusal("connect", "invalid-oieb", "memory that is no buffer is refused", why="Whatever it says would be believed.")
async def _connect_to_nonsense(context: CheckContext) -> None:
    line = await Line.open(context)
    await line.driver.close(line.writer)
    line.view.overwrite("oieb_size", 127)
    await refused(line.driver.connect(line.name), "invalid_oieb")
    line.view.overwrite("oieb_size", 128)
    line.view.overwrite("version_major", 2)
    await refused(line.driver.connect(line.name), "version_mismatch")
    line.view.overwrite("version_major", 1)


@driver_check("close", "objects", "close of a reader removes its objects", why="What is left fills the machine.")
async def _close(context: CheckContext) -> None:
    line = await Line.open(context)
    await line.driver.write(line.writer, ramp_of(100))
    frame = await line.driver.read(line.reader)
    await line.driver.acquire(line.writer, 100)
    await line.driver.close(line.writer)
    await line.driver.close(line.reader)
    expect("objects", line.view.existing(), [])
    # close releases what is held. The driver may forget the number of a released frame, or remember it.
    await refused(line.driver.peek(frame.frame, offset=0, length=1), "closed", "frame_released")


@refusal(
    "close", "twice", "what is closed is closed", why="A number that comes back to life names somebody else's thing."
)
async def _close_twice(context: CheckContext) -> None:
    line = await Line.open(context)
    await line.driver.close(line.writer)
    await refused(line.driver.close(line.writer), "closed")
    await refused(line.driver.write(line.writer, ramp_of(10)), "closed")


@driver_check(
    "write_metadata", "content", "metadata is written as the memory says", why="Another language reads it there."
)
async def _write_metadata(context: CheckContext) -> None:
    line = await Line.open(context, metadata=256)
    await line.driver.write_metadata(line.writer, Payload(Pattern.SIMPLE, 200))
    memory = line.view.read(128, 208)
    expect_all(
        ("length in memory", int.from_bytes(memory[:8], "little"), 200),
        ("digest of the memory", digest(memory[8:]), digest(ramp(200))),
        ("metadata_written_bytes", line.view.field("metadata_written_bytes"), 208),
    )


@refusal("write_metadata", "too-large", "metadata beyond its block is refused", why="It would run into the frames.")
async def _write_too_much_metadata(context: CheckContext) -> None:
    line = await Line.open(context, metadata=64)
    await refused(line.driver.write_metadata(line.writer, Payload(Pattern.SIMPLE, 57)), "metadata_too_large")
    await line.driver.write_metadata(line.writer, Payload(Pattern.SIMPLE, 56))


@refusal("write_metadata", "once", "metadata is written once, and not empty", why="A reader may have read it already.")
async def _write_metadata_twice(context: CheckContext) -> None:
    line = await Line.open(context, metadata=64)
    await refused(line.driver.write_metadata(line.writer, Payload(Pattern.SIMPLE, 0)), "metadata_empty")
    await line.driver.write_metadata(line.writer, Payload.of_text("once"))
    await refused(line.driver.write_metadata(line.writer, Payload.of_text("twice")), "metadata_exists")


@driver_check(
    "read_metadata", "content", "metadata is read with size and digest", why="Scenarios compare both sides by them."
)
async def _read_metadata(context: CheckContext) -> None:
    line = await Line.open(context, metadata=1024)
    for_all = Payload(Pattern.TEXT, 0, text="größer ∞", mask=0x5A, repeat=3)
    await line.driver.write_metadata(line.writer, for_all)
    seen, content = await line.driver.read_metadata(line.reader), for_all.content()
    expect_all(("size", seen.size, len(content)), ("digest", seen.digest, digest(content)))


@refusal("read_metadata", "none", "metadata that nobody wrote is refused", why="Nothing is not the same as no bytes.")
async def _read_no_metadata(context: CheckContext) -> None:
    line = await Line.open(context, metadata=64)
    await refused(line.driver.read_metadata(line.reader), "no_metadata")


CHECKS: Final = (
    *(_create, _create_twice, _create_anywhere, _create_without_room),
    *(_connect, _connect_to_nothing, _connect_twice, _connect_to_nonsense),
    *(_close, _close_twice),
    *(_write_metadata, _write_too_much_metadata, _write_metadata_twice),
    *(_read_metadata, _read_no_metadata),
)
