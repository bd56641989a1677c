"""The same port in this process and in another one, over the library and over the model."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from harmony import UnsupportedError, Verdict, client_of
from step_definitions import local_driver
from step_definitions.child_driver import ChildDriver, Placement
from step_definitions.library import load
from step_definitions.local_driver import LocalDriver
from step_definitions.patterns import Pattern, Payload, digest, expected_chain, ramp, sizes_of
from step_definitions.port import Driver, DriverError
from tests.zoo.watch import run

MODEL = "tests.zoo.model:correct"
FORGETFUL = "tests.steps.noisy:forgetful"
KINDS = [("local", "zerobuffer"), ("local", MODEL), ("child", "zerobuffer"), ("child", MODEL)]


@asynccontextmanager
async def opened(kind: str, library: str) -> AsyncIterator[Driver]:
    local = kind == "local"
    driver = client_of(Driver, LocalDriver(load(library))) if local else await ChildDriver.start(library)
    try:
        yield driver
    finally:
        await driver.end()


def over_all(scene: Callable[[Driver, str], Awaitable[None]]) -> Callable[[str, str, str], None]:
    """Run a scene over every kind of driver."""

    @pytest.mark.parametrize(("kind", "library"), KINDS)
    def test(kind: str, library: str, run_id: str) -> None:
        async def body() -> None:
            async with opened(kind, library) as driver:
                await scene(driver, f"scene{run_id}")

        asyncio.run(body())

    return test


async def _frames(driver: Driver, name: str) -> None:
    reader = await driver.create(name, metadata=64, payload=4096)
    writer = await driver.connect(name)
    done = await driver.write(writer, Payload(Pattern.FRAME, 100))
    assert (done.first, done.last, done.frames, done.bytes) == (1, 1, 1, 100)
    frame = await driver.read(reader)
    assert (frame.sequence, frame.size, frame.digest) == (1, 100, digest(ramp(100, 1)))
    assert await driver.peek(frame.frame, offset=10, length=5) == ramp(100, 1)[10:15]
    await driver.release(frame.frame)
    with pytest.raises(DriverError) as caught:
        await driver.peek(frame.frame, offset=0, length=1)
    assert caught.value.code == "frame_released"


async def _series(driver: Driver, name: str) -> None:
    reader = await driver.create(name, metadata=0, payload=1024)
    writer = await driver.connect(name)
    writing = asyncio.create_task(driver.write(writer, Payload(Pattern.FRAME, 10), count=50, sizes=[10, 300, 77]))
    done = await driver.read_many(reader, count=50)
    assert (await writing).frames == done.frames == 50
    assert list(sizes_of(done.runs))[:4] == [10, 300, 77, 10]
    assert done.digest == expected_chain(sizes_of(done.runs), 1)
    assert done.breaks == 0


async def _metadata(driver: Driver, name: str) -> None:
    reader = await driver.create(name, metadata=64, payload=1024)
    writer = await driver.connect(name)
    await driver.write_metadata(writer, Payload.of_text("about"))
    blob = await driver.read_metadata(reader)
    assert (blob.size, blob.digest) == (5, digest(b"about"))


async def _in_place(driver: Driver, name: str) -> None:
    reader = await driver.create(name, metadata=0, payload=1024)
    writer = await driver.connect(name)
    await driver.abandon(await driver.acquire(writer, 50))
    slot = await driver.acquire(writer, 20)
    await driver.put(slot, Payload(Pattern.SIMPLE, 20))
    assert await driver.commit(slot) == 1
    assert (await driver.read(reader)).digest == digest(ramp(20))


async def _refusals(driver: Driver, name: str) -> None:
    reader = await driver.create(name, metadata=0, payload=128)
    writer = await driver.connect(name)
    for work, code in (
        (driver.create(name, metadata=0, payload=64), "buffer_in_use"),
        (driver.connect(name), "writer_exists"),
        (driver.connect(f"x{name}"), "not_found"),
        (driver.read(reader, timeout=0.05), "timeout"),
        (driver.write(writer, Payload(Pattern.FRAME, 200)), "frame_too_large"),
        (driver.read(9999), "closed"),
    ):
        with pytest.raises(DriverError) as caught:
            await work
        assert caught.value.code == code


async def _unknown_verb(driver: Driver, name: str) -> None:
    del name
    with pytest.raises((DriverError, UnsupportedError), match="sing"):
        await driver.call("sing", {}, 1.0)


async def _full(driver: Driver, name: str) -> None:
    await driver.create(name, metadata=0, payload=1024)
    writer = await driver.connect(name)
    assert (await driver.fill(writer, Payload(Pattern.FRAME, 100), patience=0.05)).frames == 8


async def _duplex(driver: Driver, name: str) -> None:
    server = await driver.serve(name, metadata=64, payload=4096)
    await driver.handle(server, "xor")
    client = await driver.dial(name, metadata=64, payload=4096)
    await driver.send(client, Payload(Pattern.SIMPLE, 100))
    blob = await driver.receive(client)
    assert blob.digest == digest(Payload(Pattern.SIMPLE, 100, mask=0xFF).content())
    served = await driver.service(server)
    assert (served.requests, served.refused_changes) == (1, 1)
    assert len(await driver.ping(client, Payload(Pattern.SIMPLE, 10), count=3)) == 3


async def _blocked_beside_others(driver: Driver, name: str) -> None:
    reader = await driver.create(name, metadata=0, payload=1024)
    writer = await driver.connect(name)
    waiting = asyncio.create_task(driver.read(reader, timeout=10))
    assert (await asyncio.wait_for(driver.hello(), 5)).protocol == "1.0"
    await driver.write(writer, Payload.of_text("woken"))
    assert (await waiting).size == 5


test_frames = over_all(_frames)
test_series = over_all(_series)
test_metadata = over_all(_metadata)
test_in_place = over_all(_in_place)
test_refusals = over_all(_refusals)
test_full = over_all(_full)
test_unknown_verb = over_all(_unknown_verb)
test_duplex = over_all(_duplex)
test_a_blocked_verb_stops_no_other = over_all(_blocked_beside_others)


def test_a_child_has_a_process_of_its_own_and_ends_with_its_driver(run_id: str) -> None:
    async def body() -> None:
        async with opened("child", "zerobuffer") as driver:
            assert isinstance(driver, ChildDriver)
            assert (await driver.hello()).pid == driver.pid != os.getpid()
            await driver.create(f"own{run_id}", metadata=0, payload=64)

    asyncio.run(body())


def test_a_child_that_is_killed_says_so() -> None:
    async def body() -> None:
        driver = await ChildDriver.start(MODEL)
        await driver.hello()
        os.kill(driver.pid, signal.SIGKILL)
        with pytest.raises(DriverError) as caught:
            for _ in range(100):
                await driver.hello()
        assert caught.value.code == "dead"
        await driver.kill()
        assert not driver.alive
        await driver.end()

    asyncio.run(body())


def test_a_child_releases_all_when_it_is_asked_to_end(run_id: str) -> None:
    async def body() -> None:
        driver = await ChildDriver.start("zerobuffer")
        await driver.create(f"term{run_id}", metadata=0, payload=64)
        driver.child.signal(signal.SIGTERM)
        await driver.end()

    asyncio.run(body())


def test_a_role_can_be_played_by_any_program(monkeypatch: pytest.MonkeyPatch) -> None:
    command = [sys.executable, "-m", "step_definitions.child", MODEL]
    monkeypatch.setenv("ZEROBUFFER_STEPS_DRIVERS", json.dumps({"writer": command}))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    for number in ("1.1", "2.1", "5.5"):
        result = run("zerobuffer", number, patient=True).result
        assert result.verdict is Verdict.PASSED, result.failure and result.failure.error
        assert any("version='model'" in record.message for record in result.logs["writer"])


@pytest.mark.parametrize("number", ["1.1", "13.1"])
@pytest.mark.parametrize(("library", "verdict"), [(MODEL, Verdict.PASSED), (FORGETFUL, Verdict.FAILED)])
def test_what_a_driver_leaves_that_ends_in_order_is_its_fault(
    monkeypatch: pytest.MonkeyPatch, number: str, library: str, verdict: Verdict
) -> None:
    """The objects were swept with those of killed processes, and the scenario was green."""
    command = [sys.executable, "-m", "step_definitions.child", library]
    monkeypatch.setenv("ZEROBUFFER_STEPS_DRIVERS", json.dumps({"*": command}))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    result = run("zerobuffer", number, patient=True).result
    assert result.verdict is verdict, result.failure and result.failure.error
    if verdict is Verdict.FAILED:
        assert result.failure is not None
        owner = "server" if number == "13.1" else "reader"
        assert f"the driver of '{owner}' has left buffer" in result.failure.error
        assert "segment" in result.failure.error


def test_what_a_library_prints_does_not_disturb_the_conversation(run_id: str) -> None:
    async def body() -> None:
        async with opened("child", "tests.steps.noisy:printing") as driver:
            name = f"noisy{run_id}"
            await driver.create(name, metadata=0, payload=1024)
            writer = await driver.connect(name)
            assert (await driver.write(writer, Payload.of_text("still here"))).frames == 1

    asyncio.run(body())


@pytest.mark.parametrize("kind", ["local", "child"])
def test_a_library_that_hangs_is_given_up(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_driver, "GRACE", 0.1)
    monkeypatch.setattr("harmony.run.driver_process.GRACE", 0.1)

    async def body() -> None:
        driver = (
            client_of(Driver, LocalDriver(load("tests.steps.noisy:hanging")))
            if kind == "local"
            else await ChildDriver.start("tests.steps.noisy:hanging")
        )
        with pytest.raises(DriverError) as caught:
            await driver.connect("whatever", timeout=0.1 if kind == "local" else 1.0)
        assert caught.value.code == "hang"
        await (driver.kill() if isinstance(driver, ChildDriver) else driver.end())

    asyncio.run(body())


def test_an_error_without_a_code_is_no_refusal() -> None:
    async def body() -> None:
        async with opened("local", "tests.steps.noisy:breaking") as driver:
            with pytest.raises(ZeroDivisionError):
                await driver.connect("whatever")
        async with opened("child", "tests.steps.noisy:breaking") as driver:
            with pytest.raises(DriverError, match="ZeroDivisionError"):
                await driver.connect("whatever")

    asyncio.run(body())


@pytest.mark.skipif(os.geteuid() != 0, reason="becoming another user needs the rights of root")
def test_a_child_can_belong_to_another_user(run_id: str) -> None:
    async def body() -> None:
        async with opened("local", "zerobuffer") as owner:
            name = f"mine{run_id}"
            await owner.create(name, metadata=0, payload=64)
            stranger = await ChildDriver.start("zerobuffer", Placement(user=65534))
            with pytest.raises(DriverError) as caught:
                await stranger.connect(name)
            assert caught.value.code == "permission_denied"
            await stranger.end()

    asyncio.run(body())
