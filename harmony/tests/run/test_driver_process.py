"""Drivers as processes: who is let in, what is checked of what they say, and how they end."""

from __future__ import annotations

import asyncio
import dataclasses
import re
import sys
import time
from collections.abc import Awaitable, Callable

import psutil
import pytest

from harmony.errors import ConfigurationError, LeftBehindError, UnsupportedError
from harmony.model import ScenarioStart, StepCall, StepOutcome, StepType, Verdict
from harmony.process.child import ProcessSpec
from harmony.run import driver_process
from harmony.run.driver_actor import DriverActor, DriverProgram
from harmony.run.driver_process import DriverProcess, FrozenError
from harmony.run.role_driver import RoleDriver, with_drivers
from harmony.steps.library import StepLibrary
from harmony.steps.registry import StepRegistry
from harmony.verdict.events import Event, WorkerEnded, WorkerStarted
from harmony.wire.driver import DriverError, client_of
from harmony.wire.driver_contract import HandshakeError
from harmony.wire.verb import ContractViolationError
from kettle.contract import CONTRACT, Kettle, KettleProcess
from kettle.steps import KettleSteps
from sandbox import HELPERS


def spec(fault: str = "") -> ProcessSpec:
    command = (sys.executable, "-m", "kettle.program", fault)
    return ProcessSpec("kettle", command, env={"PYTHONPATH": str(HELPERS)})


def with_kettle(fault: str, work: Callable[[KettleProcess], Awaitable[None]], *, strict: bool = False) -> None:
    async def body() -> None:
        kettle = await KettleProcess.begin(spec(fault), CONTRACT, strict=strict)
        try:
            await work(kettle)
        finally:
            await kettle.kill()

    asyncio.run(body())


def test_a_driver_of_any_subject_answers() -> None:
    async def work(kettle: KettleProcess) -> None:
        assert await kettle.health()
        assert await kettle.boil(2) == [20.0, 100.0]
        with pytest.raises(DriverError) as refused:
            await kettle.boil(6)
        assert (refused.value.code, refused.value.details) == ("dry", {"cups": 6})
        with pytest.raises(UnsupportedError):
            await kettle.whistle()
        await kettle.end()
        assert not kettle.alive

    with_kettle("", work, strict=True)


def test_what_is_frozen_stands_still_until_it_is_thawed() -> None:
    async def work(kettle: KettleProcess) -> None:
        kettle.freeze()
        assert psutil.Process(kettle.pid).status() == psutil.STATUS_STOPPED
        with pytest.raises(FrozenError, match="boil was asked of a process that the scenario has frozen"):
            await kettle.boil(2)
        kettle.thaw()
        assert await kettle.boil(2) == [20.0, 100.0]

    with_kettle("", work)


def test_what_is_frozen_at_the_end_ends_in_order() -> None:
    async def work(kettle: KettleProcess) -> None:
        kettle.freeze()
        await kettle.end()
        assert (kettle.alive, kettle.crash()) == (False, "")

    with_kettle("", work)


@pytest.mark.parametrize(
    ("fault", "named"),
    [
        ("swapped", "tank.cups is at offset 4, expected 0"),
        ("no-layout", "structure 'tank' is missing"),
        ("old", "speaks contract 1.0, this project 2.1"),
    ],
)
def test_who_cannot_be_right_is_not_let_in(fault: str, named: str) -> None:
    with pytest.raises(HandshakeError, match=named) as refused:
        asyncio.run(KettleProcess.begin(spec(fault), CONTRACT))
    assert refused.value.verdict is Verdict.ERRORED


@pytest.mark.parametrize(
    ("fault", "cups", "named", "also_without"),
    [
        ("ill-typed", 1, "0: Input should be a valid number", True),
        ("unknown-code", 6, "'thirsty' is no canonical code", False),
        ("no-data", 6, "data", False),
        ("prints", 1, "said more than answers", False),
        ("twice", 1, "second or late answer", False),
    ],
)
def test_what_the_contract_does_not_allow_is_named(fault: str, cups: int, named: str, *, also_without: bool) -> None:
    async def strictly(kettle: KettleProcess) -> None:
        for _ in range(100):  # what comes after an answer is seen with the next one
            await _tolerant(kettle, cups)

    async def loosely(kettle: KettleProcess) -> None:
        await _tolerant(kettle, cups)

    with pytest.raises(ContractViolationError, match=named):
        with_kettle(fault, strictly, strict=True)
    if not also_without:
        with_kettle(fault, loosely)


