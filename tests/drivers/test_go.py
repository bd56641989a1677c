"""The Go driver and the Python library: the same memory, in both directions, until one of them dies."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import psutil
import pytest

from harmony import framing
from harmony.errors import UnsupportedError
from step_definitions.child_driver import ChildDriver
from step_definitions.observer import BufferView, Part, objects_of_run
from step_definitions.patterns import Pattern, Payload, digest, expected_chain, ramp, sizes_of
from step_definitions.port import DriverError

FOLDER = Path(__file__).resolve().parents[2] / "drivers" / "go"
PROGRAM = FOLDER / "bin" / "driver"
BUILD = "go build -C drivers/go -o bin/driver ./cmd/driver"
PATIENCE = 10.0  # no measure of anything: what takes longer hangs

_numbers = itertools.count(1)


def obstacle() -> str:
    """Say why these tests cannot run."""
    if not PROGRAM.exists():
        return f"go: not built — run {BUILD}" + ("" if shutil.which("go") else " (Debian: apt-get install golang-go)")
    newest = max(path.stat().st_mtime for path in FOLDER.rglob("*.go") if not path.name.endswith("_test.go"))
    return f"go: built before its sources changed — run {BUILD}" if PROGRAM.stat().st_mtime < newest else ""


built = pytest.mark.skipif(bool(obstacle()), reason=obstacle() or "built")


class Stage:
    """The processes of one test, by language, and a name for its buffers."""

    def __init__(self, stack: AsyncExitStack, name: str) -> None:
        self._stack = stack
        self.name = name

    async def start(self, language: str) -> ChildDriver:
        """Start a driver, which ends with the test."""
        python = language == "python"
        driver = await (ChildDriver.start("zerobuffer") if python else ChildDriver.launch([str(PROGRAM)]))
        self._stack.push_async_callback(self._end, driver)
        return driver

    @staticmethod
    async def _end(driver: ChildDriver) -> None:
        await (driver.end() if driver.alive else driver.kill())


Scene = Callable[[Stage, str, str], Awaitable[None]]


@pytest.fixture
def play() -> Iterator[Callable[..., None]]:
    """Play a scene; nothing of its name may be left afterwards, nor any process."""
    suffix = f"_{os.getpid()}_{80_000 + next(_numbers)}"

    def whole(scene: Scene, first: str = "go", second: str = "go") -> None:
        async def run() -> None:
            async with AsyncExitStack() as stack:
                await scene(Stage(stack, f"go{suffix}"), first, second)

        asyncio.run(run())

    before = set(psutil.Process().children(recursive=True))
    yield whole
    assert objects_of_run(suffix) == []
    assert psutil.wait_procs(set(psutil.Process().children(recursive=True)) - before, timeout=PATIENCE)[1] == []


both_ways = pytest.mark.parametrize(("reading", "writing"), [("go", "python"), ("python", "go"), ("go", "go")])


async def refused(work: Awaitable[object], *codes: str) -> None:
    with pytest.raises(DriverError) as caught:
        await work
    assert caught.value.code in codes, caught.value


@built
def test_layout_and_semaphores_are_those_of_python_and_its_libc(play: Callable[..., None]) -> None:
    async def scene(stage: Stage, *_: str) -> None:
        go, python = await stage.start("go"), await stage.start("python")
        ours, theirs = await go.hello(), await python.hello()
        assert (ours.protocol, ours.language, ours.pid) == (theirs.protocol, "go", go.pid)
        assert {"duplex", "linux"} <= set(ours.capabilities) <= set(theirs.capabilities)
        assert ours.layout == theirs.layout
        assert ours.layout != {**theirs.layout, "writer_pid": 88, "reader_pid": 80}
        files = []
        for driver in (go, python):
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


@built
@both_ways
def test_random_sizes_wrap_again_and_again(reading: str, writing: str, play: Callable[..., None]) -> None:
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")  # noqa: T201 - to repeat what has failed
    dice = random.Random(seed)
    sizes = [dice.randrange(1, 2000) for _ in range(2000)]

    async def scene(stage: Stage, reading: str, writing: str) -> None:
        reader, writer = await stage.start(reading), await stage.start(writing)
        source = await reader.create(stage.name, metadata=128, payload=4096)
        target = await writer.connect(stage.name)
        await writer.write_metadata(target, Payload(Pattern.SIMPLE, 120))
        recipe = Payload(Pattern.FRAME, 0)
        written, seen = await asyncio.gather(
            writer.write(target, recipe, count=len(sizes), sizes=sizes, timeout=30),
            reader.read_many(source, count=len(sizes), timeout=30),
        )
        assert list(sizes_of(seen.runs)) == list(sizes_of(written.runs)) == sizes
        assert seen.digest == expected_chain(sizes, 1)
        assert (seen.first, seen.last, seen.breaks) == (1, len(sizes), 0)
        metadata = await reader.read_metadata(source)
        assert (metadata.size, metadata.digest) == (120, digest(ramp(120)))
        header = BufferView(stage.name).header()
        assert header["payload_free_bytes"] == 4096
        assert header["payload_written_count"] == header["payload_read_count"] > len(sizes)

    play(scene, reading, writing)


@built
@both_ways
def test_slots_and_held_frames(reading: str, writing: str, play: Callable[..., None]) -> None:
    async def scene(stage: Stage, reading: str, writing: str) -> None:
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
        await reader.release(frames[1].frame)
        assert BufferView(stage.name).field("payload_free_bytes") == 1024 - 3 * 216
        await reader.release(frames[0].frame)
        assert BufferView(stage.name).field("payload_free_bytes") == 1024 - 216
        assert await reader.peek(frames[2].frame, offset=148, length=99) == (ramp(150, 3) + ramp(50))[148:]
        await refused(reader.peek(frames[0].frame, offset=0, length=1), "frame_released")

    play(scene, reading, writing)


@built
@both_ways
def test_one_process_writes_after_itself_unseen(reading: str, writing: str, play: Callable[..., None]) -> None:
    async def scene(stage: Stage, reading: str, writing: str) -> None:
        reader, writer = await stage.start(reading), await stage.start(writing)
        source = await reader.create(stage.name, metadata=0, payload=4096)
        for count in (3, 1, 2):
            target = await writer.connect(stage.name)
            await writer.write(target, Payload(Pattern.FRAME, 100), count=count)
            await writer.close(target)
        assert [(await reader.read(source)).sequence for _ in range(6)] == [1, 2, 3, 1, 1, 2]
        await refused(reader.read(source, timeout=PATIENCE), "writer_dead")

    play(scene, reading, writing)


@built
@both_ways
def test_the_death_of_a_writer(reading: str, writing: str, play: Callable[..., None]) -> None:
    async def scene(stage: Stage, reading: str, writing: str) -> None:
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

    play(scene, reading, writing)


@built
@pytest.mark.parametrize("reading", ["go", "python"])
def test_a_writer_killed_at_any_moment_leaves_whole_frames(reading: str, play: Callable[..., None]) -> None:
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")  # noqa: T201 - to repeat what has failed
    dice = random.Random(seed)

    async def scene(stage: Stage, reading: str, writing: str) -> None:
        reader = await stage.start(reading)
        source = await reader.create(stage.name, metadata=0, payload=4096)
        total = 0
        for _ in range(8):
            sizes = [dice.randrange(1, 1500) for _ in range(50)]
            writer = await stage.start(writing)
            target = await writer.connect(stage.name)
            endless = writer.write(target, Payload(Pattern.FRAME, 0), count=1 << 30, sizes=sizes, timeout=60)
            writes = asyncio.create_task(refused(endless, "dead"))
            reads = asyncio.create_task(reader.read_many(source, timeout=30))
            await writer.hello()
            await asyncio.sleep(dice.random() / 50)  # where it dies is what this is about
            await writer.kill()
            await writes
            seen = await asyncio.wait_for(reads, 30 + PATIENCE)
            assert seen.frames == 0 or (seen.first, seen.last, seen.breaks) == (1, seen.frames, 0)
            assert seen.digest == expected_chain(sizes_of(seen.runs), 1)
            assert BufferView(stage.name).field("payload_free_bytes") == 4096
            total += seen.frames
        print(f"{total} frames")  # noqa: T201 - as above
        assert total > 0

    play(scene, reading, "go")


@built
@both_ways
def test_the_death_of_a_reader(reading: str, writing: str, play: Callable[..., None]) -> None:
    async def scene(stage: Stage, reading: str, writing: str) -> None:
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

    play(scene, reading, writing)


@built
@both_ways
def test_requests_and_responses(reading: str, writing: str, play: Callable[..., None]) -> None:
    async def scene(stage: Stage, serving: str, asking: str) -> None:
        server, client = await stage.start(serving), await stage.start(asking)
        channel = await server.serve(stage.name, metadata=0, payload=4096)
        await server.handle(channel, "xor")
        for _ in range(2):
            line = await client.dial(stage.name, metadata=0, payload=4096)
            for size in (1, 500, 1000):
                recipe = Payload(Pattern.SIMPLE, size)
                await client.send(line, recipe, in_place=size == 500)
                answer = await client.receive(line)
                assert answer.digest == digest(Payload(Pattern.SIMPLE, size, mask=0xFF).content())
            assert len(await client.ping(line, Payload(Pattern.SIMPLE, 8), count=10)) == 10
            await client.close(line)
        seen = await server.service(channel)
        assert seen.requests == seen.refused_changes == 26

    play(scene, reading, writing)


@built
def test_a_response_reaches_nobody_but_who_asked(play: Callable[..., None]) -> None:
    async def scene(stage: Stage, *_: str) -> None:
        server, client = await stage.start("go"), await stage.start("go")
        channel = await server.serve(stage.name, metadata=0, payload=4096)
        await server.handle(channel, "echo", delay=0.2)
        for size in (10, 20):
            line = await client.dial(stage.name, metadata=0, payload=4096)
            await client.send(line, Payload(Pattern.SIMPLE, size))
            if size == 10:
                await client.close(line)  # and the next one of the same process comes while the handler works
        assert (await client.receive(line)).size == 20

    play(scene)


@built
def test_a_verb_that_waits_stops_no_other(play: Callable[..., None]) -> None:
    async def scene(stage: Stage, *_: str) -> None:
        go = await stage.start("go")
        reader = await go.create(stage.name, metadata=0, payload=64)
        waiting = asyncio.create_task(go.read(reader, timeout=60))
        assert (await go.hello(timeout=1)).pid == go.pid
        await go.close(reader)
        await asyncio.wait_for(refused(waiting, "closed"), PATIENCE)
        with pytest.raises(UnsupportedError, match="whistle"):
            await go.call("whistle", {}, 1)
        for params in (
            {},
            {"name": stage.name},
            {"name": stage.name, "timeout": 1, "more": 1},
            {"name": 7, "timeout": 1},
        ):
            with pytest.raises(DriverError, match="Invalid params"):
                await go.call("connect", params, 1)

    play(scene)


@built
@pytest.mark.parametrize("end", ["stdin", "SIGTERM"])
def test_its_end_releases_everything(end: str, play: Callable[..., None]) -> None:
    async def scene(stage: Stage, *_: str) -> None:
        go = await stage.start("go")
        reader = await go.create(stage.name, metadata=0, payload=1024)
        await go.acquire(await go.connect(stage.name), 10)
        await go.handle(await go.serve(stage.name, metadata=0, payload=1024), "echo", delay=60)
        line = await go.dial(stage.name, metadata=0, payload=1024)
        await go.send(line, Payload(Pattern.SIMPLE, 10))
        waiting = [
            asyncio.create_task(refused(verb, "closed", "dead", "reader_dead", "writer_dead"))
            for verb in (go.read(reader, timeout=60), go.receive(line, timeout=60))
        ]
        await go.hello()
        begin = time.monotonic()
        if end == "SIGTERM":
            os.kill(go.pid, signal.SIGTERM)
            await asyncio.gather(*waiting)
        await go.end()
        await asyncio.gather(*waiting)
        assert time.monotonic() - begin < PATIENCE / 2

    play(scene)


@built
def test_stdout_holds_answers_only_and_all_of_them() -> None:
    hello = b'{"jsonrpc":"2.0","id":%d,"method":"hello","params":[{"timeout":1}]}'
    stream = b"noise\n" + framing.encode(hello % 1) + framing.encode(b"[") + framing.encode(hello % 2)
    done = subprocess.run([PROGRAM], input=stream, stdout=subprocess.PIPE, timeout=PATIENCE, check=True)
    items = list(framing.FrameDecoder().feed(done.stdout))
    answers = [json.loads(item.body) for item in items if isinstance(item, framing.Frame)]
    assert len(items) == len(answers) == 4
    assert sorted(answer["id"] or 0 for answer in answers) == [0, 0, 1, 2]
    assert [answer["error"]["code"] for answer in answers if "error" in answer] == [-32700, -32700]


@built
def test_it_does_not_outlive_its_parent() -> None:
    # The pipes are ours: only the death of the parent can end it.
    parent = (
        "import subprocess, sys, time; print(subprocess.Popen(sys.argv[1:], stdout=2).pid, flush=True); time.sleep(60)"
    )
    hello = framing.encode(b'{"jsonrpc":"2.0","id":1,"method":"hello","params":[{"timeout":1}]}')
    with subprocess.Popen(
        [sys.executable, "-c", parent, PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        child = psutil.Process(int(process.stdout.readline()))
        process.stdin.write(hello)
        process.stdin.flush()
        assert process.stderr.readline().startswith(b"Content-Length")  # by now it has asked for the signal
        process.kill()
        assert psutil.wait_procs([child], timeout=PATIENCE)[1] == []


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("go"), reason="go: no toolchain (Debian: apt-get install golang-go)")
@pytest.mark.parametrize("command", ["gofmt -l .", "go vet ./...", "go test ./..."])
def test_its_own_tests_and_linters(command: str) -> None:
    done = subprocess.run(command.split(), cwd=FOLDER, capture_output=True, text=True, timeout=170, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not (command.startswith("gofmt") and done.stdout), f"not formatted: {done.stdout}"
