"""Scenarios over actors of this process: verdicts, deadlines, clean-up, leaks."""

from __future__ import annotations

import asyncio
import gc
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_bdd import parsers

from harmony.config import LeakLimits
from harmony.errors import UnsupportedError
from harmony.logs import Logger
from harmony.model import ScenarioStart, StepCall, StepOutcome, StepType, Verdict
from harmony.plan.seeds import seed_of
from harmony.process import places
from harmony.process.resources import ResourceMonitor
from harmony.run.actor import Actor
from harmony.run.local_runner import LocalRunner
from harmony.run.run_id import RunId
from harmony.run.scenario_run import RunOptions, run_scenario, scenario_starts
from harmony.run.step_actor import StepActor
from harmony.run.step_performer import StepPerformer
from harmony.spec.gherkin import Scenario, parse_feature
from harmony.spec.routing import route
from harmony.steps.context import ScenarioContext
from harmony.steps.injection import Providers
from harmony.steps.library import StepLibrary
from harmony.steps.registry import StepRegistry, background, step
from harmony.verdict.comparison import expect_equal
from harmony.verdict.failure_report import failure_report, one_line

EVENTS: list[str] = []
LEFT: list[Any] = []
GATE = threading.Event()
END = threading.Event()


class Device:
    """Held by a role while its scenario runs."""


def device(context: ScenarioContext) -> Iterator[Device]:
    context.on_failure("device", lambda: "half open")
    EVENTS.append(f"open {context.start.role}")
    yield Device()
    EVENTS.append(f"close {context.start.role}")
    GATE.set()


class Steps:
    def __init__(self, device: Device, logger: Logger, context: ScenarioContext) -> None:
        self.device, self.logger, self.context = device, logger, context
        self.seen: list[str] = []

    @step(parsers.re(r"(?:(?:the|a second|a new) '[^']+' process )?says '(?P<word>[^']+)'"))
    async def says(self, word: str) -> None:
        self.logger.info("said", word=word)
        self.seen.append(word)

    @step(parsers.re(r"the '[^']+' process has said '(?P<words>[^']+)'"))
    def has_said(self, words: list[str]) -> None:
        expect_equal(words, self.seen, "words")

    @step(parsers.re(r"(?:the '[^']+' process )?fails"))
    def fails(self) -> None:
        self.logger.warning("about to fail")
        expect_equal(bytes(4096), bytes(4095) + b"x", "frame")

    @step("raises")
    async def raises(self) -> None:
        raise KeyError("lost")

    @step("exits")
    async def exits(self) -> None:
        sys.exit(3)

    @step("exits plainly")
    def exits_plainly(self) -> None:
        sys.exit(3)

    @step("skips")
    def skips(self) -> None:
        raise UnsupportedError("no such thing here")

    @step("sleeps")
    async def sleeps(self) -> None:
        await asyncio.sleep(60)

    @step("sleeps and is content")
    async def sleeps_and_is_content(self) -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            return

    @step("sleeps and complains")
    async def sleeps_and_complains(self) -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            raise AssertionError("the wrong dream") from None

    @step("blocks the loop")
    async def blocks_the_loop(self) -> None:
        GATE.wait(60)

    @step("blocks")
    def blocks(self) -> None:
        GATE.wait(60)

    @step(parsers.re(r"the '[^']+' process works in the background and (?P<how>succeeds|fails|hangs)"))
    @background
    def works(self, how: str) -> None:
        if how == "hangs":
            GATE.wait(60)
        assert GATE.wait(10), "nobody opened the gate"
        assert how == "succeeds", "as announced"
        self.seen.append("worked")

    @step(parsers.re(r"the '[^']+' process opens the gate"))
    def opens(self) -> None:
        GATE.set()

    @step("cannot clean up")
    def cannot_clean_up(self) -> None:
        self.context.on_cleanup(lambda: 1 / 0)

    @step(parsers.re(r"leaks a (?P<what>\w+)"))
    def leaks(self, what: str) -> None:
        if what == "descriptor":
            LEFT.append(os.open("/dev/null", os.O_RDONLY))
        elif what == "thread":
            thread = threading.Thread(target=END.wait, args=(60,), name="left-over", daemon=True)
            thread.start()
            LEFT.append(thread)
        elif what == "process":
            LEFT.append(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]))
        elif what == "memory":
            LEFT.append(bytearray(b"x" * (64 * 2**20)))
        else:
            LEFT.append(f"{what}_{self.context.start.test_run_id}")


