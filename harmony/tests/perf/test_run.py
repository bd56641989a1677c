"""Runs over real driver processes of the second subject: who is started when, and what becomes of failures."""

from __future__ import annotations

import asyncio
import math
import os
import re
import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import psutil
import pytest

from harmony.perf.case import Better, MeasureContext, PerfCase, PerfCases
from harmony.perf.figures import State
from harmony.perf.machine import Machine
from harmony.perf.run import Partner, PerformanceRun, PerfOutcome
from harmony.perf.schedule import schedule
from harmony.process.child import ProcessSpec
from harmony.run import driver_process
from kettle.contract import CONTRACT, Kettle
from sandbox import HELPERS

Drivers = Mapping[str, Kettle]
Work = Callable[[Drivers, MeasureContext], Awaitable[float]]
NOWHERE = Machine("a stove", 2, "6.0", 0.0, None)


def partner(fault: str = "", *capabilities: str) -> Partner:
    command = (sys.executable, "-m", "kettle.program", fault)
    spec = ProcessSpec(fault or "good", command, env={"PYTHONPATH": str(HELPERS)})
    return Partner(spec, frozenset(capabilities), 20.0)


def a_case(name: str, work: Work, deadline: float = 20.0, *needs: str) -> PerfCase:
    return PerfCase(name, name, "cups/s", Better.MORE, ("guest", "cook"), work, frozenset(needs), None, deadline)


async def both_boil(drivers: Drivers, _context: MeasureContext) -> float:
    return sum((await drivers["cook"].boil(1))[:1] + (await drivers["guest"].boil(2))[:1])


class Spy:
    """A case that notes who took part."""

    def __init__(self) -> None:
        self.seen: list[tuple[int, int, MeasureContext]] = []

    async def __call__(self, drivers: Drivers, context: MeasureContext) -> float:
        cook, guest = [await drivers[role].hello() for role in ("cook", "guest")]
        self.seen.append((cook.pid, guest.pid, context))
        return 1.0


def run(
    partners: Mapping[str, Partner], *items: PerfCase, rounds: int = 1, machine: Machine = NOWHERE, **more: object
) -> PerfOutcome:
    pairings = [(first, second) for first in partners for second in partners]
    pair_runs = schedule(1, rounds, pairings, [one.name for one in items])
    run = PerformanceRun(partners, PerfCases(items), CONTRACT, machine, **more)  # type: ignore[arg-type]
    return asyncio.run(run.run(pair_runs))


def test_each_run_of_a_pairing_has_two_processes_of_its_own_for_all_its_samples() -> None:
    one, two = Spy(), Spy()
    outcome = run({"good": partner()}, a_case("one", one), a_case("two", two), rounds=2)
    assert outcome.problems == ()
    assert [(cook, guest) for cook, guest, _ in one.seen] == [(cook, guest) for cook, guest, _ in two.seen]
    processes = [pid for cook, guest, _ in one.seen for pid in (cook, guest)]
    assert len(set(processes)) == 4
    assert len({context.run_id for *_, context in one.seen + two.seen}) == 4
    assert not any(psutil.pid_exists(pid) for pid in processes)
    assert outcome.identities == {"good": "kettle 1 (python)"}
    assert [len(table.figures["good", "good"].samples) for table in outcome.tables] == [2, 2]


def test_the_first_role_in_the_alphabet_is_the_first_of_the_pairing() -> None:
    partners = {"good": partner(), "hangs": partner("hangs")}
    outcome = run(partners, a_case("boil", lambda drivers, _: _cook_boils(drivers), 5.0))
    states = {pairing: one.state for pairing, one in outcome.tables[0].figures.items()}
    assert states == {
        ("good", "good"): State.MEASURED,
        ("good", "hangs"): State.MEASURED,
        ("hangs", "good"): State.FAILED,
        ("hangs", "hangs"): State.FAILED,
    }


async def _cook_boils(drivers: Drivers) -> float:
    return (await drivers["cook"].boil(1, timeout=30.0))[0]


def test_a_hang_ends_at_the_deadline_and_says_what_was_under_way() -> None:
    outcome = run({"hangs": partner("hangs")}, a_case("boil", lambda drivers, _: _cook_boils(drivers), 0.5))
    reason = outcome.tables[0].figures["hangs", "hangs"].reason
    assert re.match(r"no end within 0\.5 s\ncook: boil for \d+\.\d s", reason)


def test_a_failing_measure_is_not_tried_again_and_does_not_touch_the_others() -> None:
    tries: list[int] = []

    async def broken(drivers: Drivers, _context: MeasureContext) -> float:
        tries.append((await drivers["cook"].hello()).pid)
        raise AssertionError("the tea is cold")

    outcome = run({"good": partner()}, a_case("broken", broken), a_case("boil", both_boil), rounds=3)
    bad, good = outcome.tables
    assert len(tries) == 1
    assert not psutil.pid_exists(tries[0])
    assert bad.figures["good", "good"].reason == "AssertionError: the tea is cold"
    assert good.figures["good", "good"].samples == (40.0, 40.0, 40.0)
    assert outcome.problems == ()


