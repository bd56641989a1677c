"""What fails the same way again and again is stopped, and nobody else."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from harmony.model import Verdict
from harmony.verdict.events import CellFinished
from harmony.verdict.fuse import Fuse
from synthetic_results import result

KITCHEN = ("gas", "stove", "wood")
Ending = Callable[[int, str, str], Verdict]


def cells(ending: Ending, scenarios: int = 10, platforms: tuple[str, ...] = KITCHEN) -> list[CellFinished]:
    """Return the results of a matrix in the order of scenarios and pairings."""
    return [
        result(f"1.{number}[guest={guest},host={host}]", ending(number, guest, host))
        for number, guest, host in itertools.product(range(1, scenarios + 1), platforms, platforms)
    ]


def run(every: list[CellFinished], limit: int = 5) -> tuple[list[CellFinished], list[str]]:
    """Return what still runs, and why the rest does not."""
    fuse, ran, reasons = Fuse(limit), [], []
    for cell in every:
        if why := fuse.stopped(cell.pairing):
            reasons.append(why)
        else:
            ran.append(cell)
            fuse(cell)
    return ran, reasons


def hangs(*broken: str) -> Ending:
    return lambda _, guest, host: Verdict.TIMED_OUT if {guest, host} & set(broken) else Verdict.PASSED


def test_a_platform_that_hangs_costs_a_few_deadlines_and_no_other_stops() -> None:
    ran, reasons = run(cells(hangs("gas")))
    assert sum(cell.verdict is Verdict.TIMED_OUT for cell in ran) == 6, "all five of a scenario, and one of the next"
    assert sum(cell.verdict is Verdict.PASSED for cell in ran) == 40
    assert set(reasons) == {
        "gas stopped after 6 timeouts of When the 'writer' process waits: Step execution timeout: 30.0 s"
    }


def test_a_platform_that_hangs_in_one_role_goes_on_in_the_other() -> None:
    ran, reasons = run(cells(lambda _, guest, __: Verdict.TIMED_OUT if guest == "gas" else Verdict.PASSED))
    assert {why.partition(" ")[0] for why in reasons} == {"guest=gas"}
    assert sum(cell.pairing["host"] == "gas" and cell.pairing["guest"] != "gas" for cell in ran) == 20


def test_a_pairing_that_hangs_stops_alone() -> None:
    ran, reasons = run(
        cells(lambda _, guest, host: Verdict.TIMED_OUT if (guest, host) == ("gas", "wood") else Verdict.PASSED)
    )
    assert len(ran) == 90 - 5
    assert {why.partition(" ")[0] for why in reasons} == {"gas_wood"}


def test_where_nobody_else_plays_the_pairing_stops() -> None:
    every = [result(f"1.{number}[guest=gas,host=wood]", Verdict.TIMED_OUT) for number in range(9)]
    ran, reasons = run(every)
    assert (len(ran), len(reasons)) == (5, 4)
    assert reasons[0].startswith("gas_wood stopped after 5 timeouts")


def test_a_scenario_that_hangs_stops_nobody() -> None:
    ran, _ = run(cells(lambda number, *_: Verdict.TIMED_OUT if number == 3 else Verdict.PASSED))
    assert len(ran) == 90


def test_whoever_fails_in_the_same_way_stops_after_so_many_scenarios() -> None:
    ran, reasons = run(cells(lambda _, guest, host: Verdict.FAILED if "gas" in {guest, host} else Verdict.PASSED))
    assert {cell.number for cell in ran if "gas" in cell.pairing.values()} == {f"1.{number}" for number in range(1, 6)}
    assert reasons[0].startswith("gas stopped after 21 times failed alike in When ")


def test_whoever_fails_in_other_ways_goes_on() -> None:
    every = [
        result(f"1.{number}[host=gas]", Verdict.FAILED, error="out of gas" if number % 3 else "the lid is off")
        for number in range(40)
    ]
    assert len(run(every)[0]) == 40


def test_what_is_known_neither_stops_nor_excuses() -> None:
    mild = (Verdict.KNOWN_FAILURE, Verdict.DEVIATES)
    known = [result(f"1.{number}[host=gas]", mild[number % 2]) for number in range(20)]
    assert len(run(known)[0]) == 20
    mixed = [
        one
        for number in range(8)
        for one in (
            result(f"1.{number}[host=gas]", Verdict.TIMED_OUT),
            result(f"2.{number}[host=gas]", Verdict.KNOWN_FAILURE),
        )
    ]
    assert sum(one.verdict is Verdict.TIMED_OUT for one in run(mixed)[0]) == 5


def test_none_stops_nobody() -> None:
    assert len(run(cells(hangs("gas")), limit=0)[0]) == 90


@given(st.integers(0, 10_000), st.sampled_from(KITCHEN), st.integers(2, 3))
def test_in_any_order_who_is_well_goes_on(seed: int, broken: str, count: int) -> None:
    platforms = tuple({broken, *KITCHEN[:count]})
    every = cells(hangs(broken), platforms=platforms)
    random.Random(seed).shuffle(every)
    ran, reasons = run(every)
    passed = [cell for cell in ran if cell.verdict is Verdict.PASSED]
    assert len(passed) == sum(cell.verdict is Verdict.PASSED for cell in every)
    assert reasons


def test_what_is_told_twice_counts_once() -> None:
    fuse = Fuse(2)
    one = result("1.1[host=gas]", Verdict.TIMED_OUT)
    for event in (one, one, result("1.2[host=wood]", Verdict.TIMED_OUT), one):
        fuse(event)
    assert not fuse.stopped({"host": "gas"})
    fuse(result("1.3[host=gas]", Verdict.TIMED_OUT))
    assert fuse.stopped({"host": "gas"})
