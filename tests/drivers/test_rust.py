"""The Rust driver against the Python library: who it says it is, frames in both directions, deaths, its end."""

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
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest

from harmony import framing
from harmony.errors import UnsupportedError
from step_definitions.child_driver import ChildDriver
from step_definitions.observer import BufferView, objects_of_run
from step_definitions.patterns import Pattern, Payload, digest, expected_chain, ramp, sizes_of
from step_definitions.port import DriverError

FOLDER = Path(__file__).resolve().parents[2] / "drivers" / "rust"
PROGRAM = FOLDER / "target" / "release" / "zerobuffer-driver"
BUILD = "cargo build --release --manifest-path drivers/rust/Cargo.toml"
PAIRS = [("rust", "python"), ("python", "rust"), ("rust", "rust")]
POINTS = [
    f"writer.{point}" for point in ("planned", "data", "header", "intent", "position", "free", "count", "post", "done")
]
HANG = 10.0

_numbers = itertools.count(1)


def _why_not() -> str:
    sources = [path for part in ("zerobuffer", "driver") for path in (FOLDER / part / "src").rglob("*.rs")]
    if not PROGRAM.exists():
        missing = "" if shutil.which("cargo") else " (Debian: apt-get install cargo)"
        return f"rust: not built - run {BUILD}{missing}"
    if PROGRAM.stat().st_mtime < max(path.stat().st_mtime for path in sources):
        return f"rust: older than its sources - run {BUILD}"
    return ""


pytestmark = pytest.mark.skipif(bool(_why_not()), reason=_why_not() or "built")


@pytest.fixture
def name() -> Iterator[str]:
    """A name for a buffer; nothing of that name may be left, nor any child process."""
    suffix = f"_{os.getpid()}_{70_000 + next(_numbers)}"
    before = set(psutil.Process().children(recursive=True))
    yield f"rust{suffix}"
    assert objects_of_run(suffix) == []
    _, left = psutil.wait_procs(set(psutil.Process().children(recursive=True)) - before, timeout=HANG)
    assert not left


@asynccontextmanager
async def driver(kind: str) -> AsyncIterator[ChildDriver]:
    started = await (ChildDriver.launch([str(PROGRAM)]) if kind == "rust" else ChildDriver.start("zerobuffer"))
    try:
        yield started
    finally:
        await (started.end() if started.alive else started.kill())


def differences(layout: Mapping[str, int], expected: Mapping[str, int]) -> list[str]:
    """Name every field that does not lie where it should."""
    fields = sorted(layout.keys() | expected.keys())
    return [field for field in fields if layout.get(field) != expected.get(field)]


def scene(*arguments: object) -> Callable[[Callable[..., Coroutine[object, object, None]]], Callable[..., None]]:
    """Run a coroutine with a pair of drivers: the reader's and the writer's."""
    pairs = arguments or tuple(PAIRS)

    def wrap(work: Callable[..., Coroutine[object, object, None]]) -> Callable[..., None]:
        @pytest.mark.parametrize(("reading", "writing"), pairs)
        def test(reading: str, writing: str, name: str) -> None:
            async def whole() -> None:
                async with driver(reading) as reader, driver(writing) as writer:
                    await work(reader, writer, name)

            asyncio.run(whole())

        return test

    return wrap


def test_it_says_who_it_is_and_its_layout_is_that_of_python() -> None:
    async def whole() -> None:
        async with driver("rust") as rust, driver("python") as python:
            identity = await rust.hello()
            assert (identity.protocol, identity.language, identity.pid) == ("1.0", "rust", rust.pid)
            assert {"duplex", "linux"} <= set(identity.capabilities)
            expected = (await python.hello()).layout
            assert differences(identity.layout, expected) == []
            swapped = {**expected, "writer_pid": expected["reader_pid"], "reader_pid": expected["writer_pid"]}
            assert differences(identity.layout, swapped) == ["reader_pid", "writer_pid"]

    asyncio.run(whole())


@scene()
async def test_frames_of_random_sizes_wrap_again_and_again(reader: ChildDriver, writer: ChildDriver, name: str) -> None:
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")  # noqa: T201 - to repeat what has failed
    sizes = [random.Random(seed).randrange(1, 2000) for _ in range(1500)]
    incoming = await reader.create(name, metadata=256, payload=4096)
    outgoing = await writer.connect(name)
    await writer.write_metadata(outgoing, Payload(Pattern.SIMPLE, 200))
    writing = asyncio.create_task(
        writer.write(outgoing, Payload(Pattern.FRAME, 0), count=len(sizes), sizes=sizes, timeout=30)
    )
    done = await reader.read_many(incoming, count=len(sizes), timeout=30)
    written = await writing
    assert (done.first, done.last, done.breaks) == (1, len(sizes), 0)
    assert list(sizes_of(done.runs)) == list(sizes_of(written.runs)) == sizes
    assert done.digest == expected_chain(sizes, 1) != expected_chain(sizes, 2)
    blob = await reader.read_metadata(incoming)
    assert (blob.size, blob.digest) == (200, digest(ramp(200)))
    header = BufferView(name).header()
    assert header["payload_free_bytes"] == 4096
    assert header["payload_written_count"] == header["payload_read_count"] > len(sizes)


