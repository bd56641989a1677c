"""Checks of what writes and reads whole frames."""

from __future__ import annotations

import asyncio
import itertools
from typing import Final

from harmony.doctor import CheckContext, WrongError, driver_check, expect, expect_all, refusal, refused
from step_definitions.driver_checks.fixtures import SHORT, Line, driver_of, expect_transfer, ramp_of
from step_definitions.patterns import Pattern, Payload, chained, digest, expected_chain, ramp

_SIZES: Final = (10, 300, 77, 77, 1)
_COUNT: Final = 60


@driver_check(
    "write", "one", "write writes one frame, header and bytes", why="Another language reads them in the memory."
)
async def _write(context: CheckContext) -> None:
    line = await Line.open(context)
    expect_transfer("write", await line.driver.write(line.writer, ramp_of(100)), [100], digest=0)
    header = line.view.header()
    expect_all(
        ("frame header in memory", line.view.frame_header(0), (100, 1)),
        ("digest of the memory", digest(line.view.read(128 + 16, 100)), digest(ramp(100, 1))),
        ("payload_free_bytes", header["payload_free_bytes"], 1024 - 116),
        ("payload_write_pos", header["payload_write_pos"], 116),
        ("payload_written_count", header["payload_written_count"], 1),
    )


@driver_check("write", "recipes", "write makes bytes by every recipe", why="All languages must make the same bytes.")
async def _write_by_recipes(context: CheckContext) -> None:
    line = await Line.open(context, payload=8192)
    recipes = (
        Payload(Pattern.FRAME, 300),
        Payload(Pattern.FRAME, 300, sequence=1000),
        Payload(Pattern.SIMPLE, 700),
        Payload.of_text("größer als ∞ 𝄞"),
        Payload(Pattern.SIMPLE, 50, mask=0xFF),
        Payload(Pattern.TEXT, 2, text="ab", mask=1, repeat=5),
    )
    for number, recipe in enumerate(recipes, start=1):
        await line.driver.write(line.writer, recipe)
        seen, content = await line.driver.read(line.reader), recipe.content(number)
        expect_all(
            (f"size of {recipe}", seen.size, len(content)), (f"digest of {recipe}", seen.digest, digest(content))
        )
        await line.driver.release(seen.frame)


@driver_check(
    "write", "many", "write takes sizes in turn, around the end of the ring", why="It is what measures the speed."
)
async def _write_many(context: CheckContext) -> None:
    line = await Line.open(context)
    sizes = list(itertools.islice(itertools.cycle(_SIZES), _COUNT))
    written, read = await asyncio.gather(
        line.driver.write(line.writer, ramp_of(0), count=_COUNT, sizes=_SIZES),
        line.driver.read_many(line.reader, count=_COUNT),
    )
    expect_transfer("write", written, sizes, digest=0)
    expect_transfer("read_many", read, sizes, digest=expected_chain(sizes, 1))
    expect("payload_free_bytes", line.view.field("payload_free_bytes"), 1024)


@driver_check("write", "interval", "write keeps the interval", why="Scenarios have slow writers.")
async def _write_slowly(context: CheckContext) -> None:
    line = await Line.open(context)
    seen = await line.driver.write(line.writer, ramp_of(10), count=4, interval=0.05)
    if seen.seconds < 0.14:
        raise WrongError(f"seconds of 4 frames, 0.05 s apart: seen {seen.seconds:.3g}, expected at least 0.15")


@refusal("write", "size", "frames of no bytes, and beyond the ring, are refused", why="They could never be read.")
async def _write_wrong_sizes(context: CheckContext) -> None:
    line = await Line.open(context)
    await refused(line.driver.write(line.writer, ramp_of(0)), "invalid_frame_size")
    await refused(line.driver.write(line.writer, ramp_of(1024 - 15)), "frame_too_large")
    await line.driver.write(line.writer, ramp_of(1024 - 16))


@refusal("write", "unwritable", "what can never be written here is refused at once", why="It would wait for ever.")
async def _write_the_unwritable(context: CheckContext) -> None:
    line = await Line.open(context)
    await line.driver.write(line.writer, ramp_of(484))  # the next frame begins at 500 of 1024
    await line.driver.release((await line.driver.read(line.reader)).frame)
    error = await refused(line.driver.write(line.writer, ramp_of(600), timeout=2.0), "frame_unwritable")
    missing = {"fits_now", "always_fits"} - set(error.details)
    if missing:
        raise WrongError(f"details: {', '.join(sorted(missing))} missing, seen {sorted(error.details)}")
    fits = int(error.details["fits_now"])
    await line.driver.write(line.writer, ramp_of(fits))


