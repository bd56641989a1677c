"""The judge finds each violation in what was seen of a round that is otherwise right."""

import dataclasses
from collections.abc import Callable, Sequence

import pytest

from benchmarks.soak.judge import NOTICE, judge
from benchmarks.soak.plan import Ending, Life, Manner, Round, Stream
from benchmarks.soak.seen import Call, LifeSeen, RoundSeen, StreamSeen, Violation, Wrong
from step_definitions.patterns import chained, ramp, runs_of
from step_definitions.port import Transfer

MANNER = Manner()
LIVES = (
    Life(0, "go", Ending.KILL, 0.1, 1, "", MANNER),
    Life(1, "python", Ending.DRAIN, 0.1, 1, "", MANNER),
)
STREAMS = (
    Stream(0, "rust", (5,), (20,), Ending.CLOSE, 0.1, "", 1, MANNER),
    Stream(1, "cpp", (6, 8), (10, 10), Ending.KILL, 0.1, "", 1, MANNER),
    Stream(2, "go", (7,), (10, 10), Ending.CLOSE, 0.1, "", 1, MANNER),
)
PLAN = Round(1, 2, 4096, snug=False, lives=LIVES, streams=STREAMS, troubles=())


def frames(number: int, first: int, last: int) -> list[tuple[int, int]]:
    """(size, sequence) of some frames of a stream."""
    return [(STREAMS[number].size_of(sequence), sequence) for sequence in range(first, last + 1)]


def transfer(*series: Sequence[tuple[int, int]]) -> Transfer:
    """What a reader says that has read these."""
    listed = [frame for one in series for frame in one]
    digest = breaks = 0
    for index, (size, sequence) in enumerate(listed):
        digest = chained(digest, sequence, ramp(size, sequence))
        breaks += index > 0 and sequence != listed[index - 1][1] + 1
    sizes = [size for size, _ in listed]
    ends = (listed[0][1], listed[-1][1]) if listed else (0, 0)
    return Transfer(len(listed), sum(sizes), *ends, breaks, runs_of(sizes), digest)


def good() -> RoundSeen:
    """A round as it must be: a reader is killed in the middle of stream 0, the next reads the others to the end."""
    first = LifeSeen(0, "go", Ending.KILL, 0.0, 0.1, 1.0, 1.1, [transfer(frames(0, 1, 7))])
    second = LifeSeen(1, "python", Ending.DRAIN, 1.2, 1.3)
    second.transfers = [transfer(frames(1, 1, 9)), transfer(frames(1, 10, 13), frames(2, 1, 20)), transfer()]
    second.drained, second.epilogue, second.over_from, second.over_by = True, "writer_dead", 9.0, 9.1
    streams = [
        StreamSeen(0, "rust", Ending.CLOSE, 0.2, 0.3, [], 9, 20, "reader_dead", 1.15),
        StreamSeen(1, "cpp", Ending.KILL, 1.4, 1.5, [Call(1.5, 10)], 10, 20),
        StreamSeen(2, "go", Ending.CLOSE, 3.0, 3.1, [Call(3.1, 10), Call(3.2, 10)], 20, 20),
    ]
    return RoundSeen([first, second], streams, [], whole=True)


def test_what_must_be_is_no_violation() -> None:
    judgement = judge(PLAN, good())
    assert judgement.violations == []
    assert judgement.frames == 7 + 13 + 20
    assert judgement.bytes == sum(size for size, _ in [*frames(0, 1, 7), *frames(1, 1, 13), *frames(2, 1, 20)])
    assert judgement.by_pairing == {("go", "rust"): 7, ("python", "cpp"): 13, ("python", "go"): 20}
    assert judgement.reconnections == 1


def test_between_what_a_killed_writer_committed_and_what_it_tried_anything_is_right() -> None:
    for last in (10, 20):
        seen = good()
        seen.lives[1].transfers = [transfer(frames(1, 1, last), frames(2, 1, 20))]
        assert judge(PLAN, seen).violations == []


def last_lost(seen: RoundSeen) -> None:
    seen.lives[1].transfers[1] = transfer(frames(1, 10, 13), frames(2, 1, 19))


def lost_before_a_reconnection(seen: RoundSeen) -> None:
    seen.lives[1].transfers = [transfer(frames(1, 1, 9), frames(2, 1, 20))]


def all_lost(seen: RoundSeen) -> None:
    seen.lives[1].transfers = [transfer(frames(1, 1, 13))]


def hole(seen: RoundSeen) -> None:
    seen.lives[1].transfers[1] = transfer(frames(1, 10, 13), frames(2, 1, 5), frames(2, 7, 20))


def doubled(seen: RoundSeen) -> None:
    seen.lives[1].transfers[1] = transfer(frames(1, 10, 13), frames(2, 1, 5), frames(2, 5, 20))


