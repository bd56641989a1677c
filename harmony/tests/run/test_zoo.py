"""The zoo: every broken worker gives the right verdict, in bounded time, names its cause, and the run goes on."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from harmony.model import Verdict
from harmony.plan.cells import Cell
from harmony.plan.pairing import Pairing
from harmony.platform_settings import Platform
from harmony.run import orchestrator
from harmony.run.orchestrator import CellRunner
from harmony.run.pool import WorkerPool
from harmony.run.scenario_run import RunOptions
from harmony.run.step_worker import StepWorker, WorkerTimeouts
from harmony.spec.gherkin import Scenario, read_feature
from harmony.verdict.events import CellFinished, CellGoesOn, Event, WorkerEnded
from harmony.verdict.patience import Limit
from harmony.verdict.result import ScenarioResult
from harmony.verdict.tally import combined
from peer import WORKERS

ANIMAL = WORKERS / "animal.py"
FEATURE = """
Feature: Zoo
  Scenario: 1.1 One puts and the other finds
    Given all processes are ready
    When the 'writer' process puts 'apple'
    Then the 'reader' process should find 'apple'

  Scenario: 1.2 One is shut down
    Given all processes are ready
    When the 'writer' process is shut down
    Then the 'reader' process should find 'nothing'

  Scenario: 1.3 One is killed and followed by another
    When the 'writer' process puts 'pear'
    And the 'writer' process is killed
    And a new 'writer' process puts 'apple'
    Then the 'reader' process should find 'apple'

  Scenario: 1.4 One is killed again and again
    When the 'writer' process puts 'pear'
    And the 'writer' process is killed
    And a new 'writer' process puts 'plum'
    And the 'writer' process is killed
    And a new 'writer' process puts 'apple'
    And the 'writer' process is killed
    Then the 'reader' process should find 'apple'
