"""The order of a run: interleaved, shuffled, and the same for the same seed."""

from __future__ import annotations

import pytest

from harmony.errors import ConfigurationError
from harmony.perf.case import Better, MeasureContext, PerfCase, PerfCases
from harmony.perf.schedule import schedule

PAIRINGS = [(first, second) for first in ("cpp", "go", "python") for second in ("cpp", "go", "python")]
NAMES = ["a", "b", "c"]


def test_every_round_has_every_pairing_and_every_pairing_every_case() -> None:
    pair_runs = schedule(7, 4, PAIRINGS, NAMES)
    for number in range(1, 5):
        part = pair_runs[(number - 1) * len(PAIRINGS) : number * len(PAIRINGS)]
        assert {pair_run.round for pair_run in part} == {number}
        assert sorted(pair_run.pairing for pair_run in part) == PAIRINGS
        assert all(sorted(sample.case for sample in pair_run.samples) == NAMES for pair_run in part)


def test_the_order_changes_from_round_to_round() -> None:
    pair_runs = schedule(7, 6, PAIRINGS, NAMES)
    orders = {tuple(pair_run.pairing for pair_run in pair_runs if pair_run.round == number) for number in range(1, 7)}
    assert len(orders) == 6
    assert len({tuple(sample.case for sample in pair_run.samples) for pair_run in pair_runs}) > 1


def test_the_seed_alone_decides() -> None:
    assert schedule(7, 3, PAIRINGS, NAMES) == schedule(7, 3, PAIRINGS[::-1], NAMES[::-1])
    assert schedule(7, 3, PAIRINGS, NAMES) != schedule(8, 3, PAIRINGS, NAMES)
    seeds = [sample.seed for pair_run in schedule(7, 3, PAIRINGS, NAMES) for sample in pair_run.samples]
    assert len(set(seeds)) == len(seeds)


def test_a_quick_look_does_less_but_never_nothing() -> None:
    assert MeasureContext(1, "1_1").count(200) == 200
    assert MeasureContext(1, "1_1", 0.2).count(200) == 40
    assert MeasureContext(1, "1_1", 0.2).count(1) == 1


def test_cases_are_chosen_by_part_of_their_name() -> None:
    async def never(_drivers: object, _context: MeasureContext) -> float:
        raise AssertionError

    cases = PerfCases(
        tuple(
            PerfCase(name, name, "cups/s", Better.MORE, ("cook", "guest"), never)
            for name in ("boil-1", "boil-5", "whistle")
        ),
    )
    assert [one.name for one in cases.select(())] == ["boil-1", "boil-5", "whistle"]
    assert [one.name for one in cases.select(("5", "whistle"))] == ["boil-5", "whistle"]
    with pytest.raises(ConfigurationError, match="no case 'steam'"):
        cases.select(("boil", "steam"))