@scene()
async def test_frames_are_written_in_place_and_held(reader: ChildDriver, writer: ChildDriver, name: str) -> None:
    incoming = await reader.create(name, metadata=0, payload=1024)
    outgoing = await writer.connect(name)
    await writer.abandon(await writer.acquire(outgoing, 400))
    for number in range(1, 4):
        slot = await writer.acquire(outgoing, 240)
        await writer.put(slot, Payload(Pattern.FRAME, 240))
        assert await writer.commit(slot) == number
    held = [await reader.read(incoming) for _ in range(3)]
    assert [frame.digest for frame in held] == [digest(ramp(240, number)) for number in (1, 2, 3)]
    view = BufferView(name)
    for number, free in ((2, 256), (1, 768), (3, 1024)):
        assert await reader.peek(held[number - 1].frame, offset=5, length=3) == ramp(240, number)[5:8]
        await reader.release(held[number - 1].frame)
        assert view.field("payload_free_bytes") == free
    with pytest.raises(DriverError) as caught:
        await reader.peek(held[0].frame, offset=0, length=1)
    assert caught.value.code == "frame_released"


@scene()
async def test_a_blocked_reader_learns_that_its_writer_was_killed(
    reader: ChildDriver, writer: ChildDriver, name: str
) -> None:
    incoming = await reader.create(name, metadata=0, payload=1024)
    outgoing = await writer.connect(name)
    await writer.write(outgoing, Payload(Pattern.FRAME, 100), count=2)
    await writer.kill()
    assert [(await reader.read(incoming)).sequence for _ in range(2)] == [1, 2]
    await _gone(reader.read(incoming, timeout=HANG), "writer_dead")
    async with driver("rust") as another:
        await another.connect(name)
        blocked = asyncio.create_task(_gone(reader.read(incoming, timeout=HANG), "writer_dead"))
        await reader.hello()
        await another.kill()
        await blocked


@scene()
async def test_a_blocked_writer_learns_that_its_reader_was_killed(
    reader: ChildDriver, writer: ChildDriver, name: str
) -> None:
    await reader.create(name, metadata=0, payload=1024)
    outgoing = await writer.connect(name)
    await writer.fill(outgoing, Payload(Pattern.FRAME, 300), patience=0.05)
    blocked = asyncio.create_task(
        _gone(writer.write(outgoing, Payload(Pattern.FRAME, 300), timeout=HANG), "reader_dead")
    )
    await writer.hello()
    await reader.kill()
    await blocked
    await writer.close(outgoing)
    async with driver("rust") as another:
        handle = await another.create(name, metadata=0, payload=512)
        await writer.write(await writer.connect(name), Payload(Pattern.FRAME, 300))
        assert (await another.read(handle)).digest == digest(ramp(300, 1))


@pytest.mark.parametrize(("victim", "successor"), PAIRS)
def test_a_writer_takes_over_wherever_the_one_before_died(victim: str, successor: str, name: str) -> None:
    async def whole() -> None:
        # The reader looks only afterwards: so it is the successor who sets right what was left half-done.
        async with driver("rust") as reader, driver(successor) as following:
            for index, point in enumerate(POINTS):
                buffer = f"p{index}{name}"
                incoming = await reader.create(buffer, metadata=0, payload=4096)
                async with driver(victim) as dying:
                    outgoing = await dying.connect(buffer)
                    await dying.write(outgoing, Payload(Pattern.FRAME, 700), count=2)
                    await dying.arm(point, 1)
                    await _gone(dying.write(outgoing, Payload(Pattern.FRAME, 700)), "dead")
                    await dying.kill()
                outgoing = await following.connect(buffer)
                await following.write(outgoing, Payload(Pattern.FRAME, 500), count=2)
                frames = [await reader.read(incoming) for _ in range(4)]
                if frames[2].sequence == 3:
                    frames.append(await reader.read(incoming))
                assert [frame.sequence for frame in frames] in ([1, 2, 1, 2], [1, 2, 3, 1, 2]), point
                for frame in frames:
                    assert frame.digest == digest(ramp(frame.size, frame.sequence)), point
                await _gone(reader.read(incoming, timeout=0.05), "timeout")
                await reader.close(incoming)
                await following.close(outgoing)

    asyncio.run(whole())