LIBRARY = StepLibrary(StepRegistry.of_classes(Steps), Providers({Device: device}))


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    EVENTS.clear()
    LEFT.clear()
    GATE.clear()
    END.clear()
    threads = set(threading.enumerate())
    yield
    GATE.set()
    END.set()
    for thing in LEFT:
        if isinstance(thing, int):
            os.close(thing)
        elif isinstance(thing, subprocess.Popen):
            thing.kill()
            thing.wait(10)
    LEFT.clear()
    for thread in set(threading.enumerate()) - threads:
        thread.join(10)
        assert not thread.is_alive(), thread


def scenario(*steps: str) -> Scenario:
    lines = "".join(f"    * {line}\n" for line in steps)
    return parse_feature(f"Feature: F\n  Scenario: 1.1 S\n{lines}", Path("f.feature")).scenarios[0]


def run(*steps: str, timeout: float = 5.0, **more: Any) -> Any:
    runner = LocalRunner(LIBRARY, RunOptions(step_timeout=timeout, grace=2.0), show_logs=6, **more)
    return runner.run(scenario(*steps)).result


def test_a_scenario_passes_and_everything_is_released() -> None:
    result = run("the 'a' process says 'x'", "says 'y'", "the 'a' process has said 'x,y'")
    assert result.verdict is Verdict.PASSED
    assert result.failure is None
    assert [one.verdict for one in result.results] == [Verdict.PASSED] * 3
    assert EVENTS == ["open a", "close a"]
    assert [record.message for record in result.logs["a"]] == ["said word='x'", "said word='y'"]


def test_roles_share_nothing_and_a_sentence_without_role_goes_to_all() -> None:
    result = run(
        "says 'both'",
        "the 'a' process says 'mine'",
        "the 'b' process has said 'both'",
        "the 'a' process has said 'both, mine'",
    )
    assert result.verdict is Verdict.PASSED, one_line(result)
    assert set(result.results[0].outcomes) == {"a", "b"}


def test_a_broadcast_fails_if_one_role_fails() -> None:
    result = run("the 'a' process says 'x'", "the 'b' process fails", "says 'never'")
    assert result.verdict is Verdict.FAILED
    assert [str(step) for step in result.not_run] == ["* says 'never'"]


def test_second_and_new_processes() -> None:
    result = run(
        "the 'a' process says 'x'",
        "a second 'a' process says 'y'",
        "the 'a' process has said 'x'",
        "a new 'a' process says 'z'",
        "the 'a' process has said 'z'",
    )
    assert result.verdict is Verdict.PASSED, one_line(result)
    assert sorted(EVENTS) == ["close a"] * 3 + ["open a"] * 3


@pytest.mark.parametrize(
    ("sentence", "verdict", "error"),
    [
        ("fails", Verdict.FAILED, "first difference at offset 4095"),
        ("raises", Verdict.FAILED, "KeyError: 'lost'"),
        ("exits", Verdict.FAILED, "tried to end the process"),
        ("exits plainly", Verdict.FAILED, "tried to end the process"),
        ("skips", Verdict.UNSUPPORTED, "no such thing here"),
        ("nobody knows this", Verdict.UNDEFINED, "no step definition matches"),
        ("the 'a' process is killed", Verdict.ERRORED, "no process of its own"),
        ("we run in harmony", Verdict.UNSUPPORTED, "not processes of their own"),
    ],
)
def test_verdicts(sentence: str, verdict: Verdict, error: str) -> None:
    result = run("the 'a' process says 'x'", sentence, "says 'never'")
    assert result.verdict is verdict
    assert error in result.failure.error
    assert len(result.not_run) == 1
    assert EVENTS == ["open a", "close a"], "released whatever happened"


