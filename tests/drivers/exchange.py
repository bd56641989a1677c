"""What every driver must do, and the Python library with it: the same memory, in both directions, until one dies.

The test module of a language says what it is and takes over the scenes::

    GO = Language("go", folder=DRIVERS / "go", command=(DRIVERS / "go" / "bin" / "driver",), sources=("**/*.go",))

    class TestExchange(Exchange):
        language = GO

    class TestWire(Wire):  # of tests/drivers/wire.py: the contract, message by message
        language = GO
"""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final

import psutil
import pytest

from harmony import framing
from harmony.contract import HandshakeError
from harmony.process import own_helper
from step_definitions.child_driver import ChildDriver
from step_definitions.observer import BufferView, Part, objects_of_run
from step_definitions.patterns import Pattern, Payload, digest, expected_chain, ramp, sizes_of
from step_definitions.port import DriverError

DRIVERS: Final = Path(__file__).resolve().parents[2] / "drivers"
PATIENCE: Final = 10.0  # no measure of anything: what takes longer hangs
WRITER_POINTS: Final = tuple(
    f"writer.{point}" for point in ("planned", "data", "header", "intent", "position", "free", "count", "post", "done")
)

_numbers = itertools.count(80_000)


@dataclass(frozen=True)
class Language:
    """A language and its driver.

    Attributes:
        name: As its platform in harmony.toml, such as ``cpp``.
        folder: Where its sources are.
        command: The driver; the last word is what the build makes.
        sources: What makes the driver old when it changes, as patterns within the folder; none if nothing is built.
        said: How it names itself in ``hello``, where that is not the name.
        capabilities: What it must claim.
    """

    name: str
    folder: Path
    command: tuple[str | Path, ...]
    sources: tuple[str, ...]
    said: str = ""
    capabilities: frozenset[str] = frozenset({"duplex", "linux", "points"})

    @property
    def words(self) -> list[str]:
        """The command for a process."""
        return [str(word) for word in self.command]

    def obstacle(self) -> str:
        """Say why its driver cannot be tried, or nothing."""
        if not self.sources:
            return ""
        program = Path(self.command[-1])
        remedy = f"run harmony build {self.name}"
        if not program.exists():
            return f"{self.name}: not built — {remedy}"
        if missing := [word for word in self.words[:-1] if not word.startswith("-") and not shutil.which(word)]:
            return f"{self.name}: needs {missing[0]} to run"
        sources = [path for pattern in self.sources for path in self.folder.glob(pattern)]
        times = [path.stat().st_mtime for path in sources if "_test." not in path.name]
        if not times:
            return f"{self.name}: no sources like {self.sources} in {self.folder.name}"
        return (
            f"{self.name}: built before its sources changed — {remedy}" if program.stat().st_mtime < max(times) else ""
        )


class Stage:
    """The processes of one test, and a name for its buffers."""

    def __init__(self, language: Language, name: str, stack: AsyncExitStack) -> None:
        self._language = language
        self._stack = stack
        self.name = name

    async def start(self, who: str = "driver") -> ChildDriver:
        """Start the driver or Python, which ends with the test."""
        python = who == "python"
        driver = await (ChildDriver.start("zerobuffer") if python else ChildDriver.launch(self._language.words))
        self._stack.push_async_callback(self._end, driver)
        return driver

    @staticmethod
    async def _end(driver: ChildDriver) -> None:
        await (driver.end() if driver.alive else driver.kill())


def children() -> set[psutil.Process]:
    """The processes below this one, but for harmony's own."""
    ours, _ = own_helper() or (0, 0)
    return {process for process in psutil.Process().children(recursive=True) if process.pid != ours}


Scene = Callable[[Stage], Awaitable[None]]
Play = Callable[[Scene], None]


class Subject:
    """Tests of one driver. After each, nothing of its name may be left, nor any process."""

    language: ClassVar[Language]

    @pytest.fixture(autouse=True)
    def built(self) -> None:
        """Skip, visibly, where the driver was not built."""
        if reason := self.language.obstacle():
            pytest.skip(reason)

    @pytest.fixture
    def name(self, built: None) -> Iterator[str]:
        """A name for buffers that no other test has."""
        suffix = f"_{os.getpid()}_{next(_numbers)}"
        before = children()
        yield f"{self.language.name}{suffix}"
        assert objects_of_run(suffix) == []
        assert psutil.wait_procs(children() - before, timeout=PATIENCE)[1] == []

    @pytest.fixture
    def play(self, name: str) -> Play:
        """Play a scene with drivers."""
        return playing(self.language, name)


def playing(language: Language, name: str) -> Play:
    """Have scenes played with the driver of a language."""

    async def run(scene: Scene) -> None:
        async with AsyncExitStack() as stack:
            await scene(Stage(language, name, stack))

    return lambda scene: asyncio.run(run(scene))


def altered(language: Language, target: Path, file: str, old: str, new: str) -> Path:
    """Copy the sources of a language, with one thing changed; to be built and found out."""
    what_is_built = shutil.ignore_patterns("bin", "obj", "build", "target", ".*")
    folder = Path(shutil.copytree(language.folder, target / language.folder.name, ignore=what_is_built))
    text = (folder / file).read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{file} has changed: look for {old!r}"
    (folder / file).write_text(text.replace(old, new), encoding="utf-8")
    return folder


def handshake_of(*words: str | Path) -> str:
    """Start a driver that is refused at once, and return why."""

    async def meet() -> None:
        driver = await ChildDriver.launch([str(word) for word in words])
        await driver.end()

    with pytest.raises(HandshakeError) as caught:
        asyncio.run(meet())
    return str(caught.value)


