"""The order of a run: interleaved, shuffled, and the same for the same seed."""

from __future__ import annotations

import pytest

from harmony.errors import ConfigurationError
from harmony.perf.case import Better, MeasureContext, PerfCase, PerfCases
from harmony.perf.schedule import schedule
from kettle.contract import KettleProcess

PAIRINGS = [(first, second) for first in ("cpp", "go", "python") for second in ("cpp", "go", "python")]
NAMES = ["a", "b", "c"]


def test_every_round_has_every_pairing_and_every_pairing_every_case() -> None:
    legs = schedule(7, 4, PAIRINGS, NAMES)
    for number in range(1, 5):
        part = legs[(number - 1) * len(PAIRINGS) : number * len(PAIRINGS)]
        assert {leg.round for leg in part} == {number}
        assert sorted(leg.pairing for leg in part) == PAIRINGS
        assert all(sorted(turn.case for turn in leg.turns) == NAMES for leg in part)


def test_the_order_changes_from_round_to_round() -> None:
    legs = schedule(7, 6, PAIRINGS, NAMES)
    orders = {tuple(leg.pairing for leg in legs if leg.round == number) for number in range(1, 7)}
    assert len(orders) == 6
    assert len({tuple(turn.case for turn in leg.turns) for leg in legs}) > 1


def test_the_seed_alone_decides() -> None:
    assert schedule(7, 3, PAIRINGS, NAMES) == schedule(7, 3, PAIRINGS[::-1], NAMES[::-1])
    assert schedule(7, 3, PAIRINGS, NAMES) != schedule(8, 3, PAIRINGS, NAMES)
    seeds = [turn.seed for leg in schedule(7, 3, PAIRINGS, NAMES) for turn in leg.turns]
    assert len(set(seeds)) == len(seeds)


def test_a_quick_look_does_less_but_never_nothing() -> None:
    assert MeasureContext(1, "1_1").count(200) == 200
    assert MeasureContext(1, "1_1", 0.2).count(200) == 40
    assert MeasureContext(1, "1_1", 0.2).count(1) == 1


def test_cases_are_chosen_by_part_of_their_name() -> None:
    async def never(_drivers: object, _context: MeasureContext) -> float:
        raise AssertionError

    cases = PerfCases(
        KettleProcess,
        tuple(
            PerfCase(name, name, "cups/s", Better.MORE, ("cook", "guest"), never)
            for name in ("boil-1", "boil-5", "whistle")
        ),
    )
    assert [one.name for one in cases.chosen(())] == ["boil-1", "boil-5", "whistle"]
    assert [one.name for one in cases.chosen(("5", "whistle"))] == ["boil-5", "whistle"]
    with pytest.raises(ConfigurationError, match="no case 'steam'"):
        cases.chosen(("boil", "steam"))