def test_an_ambiguous_sentence_is_not_decided() -> None:
    class Other:
        @step("says 'x'")
        def same(self) -> None: ...

    library = StepLibrary(StepRegistry.of_classes(Steps, Other), LIBRARY.providers)
    result = LocalRunner(library).run(scenario("says 'x'")).result
    assert result.verdict is Verdict.AMBIGUOUS


@pytest.mark.parametrize(
    ("sentence", "where"),
    [
        ("sleeps", "await asyncio.sleep(60)"),
        ("sleeps and is content", "await asyncio.sleep(60)"),
        ("sleeps and complains", "await asyncio.sleep(60)"),
        ("blocks", "GATE.wait(60)"),
        ("blocks the loop", "GATE.wait(60)"),
    ],
)
def test_a_step_that_hangs_is_timed_out_with_its_stack(sentence: str, where: str) -> None:
    begin = time.monotonic()
    result = run("the 'a' process says 'x'", sentence, timeout=1.0)
    assert time.monotonic() - begin < 20
    assert result.verdict is Verdict.TIMED_OUT, result.failure
    data = result.failure.outcomes["a"].data
    assert where in data["stack"]
    assert (data["timeoutType"], data["timeoutMs"]) == ("STEP_EXECUTION_TIMEOUT", 1000)
    assert data["elapsedMs"] >= 1000
    assert EVENTS == ["open a", "close a"]


def test_an_actor_is_usable_after_a_hung_scenario() -> None:
    async def both() -> list[Verdict]:
        actor = StepActor(LIBRARY, show_logs=6)
        verdicts = []
        for sentence in ("blocks", "says 'x'"):
            await actor.start(ScenarioStart("a", "local", "s", 1, 1))
            outcome = await actor.perform(
                StepCall(StepType.WHEN, sentence, "a", timeout=0.2 if sentence == "blocks" else 30)
            )
            verdicts.append(outcome.verdict)
            await actor.finish()
        await actor.close()
        return verdicts

    assert asyncio.run(both()) == [Verdict.TIMED_OUT, Verdict.PASSED]


def test_a_tag_may_give_more_time_and_never_less() -> None:
    options = RunOptions(step_timeout=30, tag_timeouts={"slow": 90, "quick": 1})
    assert [options.limit_for(tags, "role").seconds for tags in ([], ["quick"], ["quick", "slow"], ["other"])] == [
        30,
        30,
        90,
        30,
    ]


def test_logs_are_bound_to_scenario_role_and_step(capsys: pytest.CaptureFixture[str]) -> None:
    LocalRunner(LIBRARY).run(scenario("the 'a' process fails"))
    shown = capsys.readouterr().err
    assert "about to fail" in shown
    for bound in ("scenario='1.1 S'", "role=a", "platform=local", """step="the 'a' process fails\""""):
        assert bound in shown


def test_a_background_step_goes_on_while_others_act() -> None:
    result = run(
        "the 'a' process works in the background and succeeds",
        "the 'b' process opens the gate",
        "the 'a' process has said 'worked'",
    )
    assert result.verdict is Verdict.PASSED, one_line(result)


def test_what_goes_on_in_the_background_is_named_until_it_has_ended() -> None:
    sentence = "the 'a' process works in the background and succeeds"

    async def body() -> None:
        performer = StepPerformer(LIBRARY, show_logs=6)
        await performer.start(ScenarioStart("a", "local", "s", 1, 1))
        before = time.monotonic()
        await performer.perform(StepCall(StepType.WHEN, sentence, "a"))
        found = performer.in_background()
        assert found is not None
        assert (found[0], before <= found[1] <= time.monotonic()) == (sentence, True)
        settling = asyncio.create_task(performer.settle(30))
        await asyncio.sleep(0)
        assert performer.in_background() == found, "also while somebody waits for its end"
        GATE.set()
        await settling
        assert performer.in_background() is None
        await performer.finish()
        await performer.close()

    asyncio.run(body())