async def _tolerant(kettle: KettleProcess, cups: int) -> None:
    try:
        await kettle.boil(cups)
    except DriverError as error:
        assert cups > 5, error  # noqa: PT017 - the refusal is what it should be


def test_a_key_too_many_matters_only_to_the_strict() -> None:
    with pytest.raises(ContractViolationError, match="mood"):
        asyncio.run(KettleProcess.begin(spec("more-keys"), CONTRACT, strict=True))

    async def work(kettle: KettleProcess) -> None:
        assert await kettle.health()

    with_kettle("more-keys", work)


def test_a_hang_comes_with_what_the_driver_says_it_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver_process, "GRACE", 0.1)

    async def work(kettle: KettleProcess) -> None:
        with pytest.raises(DriverError) as hung:
            await kettle.boil(1, timeout=0.2)
        assert hung.value.code == "hang"
        assert re.search(r"under way: boil for \d+\.\d s", hung.value.message)
        assert "thread stove:\nhot" in hung.value.message

    with_kettle("hangs", work)


@pytest.mark.parametrize(
    ("fault", "sentence", "verdict", "told"),
    [
        ("hangs", "refuses '1' cups", Verdict.TIMED_OUT, "of which the step made: expected '1' seen ''"),
        ("hangs", "boils '1' cups", Verdict.TIMED_OUT, ""),
        ("unknown-code", "refuses '6' cups", Verdict.FAILED, "expected '6' seen ''"),
        ("", "refuses '6' cups", Verdict.PASSED, ""),
    ],
)
def test_a_hang_is_a_timeout_whatever_a_step_makes_of_it(
    monkeypatch: pytest.MonkeyPatch, fault: str, sentence: str, verdict: Verdict, told: str
) -> None:
    monkeypatch.setattr(driver_process, "GRACE", 0.1)
    library = with_drivers(StepLibrary(StepRegistry.of_classes(KettleSteps), contract=CONTRACT))

    async def body() -> StepOutcome:
        actor = DriverActor(library, spec(fault))
        try:
            await actor.start(ScenarioStart("host", "kettle", "1.1 S", 41, 2))
            outcome = await actor.perform(StepCall(StepType.WHEN, f"the 'host' process {sentence}", "host"))
            await actor.finish()
        finally:
            await actor.close()
        return outcome

    outcome = asyncio.run(body())
    assert outcome.verdict is verdict, outcome.error
    assert told in outcome.error
    if fault == "hangs":
        assert outcome.error.startswith("DriverError: hang: boil did not return within 1 s and 0.1 s more\n")
        assert "thread stove" in outcome.data["stack"]


def test_a_death_comes_with_its_signal_and_last_words() -> None:
    async def work(kettle: KettleProcess) -> None:
        with pytest.raises(DriverError) as dead:
            await kettle.boil(1)
        assert dead.value.code == "dead"
        assert "SIGKILL" in dead.value.message
        assert "out of gas" in dead.value.message

    with_kettle("dies", work)


def test_its_end_is_judged_when_it_is_asked_to_end() -> None:
    async def work(kettle: KettleProcess) -> None:
        assert await kettle.boil(1)
        with pytest.raises(DriverError, match=r"kettle exited with code 3, asked to end after boil(?s:.*)bill") as dead:
            await kettle.end()
        assert dead.value.verdict is Verdict.CRASHED

    with_kettle("ends-with-3", work)


def test_one_that_does_not_end_is_ended_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver_process, "_STOP_PATIENCE", 0.2)

    async def work(kettle: KettleProcess) -> None:
        with pytest.raises(DriverError, match="did not end by itself"):
            await kettle.end()
        assert not kettle.alive

    with_kettle("stays", work)