both_ways = pytest.mark.parametrize(
    ("reading", "writing"), [("driver", "python"), ("python", "driver"), ("driver", "driver")]
)


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
            reader, writer = await stage.start(reading), await stage.start(writing)
            source = await reader.create(stage.name, metadata=256, payload=4096)
            target = await writer.connect(stage.name)
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
            reader, writer = await stage.start(reading), await stage.start(writing)
            source = await reader.create(stage.name, metadata=0, payload=1024)
            target = await writer.connect(stage.name)
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
            assert [(await reader.read(source)).sequence for _ in range(6)] == [1, 2, 3, 1, 1, 2]
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
            assert [(await reader.read(source)).sequence for _ in range(6)] == [1, 2, 3, 1, 1, 2]
            await writer.write(target, Payload(Pattern.FRAME, 100))
            assert (await reader.read(source)).sequence == 3

        play(scene)

    @both_ways
    def test_the_death_of_a_writer(self, reading: str, writing: str, play: Play) -> None:
        async def scene(stage: Stage) -> None:
            reader, writer = await stage.start(reading), await stage.start(writing)
            source = await reader.create(stage.name, metadata=0, payload=1024)
            await writer.write(await writer.connect(stage.name), Payload(Pattern.FRAME, 100), count=2)
            assert [(await reader.read(source)).sequence for _ in range(2)] == [1, 2]
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

    @pytest.mark.parametrize(
        ("victim", "successor"), [("driver", "python"), ("python", "driver"), ("driver", "driver")]
    )
    def test_a_writer_takes_over_wherever_the_one_before_died(self, victim: str, successor: str, play: Play) -> None:
        if "points" not in self.language.capabilities:
            pytest.skip(f"{self.language.name} does not claim points")

        async def scene(stage: Stage) -> None:
            # The reader looks only afterwards: so it is the successor who sets right what was left half-done. The frame
            # that is held meanwhile hides how much should be free.
            reader, following = await stage.start(), await stage.start(successor)
            for index, point in enumerate(WRITER_POINTS):
                name = f"p{index}{stage.name}"
                source = await reader.create(name, metadata=0, payload=4096)
                dying = await stage.start(victim)
                target = await dying.connect(name)
                await dying.write(target, Payload(Pattern.FRAME, 700), count=2)
                held = await reader.read(source)
                await dying.arm(point, 1)
                await refused(dying.write(target, Payload(Pattern.FRAME, 700)), "dead")
                await dying.kill()
                target = await following.connect(name)
                written = await following.fill(target, Payload(Pattern.FRAME, 500), patience=0.01)
                assert written.frames >= 2, point
                frames = [await reader.read(source) for _ in range(1 + written.frames)]
                if frames[1].sequence == 3:
                    frames.append(await reader.read(source))
                sequences = [frame.sequence for frame in frames]
                again = list(range(1, 1 + written.frames))
                assert sequences in ([2, *again], [2, 3, *again]), point
                for frame in frames:
                    assert frame.digest == digest(ramp(frame.size, frame.sequence)), point
                assert await reader.peek(held.frame, offset=0, length=700) == ramp(700, 1), point
                await refused(reader.read(source, timeout=0.02), "timeout")
                for frame in (held, *frames):
                    await reader.release(frame.frame)
                assert BufferView(name).field("payload_free_bytes") in (4096, 4096 - 716), point
                await reader.close(source)
                await following.close(target)

        play(scene)

    @pytest.mark.parametrize(
        ("victim", "successor"), [("driver", "python"), ("python", "driver"), ("driver", "driver")]
    )
    def test_a_frame_that_fills_the_ring_is_finished_or_forgotten(
        self, victim: str, successor: str, play: Play
    ) -> None:
        if "points" not in self.language.capabilities:
            pytest.skip(f"{self.language.name} does not claim points")

        async def scene(stage: Stage) -> None:
            reader, following = await stage.start(), await stage.start(successor)
            for index, point in enumerate(WRITER_POINTS):
                name = f"f{index}{stage.name}"
                source = await reader.create(name, metadata=0, payload=1024)
                dying = await stage.start(victim)
                target = await dying.connect(name)
                await dying.arm(point, 1)
                await refused(dying.write(target, Payload(Pattern.FRAME, 1024 - 16)), "dead")
                await dying.kill()
                target = await following.connect(name)
                writing = asyncio.create_task(following.write(target, Payload(Pattern.FRAME, 100), timeout=PATIENCE))
                frames = [await reader.read(source, timeout=PATIENCE)]
                if frames[0].size != 100:
                    await reader.release(frames[0].frame)
                    frames.append(await reader.read(source, timeout=PATIENCE))
                await writing
                assert [(frame.size, frame.sequence) for frame in frames] in ([(100, 1)], [(1008, 1), (100, 1)]), point
                assert all(frame.digest == digest(ramp(frame.size, 1)) for frame in frames), point
                await reader.release(frames[-1].frame)
                assert BufferView(name).field("payload_free_bytes") == 1024, point
                await reader.close(source)
                await following.close(target)

        play(scene)

    @both_ways
    def test_the_death_of_a_reader(self, reading: str, writing: str, play: Play) -> None:
        async def scene(stage: Stage) -> None:
            reader, writer = await stage.start(reading), await stage.start(writing)
            await reader.create(stage.name, metadata=0, payload=1024)
            target = await writer.connect(stage.name)
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
