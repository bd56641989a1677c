"""How the end of a process is judged: by itself or from here, asked or not, by which code or signal."""

from __future__ import annotations

import asyncio
import functools
import signal
import sys
from collections.abc import Callable

import pytest

from harmony.errors import CleanupError, CrashedError, HarmonyError, UnsupportedError
from harmony.model import ScenarioStart, StepOutcome, Verdict
from harmony.process.child import ChildProcess, ProcessSpec
from harmony.steps.context import ScenarioContext
from harmony.wire.driver import DriverError
from harmony.wire.jsonrpc import ErrorResponse
from harmony.wire.link import Link, RefusedError
from harmony.wire.step_contract import StepResponse, response_fields
from peer import environment

WAITS = "import os, signal, sys; sys.stdin.read()\n"
DIES = "import os, signal; os.kill(os.getpid(), signal.{})\n"
Use = Callable[[ChildProcess], object]


def gone(child: ChildProcess) -> None:
    assert child.ended(10)


def kill(child: ChildProcess) -> None:
    child.signal(signal.SIGKILL)


def ask(child: ChildProcess) -> None:
    child.close_input()


def foresee(child: ChildProcess) -> None:
    child.expect_end(-signal.SIGKILL)


def give_up(child: ChildProcess) -> None:
    child.give_up()


def end_at_once(child: ChildProcess) -> None:
    child.end(patience=0)


@pytest.mark.parametrize(
    ("program", "uses", "crashed"),
    [
        (WAITS, [], False),  # it runs
        (WAITS, [ask, gone], False),
        (WAITS, [kill, gone], False),
        (WAITS, [end_at_once], False),
        (WAITS + "os._exit(3)", [ask, gone], True),
        (WAITS + "os._exit(3)", [end_at_once], False),  # it had no time to get there
        (WAITS + DIES.format("SIGSEGV"), [ask, gone], True),
        (WAITS + DIES.format("SIGKILL"), [foresee, ask, gone], False),
        (WAITS + DIES.format("SIGSEGV"), [foresee, ask, gone], True),
        (WAITS + "os._exit(3)", [give_up, ask, gone], False),
        ("", [gone], True),
        ("", [gone, ask], True),
        ("", [gone, kill], True),
        ("", [gone, foresee, end_at_once], True),
        (DIES.format("SIGKILL"), [gone, kill], True),
        (DIES.format("SIGKILL"), [gone, foresee], True),
    ],
)
def test_who_ends_by_itself_has_crashed(program: str, uses: list[Use], *, crashed: bool) -> None:
    child = ChildProcess(ProcessSpec("it", [sys.executable, "-S", "-c", program], env=environment()))
    try:
        for use in uses:
            use(child)
        assert child.crashed is crashed
    finally:
        child.end()
        assert child.crashed is crashed, "the judgement stays what it was"
        child.release()


def test_a_crash_is_told_with_its_last_words_however_soon_the_link_is_closed() -> None:
    program = WAITS + "os.write(2, b'oh\\nno\\n'); os.abort()"
    for _ in range(5):
        child = ChildProcess(ProcessSpec("it", [sys.executable, "-S", "-c", program], env=environment()))
        link = Link.to_process(child)
        child.end(patience=10)
        link.close()
        how = "it was killed by SIGABRT, asked to end after its start"
        assert link.crash() == f"{how}; last lines of its stderr:\n    oh\n    no"
        child.release()


def context() -> ScenarioContext:
    return ScenarioContext(ScenarioStart("writer", "toy", "1.1 S", 41, 2))


def test_a_scenario_judges_its_processes_when_all_is_released_and_once() -> None:
    said: list[str] = []
    scenario = context()
    scenario.judge_end(lambda: "")
    scenario.judge_end(lambda: "".join(said))
    scenario.on_cleanup(lambda: said.append("cpp exited with code 3"))
    with pytest.raises(CleanupError, match=r"1 clean-up action\(s\) failed: .*cpp exited with code 3") as caught:
        asyncio.run(scenario.close())
    assert caught.value.verdict is Verdict.CRASHED

    def told() -> None:
        raise CrashedError("cpp exited with code 3")

    scenario = context()
    scenario.judge_end(lambda: "cpp exited with code 3")
    scenario.on_cleanup(told)
    with pytest.raises(CleanupError) as caught:
        asyncio.run(scenario.close())
    assert len(caught.value.causes) == 1


def test_what_hangs_is_told_once_and_also_if_the_clean_up_swallows_it() -> None:
    hang = DriverError("hang", "boil did not return")

    def end(scenario: ScenarioContext, *, raises: bool) -> None:
        scenario.hangs.append(hang)
        if raises:
            raise hang

    for raises in (True, False):
        scenario = context()
        scenario.on_cleanup(functools.partial(end, scenario, raises=raises))
        with pytest.raises(CleanupError) as caught:
            asyncio.run(scenario.close())
        assert (caught.value.causes, caught.value.verdict) == ((hang,), Verdict.TIMED_OUT)


@pytest.mark.parametrize(
    ("causes", "verdict"),
    [
        ([UnsupportedError("no")], Verdict.UNSUPPORTED),
        ([UnsupportedError("no"), HarmonyError("stuck")], Verdict.FAILED),
        ([HarmonyError("stuck"), DriverError("hang", "no answer")], Verdict.TIMED_OUT),
        ([DriverError("hang", "no answer"), CrashedError("dead")], Verdict.CRASHED),
        ([UnsupportedError("no"), HarmonyError("stuck"), CrashedError("dead")], Verdict.CRASHED),
    ],
)
def test_a_crash_is_the_gravest_that_a_clean_up_can_tell(causes: list[Exception], verdict: Verdict) -> None:
    assert CleanupError(causes).verdict is verdict


def test_a_worker_can_say_that_what_it_had_started_has_crashed() -> None:
    fields = response_fields(StepOutcome(Verdict.CRASHED, "the child is dead"))
    outcome = StepResponse.model_validate(fields).outcome(0.0)
    assert (outcome.verdict, outcome.error) == (Verdict.CRASHED, "the child is dead")
    for verdict in (Verdict.CRASHED, Verdict.TIMED_OUT, Verdict.FAILED, Verdict.UNSUPPORTED):
        assert RefusedError("toy", ErrorResponse(1, -32603, "it", {"verdict": verdict.value})).verdict is verdict
    for said in ("passed", [], None):
        assert RefusedError("toy", ErrorResponse(1, -32603, "stuck", {"verdict": said})).verdict is Verdict.ERRORED