def test_all_that_a_group_of_tasks_raised_is_said() -> None:
    async def broken(_drivers: Drivers, _context: MeasureContext) -> float:
        raise ExceptionGroup("two", [AssertionError("cold"), ValueError("weak")])

    outcome = run({"good": partner()}, a_case("broken", broken))
    assert outcome.tables[0].figures["good", "good"].reason == "AssertionError: cold; ValueError: weak"


@pytest.mark.parametrize("value", [0.0, -1.0, math.nan, math.inf])
def test_what_cannot_be_measured_is_no_measurement(value: float) -> None:
    async def odd(_drivers: Drivers, _context: MeasureContext) -> float:
        return value

    outcome = run({"good": partner()}, a_case("odd", odd))
    assert "is no measurement" in outcome.tables[0].figures["good", "good"].reason


@pytest.mark.parametrize(
    ("fault", "named"),
    [
        ("dies", "dead: .* was killed by SIGKILL"),
        ("ill-typed", "not what the contract says"),
    ],
)
def test_a_driver_that_breaks_fails_its_cell(fault: str, named: str) -> None:
    outcome = run({fault: partner(fault)}, a_case("boil", both_boil))
    figure = outcome.tables[0].figures[fault, fault]
    assert figure.state is State.FAILED
    assert re.search(named, figure.reason), figure.reason


def test_a_driver_that_does_not_start_is_tried_once() -> None:
    partners = {"good": partner(), "swapped": partner("swapped")}
    outcome = run(partners, a_case("boil", both_boil), a_case("more", both_boil), rounds=2)
    for table in outcome.tables:
        assert table.figures["good", "good"].samples == (40.0, 40.0)
        for pairing in (("good", "swapped"), ("swapped", "good"), ("swapped", "swapped")):
            assert "the driver of swapped does not start: " in table.figures[pairing].reason
            assert "tank.cups is at offset 4" in table.figures[pairing].reason


def test_what_is_not_claimed_or_not_there_is_unsupported() -> None:
    async def whistle(drivers: Drivers, _context: MeasureContext) -> float:
        await drivers["cook"].whistle()
        return 1.0

    partners = {"claims": partner("", "whistle"), "plain": partner()}
    outcome = run(partners, a_case("whistle", whistle, 20.0, "whistle"), a_case("boil", both_boil))
    figures = outcome.tables[0].figures
    assert figures["plain", "claims"].reason == "plain does not claim whistle"
    assert figures["claims", "claims"].state is State.UNSUPPORTED
    assert "no verb 'whistle'" in figures["claims", "claims"].reason
    assert {one.state for one in outcome.tables[1].figures.values()} == {State.MEASURED}
    assert outcome.problems == ()


def test_a_driver_that_does_not_end_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver_process, "_STOP_PATIENCE", 0.3)
    outcome = run({"stays": partner("stays")}, a_case("boil", both_boil))
    assert outcome.tables[0].figures["stays", "stays"].state is State.MEASURED
    assert len(outcome.problems) == 2
    assert "did not end by itself" in outcome.problems[0]


def test_what_is_left_behind_is_removed_and_told(tmp_path: Path) -> None:
    async def leak(_drivers: Drivers, context: MeasureContext) -> float:
        (tmp_path / f"tea_{context.run_id}").touch()
        return 1.0

    outcome = run(
        {"good": partner()},
        a_case("leak", leak),
        probes=[lambda run_id: [str(path) for path in tmp_path.glob(f"*_{run_id}")]],
    )
    (problem,) = outcome.problems
    assert "good_good: left behind (removed now)" in problem
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_run_leaves_no_process_and_no_object(tmp_path: Path) -> None:
    pids: list[int] = []

    async def interrupted(drivers: Drivers, context: MeasureContext) -> float:
        pids.extend([(await driver.hello()).pid for driver in drivers.values()])
        (tmp_path / f"tea_{context.run_id}").touch()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(
            {"good": partner()},
            a_case("interrupted", interrupted),
            probes=[lambda run_id: [str(path) for path in tmp_path.glob(f"*_{run_id}")]],
        )
    assert len(pids) == 2
    assert not any(psutil.pid_exists(pid) for pid in pids)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.promise("cores")
def test_each_driver_is_held_to_its_core() -> None:
    cores: list[set[int]] = []

    async def where(drivers: Drivers, _context: MeasureContext) -> float:
        cores.extend([os.sched_getaffinity((await drivers[role].hello()).pid) for role in ("cook", "guest")])
        return 1.0

    allowed = sorted(os.sched_getaffinity(0))
    first, second = allowed[0], allowed[-1]
    run({"good": partner()}, a_case("where", where), machine=Machine("x", 2, "6", 0.0, (first, second)))
    assert cores == [{first}, {second}]