@scene()
async def test_requests_are_answered(server: ChildDriver, client: ChildDriver, name: str) -> None:
    handle = await server.serve(name, metadata=64, payload=8192)
    await server.handle(handle, "xor")
    dialled = await client.dial(name, metadata=64, payload=8192)
    for size in (1, 300, 2000):
        await client.send(dialled, Payload(Pattern.SIMPLE, size), in_place=size == 300)
    for size in (1, 300, 2000):
        expected = Payload(Pattern.SIMPLE, size, mask=0xFF).content()
        assert (await client.receive(dialled)).digest == digest(expected)
    served = await server.service(handle)
    assert (served.requests, served.refused_changes) == (3, 3)
    assert len(await client.ping(dialled, Payload(Pattern.SIMPLE, 10), count=20)) == 20


def test_a_blocked_verb_stops_no_other_and_ends_with_its_reader(name: str) -> None:
    async def whole() -> None:
        async with driver("rust") as rust:
            reader = await rust.create(name, metadata=0, payload=1024)
            blocked = asyncio.create_task(rust.read(reader, timeout=HANG))
            assert (await rust.hello(timeout=1)).pid == rust.pid
            await rust.close(reader)
            await _gone(blocked, "closed")

    asyncio.run(whole())


def test_a_verb_that_it_has_not_got_is_unsupported(name: str) -> None:
    async def whole() -> None:
        async with driver("rust") as rust:
            with pytest.raises(UnsupportedError, match="sing"):
                await rust.call("sing", {}, 1.0)
            with pytest.raises(DriverError, match="Invalid params"):
                await rust.call("create", {"name": name, "metadata": -1, "payload": 64}, 1.0)

    asyncio.run(whole())


@pytest.mark.parametrize("way", ["stdin", "SIGTERM"])
def test_it_releases_everything_at_its_end(way: str, name: str) -> None:
    async def whole() -> None:
        async with driver("rust") as rust:
            reader = await rust.create(name, metadata=0, payload=1024)
            writer = await rust.connect(name)
            await rust.acquire(writer, 100)
            server = await rust.serve(name, metadata=0, payload=1024)
            await rust.handle(server, "echo", delay=60)
            client = await rust.dial(name, metadata=0, payload=1024)
            await rust.send(client, Payload(Pattern.SIMPLE, 10))
            blocked = [
                asyncio.create_task(_gone(work, "dead", "closed", "reader_dead", "writer_dead"))
                for work in (rust.read(reader, timeout=60), rust.receive(client, timeout=60))
            ]
            await rust.hello()
            begin = time.monotonic()
            if way == "SIGTERM":
                os.kill(rust.pid, signal.SIGTERM)
                await asyncio.gather(*blocked)
            await rust.end()
            await asyncio.gather(*blocked)
            assert time.monotonic() - begin < HANG / 2

    asyncio.run(whole())


def test_what_is_no_message_is_answered_and_passed_over() -> None:
    stream = b"".join(
        [
            framing.encode(b"{"),
            b"nonsense\r\n",
            framing.encode(b'{"jsonrpc":"2.0","method":"hello"}'),
            framing.encode(b'{"jsonrpc":"2.0","id":"last","method":"hello","params":{}}'),
        ]
    )
    done = subprocess.run([PROGRAM], input=stream, capture_output=True, timeout=HANG, check=True)
    items = list(framing.FrameDecoder().feed(done.stdout))
    answers = [json.loads(item.body) for item in items if isinstance(item, framing.Frame)]
    assert len(answers) == len(items) == 3
    assert [answer.get("error", {}).get("code") for answer in answers] == [-32700, -32700, None]
    assert (answers[2]["id"], answers[2]["result"]["language"]) == ("last", "rust")


def test_it_dies_with_its_parent_although_its_stdin_stays_open() -> None:
    parent = "import subprocess, sys; subprocess.Popen(sys.argv[1:]).wait()"
    with subprocess.Popen(
        [sys.executable, "-c", parent, PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(framing.encode(b'{"jsonrpc":"2.0","id":1,"method":"hello"}'))
        process.stdin.flush()
        length = int(process.stdout.readline().split()[1])
        process.stdout.readline()
        child = psutil.Process(json.loads(process.stdout.read(length))["result"]["pid"])
        process.kill()
        assert psutil.wait_procs([child], timeout=HANG)[1] == []


async def _gone(work: Coroutine[object, object, object] | asyncio.Task[object], *codes: str) -> None:
    with pytest.raises(DriverError) as caught:
        await work
    assert caught.value.code in codes, caught.value