def test_it_says_what_is_under_way_and_since_when(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver_process, "_DUMP_TIMEOUT", 60.0)
    program = DriverProgram(spec("hangs"), CONTRACT)

    async def body() -> None:
        kettle = await KettleProcess.begin(program.spec, CONTRACT, listener=program)
        before = time.monotonic()
        boiling = asyncio.create_task(kettle.boil(2, timeout=60))
        scene = await program.stacks()
        while "verb" not in scene and time.monotonic() < before + 60:
            scene = await program.stacks()
        assert scene["verb"] == "boil"
        assert before <= scene["since"] <= time.monotonic()
        await kettle.kill()
        with pytest.raises(DriverError):
            await boiling

    asyncio.run(body())


def test_its_start_and_end_are_told_and_its_words_are_heard() -> None:
    told: list[Event] = []
    program = DriverProgram(spec(), CONTRACT, tell=told.append)

    async def body() -> None:
        kettle = await KettleProcess.begin(program.spec, CONTRACT, listener=program)
        scene = await program.stacks()
        assert "thread stove" in scene["stack"]
        await kettle.end()

    asyncio.run(body())
    assert [type(one) for one in told] == [WorkerStarted, WorkerEnded]
    assert isinstance(told[1], WorkerEnded)
    assert told[1].how == "exited with code 0"
    assert not program.running


async def played(program: DriverProgram) -> int:
    """Have a process of a program boil water in a scenario; return its pid."""
    driver = RoleDriver(program.start, program.release)
    current = await driver.current()
    assert isinstance(current, DriverProcess)
    assert await client_of(Kettle, driver).boil(2) == [20.0, 100.0]
    await driver.release()
    return current.pid


@pytest.mark.parametrize(("keeps", "fault", "pids"), [(False, "", 2), (True, "", 1), (True, "spills", 2)])
def test_one_that_lets_go_plays_the_next_scenario_where_its_platform_says_so(
    fault: str, pids: int, *, keeps: bool
) -> None:
    told: list[Event] = []
    program = DriverProgram(spec(fault), CONTRACT, tell=told.append, keeps=keeps)

    async def body() -> tuple[set[int], str]:
        return {await played(program), await played(program)}, await program.end()

    seen, end = asyncio.run(body())
    assert (len(seen), end) == (pids, "")
    assert [type(one) for one in told] == [WorkerStarted, WorkerEnded] * pids
    assert {one.how for one in told if isinstance(one, WorkerEnded)} == {"exited with code 0"}
    assert not program.running


@pytest.mark.parametrize(
    ("fault", "error", "named"),
    [
        ("hangs-pouring", DriverError, "pour_out did not return"),
        ("has-no-spout", UnsupportedError, "has not got the verb"),
        ("leaves-a-child", LeftBehindError, "left 1 process"),
    ],
)
def test_one_that_does_not_let_go_is_ended_and_fails_its_scenario(
    fault: str, error: type[Exception], named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver_process, "GRACE", 0.1)
    program = DriverProgram(spec(fault), CONTRACT, keeps=True)
    with pytest.raises(error, match=named):
        asyncio.run(played(program))
    assert not program.running
    assert not program.idle


def test_the_end_of_one_that_plays_nothing_is_told() -> None:
    program = DriverProgram(spec("breaks-when-empty"), CONTRACT, keeps=True)

    async def body() -> str:
        await played(program)
        (idle,) = program.idle
        await asyncio.to_thread(idle.child.ended, 10)
        return await program.end()

    assert "exited with code 4" in asyncio.run(body())


def test_nobody_plays_on_without_a_verb_to_let_go_with() -> None:
    contract = dataclasses.replace(CONTRACT, reset="")
    library = with_drivers(StepLibrary(StepRegistry.of_classes(KettleSteps), contract=contract))
    with pytest.raises(ConfigurationError, match='kettle has lifetime = "session", and the contract names no verb'):
        DriverActor(library, spec(), keeps=True)
