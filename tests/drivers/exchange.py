"""What every driver must do, and the Python library with it: the same memory, in both directions, until one dies.

The test module of a language says what it is and takes over the scenes::

    GO = Language("go", folder=DRIVERS / "go", command=(DRIVERS / "go" / "bin" / "driver",), sources=("**/*.go",))

    class TestExchange(Exchange):
        language = GO

    class TestWire(Wire):  # of tests/drivers/wire.py: the contract, message by message
        language = GO

What is broken on purpose is found by the scenes of this module, see `tests/drivers/mutants.py`.
"""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass
from typing import Final

import psutil
import pytest

from harmony.wire import framing
from step_definitions.child_driver import ChildDriver
from step_definitions.observer import BufferView, Part
from step_definitions.patterns import Pattern, Payload, digest, expected_chain, ramp, sizes_of
from step_definitions.port import DriverError, FrameInfo, Handle
from tests.drivers.subject import PATIENCE, Play, Stage, Subject

COMMITTED: Final = ("commit", "post", "done")
"""Points of a write at which the frame is committed."""

WRITER_POINTS: Final = tuple(
    f"writer.{point}" for point in ("planned", "data", "header", "intent", "free", "position", "count", *COMMITTED)
)

PAIRS: Final = [("driver", "python"), ("python", "driver"), ("driver", "driver")]

both_ways = pytest.mark.parametrize(("reading", "writing"), PAIRS)
one_after_the_other = pytest.mark.parametrize(("victim", "successor"), PAIRS)


async def refused(work: Awaitable[object], *codes: str) -> DriverError:
    """See work fail with one of some codes."""
    with pytest.raises(DriverError) as caught:
        await work
    assert caught.value.code in codes, caught.value
    return caught.value


def dice() -> random.Random:
    """Chance that can be repeated: ZEROBUFFER_TEST_SEED=…"""
    seed = int(os.environ.get("ZEROBUFFER_TEST_SEED") or random.randrange(1 << 32))
    print(f"ZEROBUFFER_TEST_SEED={seed}")  # noqa: T201 - to repeat what has failed
    return random.Random(seed)


async def sequences(reader: ChildDriver, source: Handle, count: int) -> list[int]:
    """Read some frames, and return their sequence numbers."""
    return [(await reader.read(source)).sequence for _ in range(count)]


def committed(point: str) -> bool:
    """Say whether who dies at a point of a write has committed the frame."""
    return point.removeprefix("writer.") in COMMITTED


def is_whole(frame: FrameInfo) -> bool:
    """Whether a frame of the pattern came as it was written."""
    return frame.digest == digest(ramp(frame.size, frame.sequence))


@dataclass(frozen=True)
class Inheritance:
    """A buffer whose writer will die at a point of a commit, and who writes after it.

    Attributes:
        name: The buffer.
        point: Where the writer dies.
        reader: It looks only afterwards: so it is the successor who sets right what was left half-done.
        source: The reader's end.
        dying: The writer.
        target: The writer's end.
        successor: The process that connects next.
    """

    name: str
    point: str
    reader: ChildDriver
    source: Handle
    dying: ChildDriver
    target: Handle
    successor: ChildDriver

    async def taken_over(self, size: int) -> Handle:
        """Let the writer die over a frame of a size; return its successor's end."""
        await self.dying.arm(self.point, 1)
        await refused(self.dying.write(self.target, Payload(Pattern.FRAME, size)), "dead")
        await self.dying.kill()
        return await self.successor.connect(self.name)


async def inheritances(stage: Stage, victim: str, successor: str, payload: int) -> AsyncIterator[Inheritance]:
    """Have a writer die at each point in turn, each in a buffer of its own that ends before the next begins."""
    reader, following = await stage.start(), await stage.start(successor)
    for index, point in enumerate(WRITER_POINTS):
        name = f"{index}{stage.name}"
        source = await reader.create(name, metadata=0, payload=payload)
        dying = await stage.start(victim)
        yield Inheritance(name, point, reader, source, dying, await dying.connect(name), following)
        await reader.close(source)