@pytest.mark.parametrize(("how", "verdict"), [("fails", Verdict.FAILED), ("hangs", Verdict.TIMED_OUT)])
@pytest.mark.parametrize("more", [(), ("the 'a' process says 'x'",)])
def test_what_goes_wrong_in_the_background_is_reported(how: str, verdict: Verdict, more: tuple[str, ...]) -> None:
    gate = ("the 'b' process opens the gate",) if how == "fails" else ()
    result = run(f"the 'a' process works in the background and {how}", *gate, *more, timeout=2.0)
    assert result.verdict is verdict
    assert "in the background" in result.failure.error
    assert "close a" in EVENTS


def test_a_clean_up_that_fails_fails_the_scenario() -> None:
    result = run("the 'a' process says 'x'", "cannot clean up")
    assert result.verdict is Verdict.FAILED
    assert result.failure.phase == "finish"
    assert "ZeroDivisionError" in result.failure.error
    assert EVENTS == ["open a", "close a"]


def test_a_provider_that_fails_is_a_failure_with_its_cause() -> None:
    def broken() -> Device:
        raise OSError("no device")

    library = StepLibrary(LIBRARY.registry, Providers({Device: broken}))
    result = LocalRunner(library).run(scenario("says 'x'")).result
    assert result.verdict is Verdict.FAILED
    assert "OSError: no device" in result.failure.error


class BrokenActor:
    """An actor that breaks its promise never to raise, or never answers."""

    ended = False

    def __init__(self, how: str) -> None:
        self.how = how

    async def start(self, scenario: ScenarioStart) -> None:
        if self.how == "start":
            raise OSError("cannot start")

    async def perform(self, call: StepCall) -> StepOutcome:
        if self.how == "perform":
            raise OSError("cannot perform")
        await asyncio.sleep(60)
        return StepOutcome(Verdict.PASSED)

    async def finish(self) -> None:
        EVENTS.append("finished")

    async def close(self) -> None: ...


@pytest.mark.parametrize(
    ("how", "verdict", "error"),
    [
        ("start", Verdict.ERRORED, "cannot start"),
        ("perform", Verdict.ERRORED, "cannot perform"),
        ("silence", Verdict.TIMED_OUT, "did not answer"),
    ],
)
def test_an_actor_that_breaks_is_an_outcome(how: str, verdict: Verdict, error: str) -> None:
    planned = route(scenario("the 'a' process says 'x'"))
    actors: dict[str, Actor] = {"a": BrokenActor(how)}
    starts = scenario_starts(planned, {"a": "p"}, host_pid=1, feature_id=2, seed=3)
    observed: list[str] = []
    result = asyncio.run(
        run_scenario(
            planned,
            actors,
            starts,
            options=RunOptions(step_timeout=0.1, grace=0.1),
            observe=lambda one: observed.append(one.phase),
        )
    )
    assert result.verdict is verdict
    assert result.failure is not None
    assert error in result.failure.error
    assert EVENTS == ["finished"]
    assert observed == [one.phase for one in result.results]


def test_what_actors_learn_before_the_first_step() -> None:
    planned = route(scenario("the 'a' process says 'x'", "the 'b' process is killed"))
    starts = scenario_starts(planned, {"a": "cpp", "b": "python"}, host_pid=1, feature_id=2, seed=3)
    assert (starts["a"].platform, starts["a"].test_run_id) == ("cpp", "1_2")
    assert (starts["a"].actions, starts["b"].actions) == ((), ("kill",))


def test_seeds_depend_on_the_scenario_and_not_on_the_order() -> None:
    one = scenario("says 'x'")
    assert seed_of(1, one) == seed_of(1, one)
    assert seed_of(1, one) != seed_of(2, one)