def invented(seen: RoundSeen) -> None:
    seen.lives[1].transfers[1] = transfer(frames(1, 10, 13), frames(2, 1, 21))


def swapped(seen: RoundSeen) -> None:
    seen.lives[1].transfers[1] = transfer(frames(1, 10, 11), frames(1, 13, 13), frames(1, 12, 12), frames(2, 1, 20))


def streams_swapped(seen: RoundSeen) -> None:
    seen.lives[1].transfers = [transfer(frames(2, 1, 20)), transfer(frames(1, 1, 13))]


def strange_size(seen: RoundSeen) -> None:
    seen.lives[1].transfers[0] = transfer([(999, 1)])


def in_two_readers(seen: RoundSeen) -> None:
    seen.lives[1].transfers.insert(0, transfer(frames(0, 8, 9)))


def torn(seen: RoundSeen) -> None:
    seen.lives[1].transfers[1] = dataclasses.replace(seen.lives[1].transfers[1], digest=1)


def torn_in_one_that_was_killed(seen: RoundSeen) -> None:
    seen.lives[0].transfers[0] = dataclasses.replace(seen.lives[0].transfers[0], digest=1)


def into_the_void(seen: RoundSeen) -> None:
    seen.streams[0].calls.append(Call(1.1 + NOTICE + 0.1, 5))


def to_a_corpse(seen: RoundSeen) -> None:
    seen.streams[0].begun, seen.streams[0].connected = 1.12, 1.15


def to_a_corpse_beside_a_new_reader(seen: RoundSeen) -> None:
    seen.lives[0].transfers = []
    seen.streams[0] = StreamSeen(0, "rust", Ending.CLOSE, 1.15, 1.3, [Call(1.3, 9)], 9, 20, "reader_dead", 1.5)


def false_reader_dead(seen: RoundSeen) -> None:
    seen.streams[2].error, seen.streams[2].error_at = "reader_dead", 3.3


def early_reader_dead(seen: RoundSeen) -> None:
    seen.streams[0].error_at = 0.9


def false_sequence_error(seen: RoundSeen) -> None:
    seen.lives[1].error = "sequence_error"


def reader_closed_itself(seen: RoundSeen) -> None:
    seen.lives[0].error = "closed"


def no_space(seen: RoundSeen) -> None:
    seen.streams[2].error = "buffer_full"


def no_end(seen: RoundSeen) -> None:
    seen.lives[1].epilogue = "timeout"


def late_frame(seen: RoundSeen) -> None:
    seen.lives[1].epilogue = "frame 21 of 7 bytes"


def something_left(seen: RoundSeen) -> None:
    seen.incidents.append(Violation(Wrong.LEFT, "sem.sem-w-x"))


@pytest.mark.parametrize(
    ("spoil", "kind", "lost"),
    [
        (last_lost, Wrong.LOST, 1),
        (lost_before_a_reconnection, Wrong.LOST, 1),
        (all_lost, Wrong.LOST, 20),
        (hole, Wrong.LOST, 1),
        (doubled, Wrong.DOUBLED, 1),
        (invented, Wrong.DOUBLED, 1),
        (swapped, Wrong.ORDER, 0),
        (streams_swapped, Wrong.ORDER, 0),
        (strange_size, Wrong.ORDER, 0),
        (in_two_readers, Wrong.ORDER, 0),
        (torn, Wrong.TORN, 0),
        (torn_in_one_that_was_killed, Wrong.TORN, 0),
        (into_the_void, Wrong.VOID, 5),
        (to_a_corpse, Wrong.VOID, 9),
        (to_a_corpse_beside_a_new_reader, Wrong.LOST, 9),
        (false_reader_dead, Wrong.ERROR, 0),
        (early_reader_dead, Wrong.ERROR, 0),
        (false_sequence_error, Wrong.ERROR, 0),
        (reader_closed_itself, Wrong.ERROR, 0),
        (no_space, Wrong.HANG, 0),
        (no_end, Wrong.ERROR, 0),
        (late_frame, Wrong.ERROR, 0),
        (something_left, Wrong.LEFT, 0),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_what_must_not_be_is_found(spoil: Callable[[RoundSeen], None], kind: Wrong, lost: int) -> None:
    seen = good()
    spoil(seen)
    found = judge(PLAN, seen).violations
    assert kind in {violation.kind for violation in found}, found
    assert max(violation.frames for violation in found if violation.kind is kind) == lost


def test_whoever_reads_for_a_round_that_broke_off_has_lost_nothing() -> None:
    seen = good()
    seen.whole, seen.lives[1].drained, seen.lives[1].over_by = False, False, float("inf")
    seen.lives[1].transfers = []
    assert judge(PLAN, seen).violations == []


def test_a_writer_that_ends_itself_may_find_itself_closed() -> None:
    seen = good()
    seen.streams[1].ending, seen.streams[1].error = Ending.TERM, "closed"
    assert judge(PLAN, seen).violations == []
