import itertools

import pytest

from benchmarks.soak.plan import HEADER, Ending, Round, plan

LANGUAGES = ["cpp", "go", "python"]
ROUNDS = [plan(7, number, LANGUAGES) for number in range(400)]


def test_the_same_seed_gives_the_same_plan_and_another_another() -> None:
    assert [plan(7, number, LANGUAGES[::-1]) for number in range(400)] == ROUNDS
    assert plan(8, 0, LANGUAGES) != ROUNDS[0]
    assert ROUNDS[0] != ROUNDS[1]


def test_every_pairing_has_its_turn() -> None:
    met = {
        (life.language, stream.language)
        for round_ in ROUNDS[:18]
        for life, stream in itertools.product(round_.lives, round_.streams)
    }
    assert met == set(itertools.product(LANGUAGES, repeat=2))


def test_each_size_belongs_to_one_stream() -> None:
    for round_ in ROUNDS:
        sizes = [size for stream in round_.streams for size in set(stream.sizes)]
        assert len(sizes) == len(set(sizes))


def test_calls_begin_with_the_first_size() -> None:
    assert all(
        count % len(stream.sizes) == 0 for round_ in ROUNDS for stream in round_.streams for count in stream.calls
    )


def test_the_last_reader_alone_drains() -> None:
    for round_ in ROUNDS:
        assert [life.ending is Ending.DRAIN for life in round_.lives] == [False] * (len(round_.lives) - 1) + [True]


def unwritable(round_: Round, position: int, size: int) -> bool:
    """The protocol's rule for a ring that is empty."""
    total, tail = HEADER + size, round_.payload - position
    return total > tail and total > round_.payload - tail


@pytest.mark.parametrize("skipped", [0, 1])
def test_whatever_is_planned_can_be_written(skipped: int) -> None:
    for round_ in ROUNDS:
        position = 0
        for stream in round_.streams[skipped:]:
            for sequence in range(1, 200):
                total = HEADER + stream.size_of(sequence)
                assert not unwritable(round_, position, stream.size_of(sequence)), (round_, position)
                tail = round_.payload - position
                stub = 0 < tail - total < HEADER and position > 0 and total <= position
                at = 0 if total > tail or stub else position
                position = (at + total) % round_.payload


def test_rings_of_all_kinds_come() -> None:
    assert {64, 10240} < {round_.payload for round_ in ROUNDS}
    assert max(round_.payload for round_ in ROUNDS) > 100_000
    assert any(round_.snug for round_ in ROUNDS)
    assert {stream.ending for round_ in ROUNDS for stream in round_.streams} == set(Ending) - {Ending.DRAIN}
    assert {life.ending for round_ in ROUNDS for life in round_.lives} == set(Ending)