def probe(run_id: str) -> Iterator[str]:
    yield from (thing for thing in LEFT if isinstance(thing, str) and thing.endswith(run_id))


@pytest.mark.parametrize(
    ("what", "shown"),
    [
        pytest.param("descriptor", "/dev/null", marks=pytest.mark.promise("descriptors")),
        ("descriptor", "1 file descriptor(s) left: "),
        ("thread", "left-over"),
        ("process", "time.sleep(60)"),
        ("memory", "memory grew by"),
        ("segment", "left behind (removed now): segment_"),
    ],
)
def test_a_leak_fails_the_scenario_and_is_named(what: str, shown: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harmony.process.resources._PATIENCE", 0.5)
    gc.collect()
    monitor = ResourceMonitor(LeakLimits(memory_mb=32), [probe])
    result = run("the 'a' process says 'x'", f"leaks a {what}", monitor=monitor)
    assert result.verdict is Verdict.FAILED
    assert result.failure.phase == "leaks"
    assert shown in result.failure.error


def test_what_probes_find_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harmony.process.resources._PATIENCE", 0.1)

    def left(run_id: str) -> list[str]:
        if EVENTS:  # the scenario has begun
            (tmp_path / run_id).touch()
        return list(map(str, tmp_path.iterdir()))

    runner = LocalRunner(LIBRARY, monitor=ResourceMonitor(LeakLimits(), [left]), show_logs=6)
    result = runner.run(scenario("the 'a' process says 'x'")).result
    assert "left behind (removed now): " in one_line(result)
    assert list(tmp_path.iterdir()) == []


def test_no_leak_is_no_failure_and_use_is_measured() -> None:
    runner = LocalRunner(LIBRARY, monitor=ResourceMonitor(LeakLimits(), [probe]), show_logs=6)
    done = runner.run(scenario("the 'a' process says 'x'"))
    assert done.result.verdict is Verdict.PASSED, one_line(done.result)
    assert done.usage is not None
    assert done.usage.cpu_seconds >= 0


def test_a_probe_that_cannot_look_fails_the_scenario() -> None:
    def probe(run_id: str) -> list[str]:
        raise ValueError(f"nothing of {run_id[:0]}it")

    runner = LocalRunner(LIBRARY, monitor=ResourceMonitor(LeakLimits(), [probe]), show_logs=6)
    done = runner.run(scenario("the 'a' process says 'x'"))
    assert done.result.verdict is Verdict.FAILED
    assert "probe could not look: ValueError: nothing of it" in one_line(done.result)


def test_the_report_says_what_a_person_needs() -> None:
    result = run("the 'a' process says 'x'", "fails", "says 'never'")
    text = failure_report(result, "./test.sh 1.1 --seed 7")
    for expected in (
        "1.1 S    f.feature:2",
        "verdict: failed",
        ">   * fails",
        "f.feature:4",
        "expected: 4096 bytes",
        "first difference at offset 4095",
        "* says 'never'    (not run)",
        "log of a:",
        "about to fail",
        "device (a):",
        "half open",
        "where (a):",
        "expect_equal(bytes(4096)",
        "repeat with: ./test.sh 1.1 --seed 7",
    ):
        assert expected in text, expected
    assert len(text) < 4000


def test_what_cannot_be_removed_of_a_cell_fails_it_and_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "clear", lambda run_id: [f"{run_id}/d/x: busy"])
    result = run("the 'a' process says 'x'")
    assert result.verdict is Verdict.FAILED
    assert re.fullmatch(r"cannot be removed: \d+_\d+/d/x: busy", result.failure.error)
    assert result.failure.phase == "leaks"


def test_what_a_cell_whose_process_was_killed_has_left_is_not_met_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its number comes again, as those of processes do."""
    number = RunId.of_cell(scenario("x"))
    monkeypatch.setattr(RunId, "of_cell", lambda _: number)
    stale = places.place_of(str(number), "d", "hall")
    (stale / "note").touch()
    assert run("the 'a' process says 'x'").verdict is Verdict.PASSED
    assert not stale.exists()
