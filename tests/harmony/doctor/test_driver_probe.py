"""The process under examination: what it hears, and what it makes of what it cannot hear."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import pytest

from harmony import DriverError, load_project
from harmony.doctor import CheckContext, DriverProbe, WrongError, request
from harmony.doctor.examination import open_case
from harmony.doctor.observations import Observation
from harmony.wire import framing, jsonrpc
from harmony.wire.jsonrpc import Response

ROOT: Final = Path(__file__).parents[3]
NO_JSON: Final = framing.encode(b"no JSON")


def with_probe(scene: Callable[[DriverProbe], Awaitable[None]]) -> None:
    async def run() -> None:
        case = open_case(load_project(ROOT), "python")
        async with CheckContext(case, "test") as context:
            await scene(await context.probe())
        await case.close()

    asyncio.run(run())


def test_who_waits_no_longer_takes_nothing_from_the_next() -> None:
    async def scene(probe: DriverProbe) -> None:
        impatient = asyncio.ensure_future(probe.told())
        await asyncio.sleep(0)
        impatient.cancel()
        await asyncio.wait({impatient})
        await probe.send(NO_JSON)
        assert (await probe.told()).code == jsonrpc.PARSE_ERROR
        assert probe.idle

    with_probe(scene)


def test_a_refusal_is_an_error_with_its_code_and_details() -> None:
    async def scene(probe: DriverProbe) -> None:
        with pytest.raises(DriverError) as caught:
            await probe.call("connect", {"name": "nothing-of-the-kind", "timeout": 1.0}, 1.0)
        assert caught.value.code == "not_found"
        with pytest.raises(WrongError, match="-32602"):
            await probe.call("connect", {"timeout": 1.0}, 1.0)

    with_probe(scene)


def test_who_owes_an_answer_is_given_to_nobody_else() -> None:
    async def scene(probe: DriverProbe) -> None:
        probe.late = 0.05
        # Nobody has sent it.
        with pytest.raises(WrongError, match=r"was not answered within 0\.05 s"), probe.expecting(77) as answer:
            await probe.within(0.0, answer, "request 77")
        assert not probe.idle
        probe.late = 3.0

    with_probe(scene)


def test_what_is_asked_of_the_dead_is_told_with_how_it_died() -> None:
    async def scene(probe: DriverProbe) -> None:
        await probe.kill()
        with pytest.raises(WrongError, match="was killed by SIGKILL"):
            await probe.ask("health", {"timeout": 1.0})
        with pytest.raises(WrongError, match="was killed by SIGKILL"):
            await probe.told()

    with_probe(scene)


def test_one_id_as_number_and_as_text_are_two() -> None:
    async def scene(probe: DriverProbe) -> None:
        both = [probe.ask("health", {"timeout": 1.0}, identity=identity) for identity in (500, "500")]
        for answer, identity in zip(await asyncio.gather(*both), (500, "500"), strict=True):
            assert isinstance(answer, Response)
            assert answer.id == identity

    with_probe(scene)


def test_an_answer_that_was_given_up_is_late_and_no_second_one() -> None:
    async def scene(probe: DriverProbe) -> None:
        name = f"late_{probe.pid}"
        reader = await probe.call("create", {"name": name, "metadata": 0, "payload": 64, "timeout": 1.0}, 1.0)
        with probe.expecting(77):
            await probe.send(request(77, "read", {"handle": reader, "timeout": 0.2}))
        before = probe.idle
        await probe.ask("read", {"handle": reader, "timeout": 0.4}, timeout=0.4)
        await probe.call("close", {"handle": reader, "timeout": 1.0}, 1.0)
        assert (before, probe.idle, probe.observations.of(Observation.ANSWERS)) == (False, True, {})

    with_probe(scene)


def test_an_error_that_nothing_had_called_for_is_noted_by_the_end() -> None:
    async def scene(probe: DriverProbe) -> None:
        await probe.send(NO_JSON)
        await probe.end()
        (text,) = probe.observations.of(Observation.ANSWERS)
        assert text.startswith(f"an error that nothing had called for: {jsonrpc.PARSE_ERROR}")

    with_probe(scene)