"""
# Read, not imported: an animal is a program.
NAMES = re.findall(r'^    "([\w-]+)": ', ANIMAL.read_text().partition("ZOO: ")[2], re.MULTILINE)
STEP, SETUP = 0.5, 8.0


@dataclass
class Zoo:
    """A runner whose platforms are the animals."""

    runner: CellRunner
    pool: WorkerPool
    scenarios: dict[str, Scenario]

    def run(self, writer: str, number: str = "1.1") -> tuple[ScenarioResult, float]:
        began = time.monotonic()
        cell = Cell(self.scenarios[number], Pairing.of({"reader": "good", "writer": writer}))
        return self.runner.run(cell), time.monotonic() - began


def is_animal(process: psutil.Process) -> bool:
    try:
        return str(ANIMAL) in process.cmdline()
    except psutil.Error:  # it ends
        return False


@pytest.fixture
def zoo(tmp_path: Path) -> Iterator[Zoo]:
    shared, feature = tmp_path / "shared", tmp_path / "zoo.feature"
    shared.mkdir()
    feature.write_text(FEATURE)
    platforms = {
        name: Platform(
            command=(sys.executable, "-S", str(ANIMAL), name),
            environment={"ZOO_DIR": str(shared)},
            lifetime="session",
            start_timeout=SETUP,
            stop_timeout=0.5,
        )
        for name in [*NAMES, "unknown-fault"]
    }
    platforms["no-such-program"] = Platform(command=("no-such-program-anywhere",))
    platforms["not-a-program"] = Platform(command=(str(feature),))
    pool = WorkerPool(platforms, tmp_path, 1, timeouts=WorkerTimeouts(setup=SETUP, cleanup=SETUP))
    options = RunOptions(step_timeout=STEP, setup_timeout=SETUP, cleanup_timeout=SETUP)

    def left(run_id: str) -> list[str]:
        return [str(path) for path in shared.glob(f"*_{run_id}")]

    runner = CellRunner(pool, options, probes=[left], seed=1)
    yield Zoo(runner, pool, {scenario.number: scenario for scenario in read_feature(feature).scenarios})
    runner.close()
    mine = [child for child in psutil.Process().children(recursive=True) if is_animal(child)]
    mine += [child for child in psutil.Process().children(recursive=True) if "time.sleep(600)" in str(child.cmdline())]
    assert not mine, f"left behind: {mine}"
    assert not list(shared.iterdir())
    orphans = [p for p in psutil.process_iter(["environ"]) if (p.info["environ"] or {}).get("ZOO_DIR") == str(shared)]
    # What was killed is gone in a moment; what was not stays.
    _, alive = psutil.wait_procs(orphans, timeout=5)
    assert not alive


BEHAVIOUR: dict[str, tuple[Verdict, str]] = {
    "good": (Verdict.PASSED, ""),
    "late": (Verdict.TIMED_OUT, "did not answer executeStep within 0.5 s"),
    "never": (Verdict.TIMED_OUT, "did not answer executeStep within 0.5 s"),
    "twice": (Verdict.PASSED, ""),
    "wrong-id": (Verdict.ERRORED, "sent an answer with the id 4711, which was never asked"),
    "text-id": (Verdict.ERRORED, "which was never asked"),
    "half-a-frame": (Verdict.TIMED_OUT, "of an answer there are 10 of the 100 bytes"),
    "half-a-frame-and-exit": (Verdict.CRASHED, "exited with code 0 in the middle of an answer"),
    "garbage-instead": (Verdict.TIMED_OUT, "on the wire there was also: .*DEBUG writing frame"),
    "garbage-before": (Verdict.PASSED, ""),
    "two-gigabytes": (Verdict.ERRORED, "a message of 2147483648 bytes is announced"),
    "no-length": (Verdict.ERRORED, "headers without Content-Length"),
    "not-json": (Verdict.ERRORED, "no JSON-RPC answer: Parse error"),
    "not-utf8": (Verdict.ERRORED, "no JSON-RPC answer: Parse error.*utf-8"),
    "deep": (Verdict.ERRORED, "nested deeper than"),
    "other-version": (Verdict.ERRORED, "'jsonrpc' must be"),
    "batch": (Verdict.ERRORED, "batches are not supported"),
    "exit-0": (Verdict.CRASHED, "asked for executeStep, but it exited with code 0"),
    "exit-3": (Verdict.CRASHED, "exited with code 3"),
    "killed": (Verdict.CRASHED, "was killed by SIGKILL"),
    "segfault": (Verdict.CRASHED, "was killed by SIGSEGV"),
    "last-words": (Verdict.CRASHED, "(?s)was killed by SIGABRT; last lines.*fatal: the ring is broken"),
    "closes-stdout": (Verdict.CRASHED, "closed its stdout but goes on running"),
    "leaves-a-child": (Verdict.FAILED, r"left 1 process\(es\) behind"),
    "leaves-a-daemon": (Verdict.FAILED, r"left 1 process\(es\) behind"),
    "hides-a-child": (Verdict.FAILED, r"left 1 process\(es\) behind"),
    "hides-a-daemon": (Verdict.FAILED, r"daemons without an environment ran on \(ended now\): .*time.sleep\(600\)"),
    "hides-a-child-and-dies": (Verdict.CRASHED, "exited with code 1"),
    "does-not-reap": (Verdict.PASSED, ""),
    "child-holds-the-pipes": (Verdict.CRASHED, "exited with code 1"),
    "stubborn": (Verdict.PASSED, ""),
    "floods-stderr": (Verdict.PASSED, ""),
    "claims-too-much": (Verdict.FAILED, "announces this step in discover, but then says: No matching"),
    "lacks-it": (Verdict.UNSUPPORTED, "No matching step definition found for"),
    "lacks-it-in-cpp": (Verdict.UNSUPPORTED, r"^\[StepRegistry\] Step not found: that"),
    "lacks-it-in-csharp": (Verdict.UNSUPPORTED, "^No step definition was found for that"),
    "leaks": (Verdict.PASSED, ""),
    "success-without-doing": (Verdict.FAILED, "there is no apple"),
    "success-is-text": (Verdict.ERRORED, "no step response: success"),
    "no-success": (Verdict.ERRORED, "no step response: success: Field required"),
    "null": (Verdict.ERRORED, "answered executeStep with None"),
    "fails-like-cpp": (Verdict.FAILED, "payload too small"),
    "half-a-character": (Verdict.FAILED, r"^half \\ud800, \\x1b\]0;renamed\\x07\\x1b\[2J \[/tmp\] \\u202egnp.exe$"),
    "endless-error": (Verdict.FAILED, "^beginx{8000,9000} … 209[0-9]{5} characters left out … x{8000,9000}end$"),
    "times-out-by-itself": (Verdict.TIMED_OUT, "Step execution timeout: 100 ms"),
    "rpc-error": (Verdict.ERRORED, "answered with error -32603: oh"),
    "parse-error": (Verdict.ERRORED, r"answered with error -32700: what\?"),
    "asks-back-with-an-escape": (Verdict.PASSED, ""),
    "asks-back": (Verdict.PASSED, ""),
    "unhealthy": (Verdict.ERRORED, "answered health with False"),
    "never-ready": (Verdict.TIMED_OUT, "did not answer health within 8 s"),
    "dies-at-once": (Verdict.CRASHED, "asked for health, but it exited with code 9"),
    "refuses-initialize": (Verdict.ERRORED, "answered with error -32602: no"),
    "initialize-false": (Verdict.ERRORED, "answered initialize with False"),
    "dies-at-initialize": (Verdict.CRASHED, "asked for initialize, but it exited with code 5"),
    "discover-rubbish": (Verdict.ERRORED, "answered discover with something else"),
    "cleanup-fails": (Verdict.ERRORED, "answered with error -32603: stuck"),
    "cleanup-hangs": (Verdict.TIMED_OUT, "did not answer cleanup within 8 s"),
    "cleanup-crashes": (Verdict.CRASHED, "asked for cleanup, but it was killed by SIGKILL"),
    "aborts-when-idle": (Verdict.CRASHED, "(?s)asked for cleanup, but it was killed by SIGABRT.*the ring is broken"),
    "leaves-when-idle": (Verdict.CRASHED, "asked for cleanup, but it exited with code 0"),
    "reports-a-leak-at-shutdown": (Verdict.PASSED, ""),
    "ends-with-its-input": (Verdict.PASSED, ""),
    "unknown-fault": (Verdict.CRASHED, "(?s)exited with code 1.*KeyError"),
    "no-such-program": (Verdict.ERRORED, "there is no program no-such-program-anywhere"),
    "not-a-program": (Verdict.ERRORED, "cannot be started|cannot start"),
}

# What ends when its cell is over: how, and what it had been asked for last.
LATE = {
    "aborts-after-cleanup": "(?s)was killed by SIGABRT, idle after cleanup.*the ring is broken",
    "exit-1-after-cleanup": "exited with code 1, idle after cleanup",
    "leaves-after-cleanup": "exited with code 0, idle after cleanup",
    "segfaults-at-shutdown": "was killed by SIGSEGV, asked to end after shutdown",
    "exit-3-at-shutdown": "exited with code 3, asked to end after shutdown",
}


def test_the_table_is_complete() -> None:
    assert {*BEHAVIOUR, *LATE} - {"unknown-fault", "no-such-program", "not-a-program"} == set(NAMES)
    assert len(NAMES) >= 25


HIDDEN = pytest.mark.promise("daemons")


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[HIDDEN] if name.startswith("hides-") else []) for name in BEHAVIOUR]
)
def test_each_animal_is_recognised(zoo: Zoo, name: str) -> None:
    verdict, message = BEHAVIOUR[name]
    result, seconds = zoo.run(name)
    error = result.failure.error if result.failure else ""
    zoo.runner.close()
    assert result.verdict is verdict, error
    if message:
        assert re.search(message, error), error
    assert seconds < 15
    after, _ = zoo.run("good")
    assert after.verdict is Verdict.PASSED, after.failure


def test_odd_words_are_logged_as_text(zoo: Zoo, capfd: pytest.CaptureFixture[str]) -> None:
    zoo.run("asks-back-with-an-escape")
    told = "".join(capfd.readouterr())
    assert r"\x1b]0;renamed" in told
    assert "\x1b]0;" not in told


@HIDDEN
def test_what_a_dead_worker_has_hidden_is_told_beside_its_crash(zoo: Zoo) -> None:
    result, _ = zoo.run("hides-a-child-and-dies")
    assert result.verdict is Verdict.CRASHED
    assert any("daemons without an environment ran on" in one.error for one in result.results)


@pytest.mark.parametrize("another", [True, False], ids=["before-another-cell", "at-the-end"])
@pytest.mark.parametrize("name", LATE)
def test_whoever_crashes_after_its_cell_crashes_its_cell(zoo: Zoo, name: str, *, another: bool) -> None:
    """With another cell between: one that does not need it, and one that would have used it again."""
    told: list[Event] = []
    cells = {writer: Cell(zoo.scenarios["1.1"], Pairing.of({"reader": "good", "writer": writer})) for writer in NAMES}
    zoo.runner.run(cells[name], told.append)
    if "cleanup" in name:
        for worker in zoo.pool.idle.get(name, []):
            assert isinstance(worker, StepWorker)
            assert worker.child
            assert worker.child.ended(10)
    if another:
        zoo.runner.run(cells["good"], told.append)
        again = Cell(zoo.scenarios["1.2"], cells[name].pairing)
        zoo.runner.run(again, told.append)
    zoo.runner.close(told.append)
    finished = {one.cell: one for one in combined(one for one in told if isinstance(one, CellFinished))}
    crashed = finished[cells[name].key]
    if another and "shutdown" in name:
        crashed = finished[again.key]  # the last cell of this worker
    assert crashed.verdict is Verdict.CRASHED
    assert re.search(LATE[name], crashed.error), crashed.error
    assert finished.get(cells["good"].key, crashed).verdict is (Verdict.PASSED if another else Verdict.CRASHED)


@pytest.mark.parametrize("clean", [True, False])
def test_an_alarm_after_the_last_cell_is_of_that_cell(zoo: Zoo, *, clean: bool) -> None:
    """A sanitizer tells of what leaked when the program ends, long after the cell has passed."""
    told: list[Event] = []
    name = "reports-a-leak-at-shutdown"
    if clean:
        zoo.pool.platforms = {
            key: platform.model_copy(update={"stderr": "clean"}) for key, platform in zoo.pool.platforms.items()
        }
    zoo.runner.run(Cell(zoo.scenarios["1.1"], Pairing.of({"reader": "good", "writer": name})), told.append)
    zoo.runner.close(told.append)
    (one,) = combined(one for one in told if isinstance(one, CellFinished))
    assert one.verdict is (Verdict.FAILED if clean else Verdict.PASSED)
    assert one.alarms == ["writer: ERROR: LeakSanitizer: 1 byte"]
    assert "ERROR: LeakSanitizer: 1 byte" in one.report


@pytest.mark.parametrize("name", ["good", "stubborn", "ends-with-its-input"])
def test_who_ends_in_order_or_by_the_harness_has_not_crashed(zoo: Zoo, name: str) -> None:
    told: list[Event] = []
    zoo.runner.run(Cell(zoo.scenarios["1.1"], Pairing.of({"reader": "good", "writer": name})), told.append)
    zoo.runner.close(told.append)
    assert [one.verdict for one in told if isinstance(one, CellFinished)] == [Verdict.PASSED]


@pytest.mark.parametrize("name", ["good", "stubborn"])
def test_shut_down_means_released_and_gone(zoo: Zoo, name: str) -> None:
    result, seconds = zoo.run(name, "1.2")
    error = result.failure.error if result.failure else ""
    if name == "good":
        assert (result.verdict, error) == (Verdict.FAILED, "there is no nothing")
    else:
        assert (result.verdict, error) == (Verdict.TIMED_OUT, "stubborn did not end within 0.5 s of shutdown")
    assert seconds < 10


def test_a_killed_role_is_followed_by_a_new_process_and_its_remains_are_swept(zoo: Zoo) -> None:
    result, _ = zoo.run("leaks", "1.3")
    assert result.verdict is Verdict.PASSED, result.failure


def test_each_process_of_a_role_is_done_with(zoo: Zoo) -> None:
    """A name that two of them had would lose one: its clean-up would never begin."""
    result, _ = zoo.run("leaks", "1.4")
    assert result.verdict is Verdict.PASSED, result.failure


@pytest.mark.parametrize("whose", ["the killed one's", "another's"])
def test_to_kill_a_role_excuses_what_it_leaves_and_nothing_else(zoo: Zoo, tmp_path: Path, whose: str) -> None:
    told: list[Event] = []
    shared = tmp_path / "shared"

    def owned(run_id: str) -> list[tuple[str, int]]:
        killed = [one.pid for one in told if isinstance(one, WorkerEnded) and "SIGKILL" in one.how]
        owner = killed[0] if whose == "the killed one's" else 1
        return [(str(path), owner) for path in shared.glob(f"*_{run_id}")]

    runner = CellRunner(zoo.pool, RunOptions(step_timeout=STEP), probes=[owned], seed=1)
    cell = Cell(zoo.scenarios["1.3"], Pairing.of({"reader": "leaks", "writer": "leaks"}))
    result = runner.run(cell, told.append)
    leaks = [one.error for one in result.results if one.phase == "leaks"]
    assert bool(leaks) is (whose == "another's"), leaks
    assert list(shared.iterdir()) == []


def test_workers_are_reused_until_they_misbehave(zoo: Zoo) -> None:
    for _ in range(3):
        assert zoo.run("good")[0].verdict is Verdict.PASSED
    assert zoo.pool.started == 2
    zoo.run("success-without-doing")
    assert zoo.pool.started == 3
    zoo.run("killed")
    assert zoo.run("good")[0].verdict is Verdict.PASSED
    assert zoo.pool.started == 4


def test_a_role_with_a_limit_of_its_own_is_cut_off_there_and_says_why(zoo: Zoo) -> None:
    told: list[Event] = []
    cell = Cell(zoo.scenarios["1.1"], Pairing.of({"reader": "good", "writer": "never"}))
    result = zoo.runner.run(cell, told.append, {"writer": Limit(0.1, "twice as long"), "reader": Limit(9.0, "no")})
    assert result.failure is not None
    assert result.failure.error.startswith(
        "never did not answer executeStep within 0.1 s\n(within 0.1 s: twice as long)"
    )
    assert [one.timed_out for one in told if isinstance(one, CellFinished)] == [["never"]]


def test_a_hang_shows_the_stacks_of_every_worker_and_meanwhile_what_they_write(
    zoo: Zoo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orchestrator, "_LOOK_AFTER", STEP / 10)
    told: list[Event] = []
    cell = Cell(zoo.scenarios["1.1"], Pairing.of({"reader": "good", "writer": "never"}))
    result = zoo.runner.run(cell, told.append)
    assert [one.stderr for one in told if isinstance(one, CellGoesOn)] == [{"writer": ["an apple, or a pear?"]}]
    assert result.failure is not None
    data = result.failure.outcomes["writer"].data
    assert "thread" in data["stack"]
    assert "thread" in data["sections"]["stack of reader"]


def test_what_is_left_behind_fails_the_cell_and_is_removed(zoo: Zoo) -> None:
    """Both forget their clean-up, or the good one would tidy up for the other."""
    cell = Cell(zoo.scenarios["1.1"], Pairing.of({"reader": "leaks", "writer": "leaks"}))
    result = zoo.runner.run(cell)
    assert result.verdict is Verdict.FAILED
    assert re.search("left behind .*apple_", result.results[-1].error)