class Exchange(Subject):
    """The driver and the Python library, each in its own process."""

    def test_the_objects_are_those_that_python_makes(self, play: Play) -> None:
        async def scene(stage: Stage) -> None:
            files = []
            for driver in (await stage.start(), await stage.start("python")):
                handle = await driver.create(stage.name, metadata=64, payload=1024)
                view = BufferView(stage.name)
                view.post(Part.SPACE)
                assert view.semaphore(Part.SPACE) == 1
                files.append([view.path(part).read_bytes() for part in (Part.DATA, Part.SPACE)])
                files[-1].append(view.read(0, view.length).replace(driver.pid.to_bytes(8, "little"), bytes(8)))
                assert {view.path(part).stat().st_mode & 0o7777 for part in Part} == {0o600}
                await driver.close(handle)
            assert files[0] == files[1]

        play(scene)

    @both_ways
    def test_random_sizes_wrap_again_and_again(self, reading: str, writing: str, play: Play) -> None:
        chance = dice()
        sizes = [chance.randrange(1, 2000) for _ in range(2000)]

        async def scene(stage: Stage) -> None:
            reader, source, writer, target = await stage.pair(reading, writing, payload=4096, metadata=256)
            await writer.write_metadata(target, Payload(Pattern.SIMPLE, 200))
            written, seen = await asyncio.gather(
                writer.write(target, Payload(Pattern.FRAME, 0), count=len(sizes), sizes=sizes, timeout=30),
                reader.read_many(source, count=len(sizes), timeout=30),
            )
            assert list(sizes_of(seen.runs)) == list(sizes_of(written.runs)) == sizes
            assert (seen.first, seen.last, seen.breaks) == (1, len(sizes), 0)
            assert seen.digest == expected_chain(sizes, 1) != expected_chain(sizes, 2)
            metadata = await reader.read_metadata(source)
            assert (metadata.size, metadata.digest) == (200, digest(ramp(200)))
            header = BufferView(stage.name).header()
            assert header["payload_free_bytes"] == 4096
            assert header["payload_written_count"] == header["payload_read_count"] > len(sizes)

        play(scene)

    @both_ways
    def test_slots_and_held_frames(self, reading: str, writing: str, play: Play) -> None:
        async def scene(stage: Stage) -> None:
            reader, source, writer, target = await stage.pair(reading, writing, payload=1024)
            await writer.abandon(await writer.acquire(target, 900))
            frames = []
            for number in (1, 2, 3):
                slot = await writer.acquire(target, 200)
                await writer.put(slot, Payload(Pattern.FRAME, 150))
                await writer.put(slot, Payload(Pattern.SIMPLE, 50), offset=150)
                assert await writer.commit(slot) == number
                frames.append(await reader.read(source))
                assert frames[-1].digest == digest(ramp(150, number) + ramp(50))
            view = BufferView(stage.name)
            await reader.release(frames[1].frame)
            assert view.field("payload_free_bytes") == 1024 - 3 * 216
            await reader.release(frames[0].frame)
            assert view.field("payload_free_bytes") == 1024 - 216
            assert await reader.peek(frames[2].frame, offset=148, length=99) == (ramp(150, 3) + ramp(50))[148:]
            await refused(reader.peek(frames[0].frame, offset=0, length=1), "frame_released")
            await reader.release(frames[0].frame)
            assert view.field("payload_free_bytes") == 1024 - 216

        play(scene)

    @both_ways
    def test_one_process_writes_after_itself_unseen(self, reading: str, writing: str, play: Play) -> None:
        async def scene(stage: Stage) -> None:
            reader, writer = await stage.start(reading), await stage.start(writing)
            source = await reader.create(stage.name, metadata=0, payload=4096)
            for count in (3, 1, 2):
                target = await writer.connect(stage.name)
                await writer.write(target, Payload(Pattern.FRAME, 100), count=count)
                await writer.close(target)
            assert await sequences(reader, source, 6) == [1, 2, 3, 1, 1, 2]
            await refused(reader.read(source, timeout=PATIENCE), "writer_dead")

        play(scene)

    @both_ways
    @pytest.mark.parametrize("ending", ["close", "kill"])
    def test_what_writers_left_is_read_after_the_next_has_come(
        self, reading: str, writing: str, ending: str, play: Play
    ) -> None:
        async def scene(stage: Stage) -> None:
            reader, writer = await stage.start(reading), await stage.start(writing)
            source = await reader.create(stage.name, metadata=0, payload=4096)
            for count in (3, 1, 2):
                target = await writer.connect(stage.name)
                await writer.write(target, Payload(Pattern.FRAME, 100), count=count)
                if count == 2:
                    break  # the last one stays
                if ending == "close":
                    await writer.close(target)
                else:
                    await writer.kill()
                    writer = await stage.start(writing)
            assert await sequences(reader, source, 6) == [1, 2, 3, 1, 1, 2]
            await writer.write(target, Payload(Pattern.FRAME, 100))
            assert (await reader.read(source)).sequence == 3

        play(scene)

    @both_ways
    def test_the_death_of_a_writer(self, reading: str, writing: str, play: Play) -> None:
        async def scene(stage: Stage) -> None:
            reader, source, writer, target = await stage.pair(reading, writing, payload=1024)
            await writer.write(target, Payload(Pattern.FRAME, 100), count=2)
            assert await sequences(reader, source, 2) == [1, 2]
            blocked = asyncio.create_task(reader.read(source, timeout=60))
            await reader.hello()
            await writer.kill()
            await asyncio.wait_for(refused(blocked, "writer_dead"), PATIENCE)
            heir = await stage.start(writing)
            await heir.write(await heir.connect(stage.name), Payload(Pattern.FRAME, 100))
            assert (await reader.read(source)).sequence == 1

        play(scene)

    @pytest.mark.parametrize("reading", ["driver", "python"])
    def test_a_writer_killed_at_any_moment_leaves_whole_frames(self, reading: str, play: Play) -> None:
        chance = dice()

        async def scene(stage: Stage) -> None:
            reader = await stage.start(reading)
            source = await reader.create(stage.name, metadata=0, payload=4096)
            total = 0
            for _ in range(8):
                sizes = [chance.randrange(1, 1500) for _ in range(50)]
                writer = await stage.start()
                target = await writer.connect(stage.name)
                # A language that compiles as it goes has done so after the first.
                await writer.write(target, Payload(Pattern.FRAME, 100))
                endless = writer.write(target, Payload(Pattern.FRAME, 0), count=1 << 30, sizes=sizes, timeout=60)
                writes = asyncio.create_task(refused(endless, "dead"))
                reads = asyncio.create_task(reader.read_many(source, timeout=30))
                await writer.hello()
                await asyncio.sleep(chance.random() / 50)  # where it dies is what this is about
                await writer.kill()
                await writes
                seen = await asyncio.wait_for(reads, 30 + PATIENCE)
                assert (seen.first, seen.last, seen.breaks) == (1, seen.frames, 0)
                assert seen.digest == expected_chain(sizes_of(seen.runs), 1)
                assert BufferView(stage.name).field("payload_free_bytes") == 4096
                total += seen.frames - 1
            assert total > 0

        play(scene)

    @pytest.fixture
    def points(self) -> None:
        """Skip, visibly, where the driver does not die where it is told to."""
        if "points" not in self.language.capabilities:
            pytest.skip(f"{self.language.name} does not claim points")

    @pytest.mark.usefixtures("points")
    @one_after_the_other
    def test_a_writer_takes_over_wherever_the_one_before_died(self, victim: str, successor: str, play: Play) -> None:
        async def scene(stage: Stage) -> None:
            async for one in inheritances(stage, victim, successor, payload=4096):
                reader, source, point = one.reader, one.source, one.point
                await one.dying.write(one.target, Payload(Pattern.FRAME, 700), count=2)
                held = await reader.read(source)  # it hides from the successor how much should be free
                target = await one.taken_over(700)
                written = await one.successor.fill(target, Payload(Pattern.FRAME, 500), patience=0.01)
                assert written.frames >= 2, point
                left = [2, 3] if committed(point) else [2]
                again = list(range(1, 1 + written.frames))
                frames = [await reader.read(source) for _ in (*left, *again)]
                assert [frame.sequence for frame in frames] == [*left, *again], point
                assert all(is_whole(frame) for frame in frames), point
                assert await reader.peek(held.frame, offset=0, length=700) == ramp(700, 1), point
                await refused(reader.read(source, timeout=0.02), "timeout")
                for frame in (held, *frames):
                    await reader.release(frame.frame)
                assert BufferView(one.name).field("payload_free_bytes") == 4096, point
                await one.successor.close(target)

        play(scene)

    @pytest.mark.usefixtures("points")
    @one_after_the_other
    def test_a_frame_that_fills_the_ring_is_finished_or_forgotten(
        self, victim: str, successor: str, play: Play
    ) -> None:
        async def scene(stage: Stage) -> None:
            async for one in inheritances(stage, victim, successor, payload=1024):
                reader, source, point = one.reader, one.source, one.point
                target = await one.taken_over(1024 - 16)
                write = one.successor.write(target, Payload(Pattern.FRAME, 100), timeout=PATIENCE)
                writing = asyncio.create_task(write)
                for expected in ((1008, 1), (100, 1)) if committed(point) else ((100, 1),):
                    frame = await reader.read(source, timeout=PATIENCE)
                    assert (frame.size, frame.sequence) == expected, point
                    assert is_whole(frame), point
                    await reader.release(frame.frame)
                await writing
                assert BufferView(one.name).field("payload_free_bytes") == 1024, point
                await one.successor.close(target)

        play(scene)

    @both_ways
    def test_the_death_of_a_reader(self, reading: str, writing: str, play: Play) -> None:
        async def scene(stage: Stage) -> None:
            reader, _, writer, target = await stage.pair(reading, writing, payload=1024)
            await writer.fill(target, Payload(Pattern.FRAME, 200), patience=0.01)
            blocked = asyncio.create_task(writer.write(target, Payload(Pattern.FRAME, 200), timeout=60))
            await writer.hello()
            await reader.kill()
            await asyncio.wait_for(refused(blocked, "reader_dead"), PATIENCE)
            await writer.close(target)
            # Whoever comes next takes over what the dead one left, whatever language it spoke.
            heir = await stage.start(writing)
            source = await heir.create(stage.name, metadata=0, payload=512)
            await writer.write(await writer.connect(stage.name), Payload(Pattern.FRAME, 77))
            assert (await heir.read(source)).digest == digest(ramp(77, 1))

        play(scene)

    @both_ways
    def test_requests_and_responses(self, reading: str, writing: str, play: Play) -> None:
        async def scene(stage: Stage) -> None:
            server, client = await stage.start(reading), await stage.start(writing)
            channel = await server.serve(stage.name, metadata=0, payload=4096)
            await server.handle(channel, "xor")
            for _ in range(2):
                line = await client.dial(stage.name, metadata=0, payload=4096)
                for size in (1, 500, 1000):
                    await client.send(line, Payload(Pattern.SIMPLE, size), in_place=size == 500)
                for size in (1, 500, 1000):
                    expected = Payload(Pattern.SIMPLE, size, mask=0xFF).content()
                    assert (await client.receive(line)).digest == digest(expected)
                assert len(await client.ping(line, Payload(Pattern.SIMPLE, 8), count=10)) == 10
                await client.close(line)
            seen = await server.service(channel)
            assert seen.requests == seen.refused_changes == 26

        play(scene)

    def test_a_response_reaches_nobody_but_who_asked(self, play: Play) -> None:
        async def scene(stage: Stage) -> None:
            server, client = await stage.start(), await stage.start()
            channel = await server.serve(stage.name, metadata=0, payload=4096)
            await server.handle(channel, "echo", delay=0.2)
            for size in (10, 20):
                line = await client.dial(stage.name, metadata=0, payload=4096)
                await client.send(line, Payload(Pattern.SIMPLE, size))
                if size == 10:
                    await client.close(line)  # and the next one of the same process comes while the handler works
            assert (await client.receive(line)).size == 20

        play(scene)

    def test_a_verb_that_waits_stops_no_other_and_ends_with_its_object(self, play: Play) -> None:
        async def scene(stage: Stage) -> None:
            driver = await stage.start()
            reader = await driver.create(stage.name, metadata=0, payload=64)
            waiting = asyncio.create_task(driver.read(reader, timeout=60))
            assert (await driver.hello(timeout=1)).pid == driver.pid
            await driver.close(reader)
            await asyncio.wait_for(refused(waiting, "closed"), PATIENCE)

        play(scene)

    def test_it_does_not_outlive_its_parent(self) -> None:
        # The pipes are ours: only the death of the parent can end it.
        started = "print(subprocess.Popen(sys.argv[1:], stdout=2).pid, flush=True)"
        parent = f"import subprocess, sys, time; {started}; time.sleep(60)"
        hello = framing.encode(b'{"jsonrpc":"2.0","id":1,"method":"hello","params":[{"timeout":1}]}')
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        with subprocess.Popen([sys.executable, "-c", parent, *self.language.words], **pipes) as process:  # type: ignore[call-overload]
            child = psutil.Process(int(process.stdout.readline()))
            process.stdin.write(hello)
            process.stdin.flush()
            deadline = time.monotonic() + PATIENCE
            while not process.stderr.readline().startswith(b"Content-Length"):  # by then it has asked for the signal
                assert time.monotonic() < deadline
            process.kill()
            assert psutil.wait_procs([child], timeout=PATIENCE)[1] == []