@refusal("write", "busy", "write is refused while a slot is out", why="Both would be at the same place of the ring.")
async def _write_while_busy(context: CheckContext) -> None:
    line = await Line.open(context)
    slot = await line.driver.acquire(line.writer, 10)
    await refused(line.driver.write(line.writer, ramp_of(10)), "busy")
    await line.driver.abandon(slot)
    await line.driver.write(line.writer, ramp_of(10))


@refusal("write", "reader-dead", "a writer notices that the reader is gone", why="It would write for nobody.")
async def _write_for_nobody(context: CheckContext) -> None:
    reading, writing, name = await driver_of(context), await driver_of(context), context.name("orphan")
    await reading.create(name, metadata=0, payload=1024)
    writer = await writing.connect(name)
    await reading.probe.kill()
    await refused(writing.write(writer, ramp_of(10)), "reader_dead")


@driver_check("fill", "full", "fill writes until there is no room", why="Scenarios about full buffers begin with it.")
async def _fill(context: CheckContext) -> None:
    line = await Line.open(context)
    seen = await line.driver.fill(line.writer, ramp_of(100), patience=SHORT)
    expect_transfer("fill", seen, [100] * (1024 // 116), digest=0)


@refusal("fill", "size", "fill refuses a frame that is too large", why="It would find no room, and say all is well.")
async def _fill_with_too_much(context: CheckContext) -> None:
    line = await Line.open(context)
    await refused(line.driver.fill(line.writer, ramp_of(2000), patience=SHORT), "frame_too_large")


@driver_check("read", "one", "read returns sequence, size and digest", why="Scenarios see a frame by them alone.")
async def _read(context: CheckContext) -> None:
    line = await Line.open(context)
    await line.driver.write(line.writer, ramp_of(0), count=2, sizes=[100, 50])
    frames = [await line.driver.read(line.reader) for _ in range(2)]
    for number, (frame, size) in enumerate(zip(frames, (100, 50), strict=True), start=1):
        expect_all(
            (f"sequence of frame {number}", frame.sequence, number),
            (f"size of frame {number}", frame.size, size),
            (f"digest of frame {number}", frame.digest, digest(ramp(size, number))),
        )
    given = [line.reader, line.writer, *(frame.frame for frame in frames)]
    expect("how many numbers it has given", len(set(given)), len(given))


@refusal("read", "writer-dead", "a reader notices that the writer is gone", why="It would wait for nobody.")
async def _read_from_nobody(context: CheckContext) -> None:
    reading, writing, name = await driver_of(context), await driver_of(context), context.name("silent")
    reader = await reading.create(name, metadata=0, payload=1024)
    await writing.write(await writing.connect(name), ramp_of(10))
    await writing.probe.kill()
    expect("sequence of the frame that was written", (await reading.read(reader)).sequence, 1)
    await refused(reading.read(reader), "writer_dead")


@refusal(
    "read", "sequence", "a frame with a wrong number is refused", why="It would pass off a loss as the next frame."
)
async def _read_out_of_order(context: CheckContext) -> None:
    line = await Line.open(context)
    await line.driver.write(line.writer, ramp_of(10))
    line.view.overwrite_frame_header(0, 10, 5)
    error = await refused(line.driver.read(line.reader), "sequence_error")
    expect_all(
        ("details.expected", error.details.get("expected"), 1),
        ("details.seen", error.details.get("seen"), 5),
    )


@driver_check(
    "read_many", "until-none", "without a count it reads until the writer is gone", why="Scenarios read all there is."
)
async def _read_all(context: CheckContext) -> None:
    line = await Line.open(context)
    await line.driver.write(line.writer, ramp_of(100), count=5)
    await line.driver.close(line.writer)
    seen = await line.driver.read_many(line.reader, idle=0.5)
    expect_transfer("read_many", seen, [100] * 5, digest=expected_chain([100] * 5, 1))


@driver_check(
    "read_many", "idle", "without a count it ends when none comes for a while", why="Not every writer closes."
)
async def _read_until_idle(context: CheckContext) -> None:
    line = await Line.open(context)
    await line.driver.write(line.writer, ramp_of(100), count=3)
    seen = await line.driver.read_many(line.reader, idle=SHORT)
    expect_transfer("read_many", seen, [100] * 3, digest=expected_chain([100] * 3, 1))
    expect_transfer("read_many of nothing", await line.driver.read_many(line.reader, idle=SHORT), [], digest=0)


@driver_check("read_many", "unseen", "without look it makes no digest", why="The speed of memory is not that of a CRC.")
async def _read_unseen(context: CheckContext) -> None:
    line = await Line.open(context)
    await line.driver.write(line.writer, ramp_of(100), count=3)
    expect_transfer("read_many", await line.driver.read_many(line.reader, count=3, look=False), [100] * 3, digest=0)


@driver_check("read_many", "slowly", "it holds each frame for the delay", why="Scenarios have slow readers.")
async def _read_slowly(context: CheckContext) -> None:
    line = await Line.open(context)
    await line.driver.write(line.writer, ramp_of(10), count=3)
    seen = await line.driver.read_many(line.reader, count=3, delay=0.05)
    if seen.seconds < 0.14:
        raise WrongError(f"seconds of 3 frames, held for 0.05 s each: seen {seen.seconds:.3g}, expected at least 0.15")


@refusal("read_many", "writer-dead", "a count that cannot be reached is refused", why="Less than all is a failure.")
async def _read_too_many(context: CheckContext) -> None:
    line = await Line.open(context)
    await line.driver.write(line.writer, ramp_of(100), count=2)
    await line.driver.close(line.writer)
    await refused(line.driver.read_many(line.reader, count=3), "writer_dead")


@driver_check("relay", "bytes", "relay hands bytes on", why="Scenarios with three roles go through it.")
async def _relay(context: CheckContext) -> None:
    first = await Line.open(context)
    second = await Line.within(first.driver, context.name("second"))
    await first.driver.write(first.writer, Payload(Pattern.FRAME, 100, sequence=7), count=3)
    seen = await first.driver.relay(first.reader, second.writer, 3)
    total = 0
    for sequence in (1, 2, 3):
        total = chained(total, sequence, ramp(100, 7))
    expect_transfer("relay", seen, [100] * 3, digest=total)
    expect("digest of what arrived", (await second.driver.read_many(second.reader, count=3)).digest, total)


@refusal("relay", "writer-dead", "relay of too little is refused", why="Less than all is a failure.")
async def _relay_too_many(context: CheckContext) -> None:
    first = await Line.open(context)
    second = await Line.within(first.driver, context.name("second"))
    await first.driver.write(first.writer, ramp_of(100))
    await first.driver.close(first.writer)
    await refused(first.driver.relay(first.reader, second.writer, 2), "writer_dead")


@driver_check("peek", "bytes", "peek shows bytes of a held frame", why="A digest that differs is explained by them.")
async def _peek(context: CheckContext) -> None:
    line = await Line.open(context)
    await line.driver.write(line.writer, ramp_of(100))
    frame = await line.driver.read(line.reader)
    for offset, length in ((0, 4), (90, 10), (95, 50), (50, 0)):
        seen = await line.driver.peek(frame.frame, offset=offset, length=length)
        expect(f"{length} bytes at {offset} of 100", seen.hex(), ramp(100, 1)[offset : offset + length].hex())


@refusal("peek", "released", "peek of a released frame is refused", why="Its bytes belong to the writer again.")
async def _peek_at_nothing(context: CheckContext) -> None:
    line = await Line.open(context)
    await line.driver.write(line.writer, ramp_of(100))
    frame = await line.driver.read(line.reader)
    await line.driver.release(frame.frame)
    await refused(line.driver.peek(frame.frame, offset=0, length=1), "frame_released")


@driver_check("release", "space", "release gives space back, in the order of the ring", why="A writer waits for it.")
async def _release(context: CheckContext) -> None:
    line = await Line.open(context)
    await line.driver.write(line.writer, ramp_of(100), count=2)
    first, second = [(await line.driver.read(line.reader)).frame for _ in range(2)]
    await line.driver.release(second)
    expect("payload_free_bytes with the first held", line.view.field("payload_free_bytes"), 1024 - 2 * 116)
    await line.driver.release(first)
    expect("payload_free_bytes with none held", line.view.field("payload_free_bytes"), 1024)
    await line.driver.release(first)
    expect("payload_free_bytes after a second release", line.view.field("payload_free_bytes"), 1024)


CHECKS: Final = (
    *(_write, _write_by_recipes, _write_many, _write_slowly),
    *(_write_wrong_sizes, _write_the_unwritable, _write_while_busy, _write_for_nobody),
    *(_fill, _fill_with_too_much),
    *(_read, _read_from_nobody, _read_out_of_order),
    *(_read_all, _read_until_idle, _read_unseen, _read_slowly, _read_too_many),
    *(_relay, _relay_too_many),
    *(_peek, _peek_at_nothing, _release),
)
