"""kill -9 of either side at every named point of an operation: the survivor gets what was committed, and goes on."""

from __future__ import annotations

import contextlib
import random
import signal

import pytest

from tests.library import children, faults
from tests.library.data import Fields, frame
from tests.library.faults import CONFIG, NO_FRAME, PATIENCE, PAYLOAD, POINTS, READER_POINTS, WRITER_POINTS, Plan
from tests.library.processes import Child
from zerobuffer import BufferConfig, Frame, FrameTimeoutError, NoMetadataError, Reader, Writer, _core

SHAPES = {
    "first frame": ([], [100]),
    "wrapping": ([2000, 1500], [1000, 5]),
    "exact fit": ([2032, 2032 - 16], [16, 1]),
    "whole ring": ([], [PAYLOAD - 16]),
}


def test_points_are_known() -> None:
    assert len(WRITER_POINTS) + len(READER_POINTS) + len(NO_FRAME) == len(POINTS)
    with pytest.raises(ValueError, match="no point named"):
        _core.arm_point("writer.nowhere", 1, signal.SIGKILL)


@pytest.mark.parametrize("noticed", [True, False], ids=["noticed", "unnoticed"])
@pytest.mark.parametrize(("shape", "hold"), [*((shape, 0) for shape in SHAPES), ("held", 2)])
@pytest.mark.parametrize("point", WRITER_POINTS)
def test_writer_dies_at_a_point(name: str, point: str, shape: str, hold: int, noticed: bool) -> None:
    good, fatal = SHAPES.get(shape) or ([100, 3000, 500, 20], [300, 5])
    plan = Plan(good=good, fatal=fatal, point=point)
    faults.survive_writer(name, plan, random.Random(f"{point}{shape}"), noticed=noticed, hold=hold)


@pytest.mark.parametrize("noticed", [True, False], ids=["noticed", "unnoticed"])
@pytest.mark.parametrize(
    ("point", "passage"),
    [
        ("writer.data", 5),
        ("writer.header", 5),
        ("writer.intent", 1),
        ("writer.position", 1),
        ("writer.free", 1),
        ("writer.count", 1),
        ("writer.commit", 1),
        ("writer.post", 1),
        ("writer.post", 4),
        ("writer.done", 1),
    ],
)
def test_writer_dies_in_a_batch(name: str, point: str, passage: int, noticed: bool) -> None:
    plan = Plan(good=[100, 2000], fatal=[300, 20, 1, 200, 90, 15, 400, 33], point=point, passage=passage, batch=True)
    faults.survive_writer(name, plan, random.Random(passage), noticed=noticed, hold=0)


@pytest.mark.parametrize("noticed", [True, False], ids=["noticed", "unnoticed"])
@pytest.mark.parametrize("point", ["writer.planned", "writer.data", "writer.position", "writer.done"])
def test_writer_dies_with_an_acquired_frame(name: str, point: str, noticed: bool) -> None:
    plan = Plan(good=[100, 2000], fatal=[300, 20], point=point, slots=True)
    faults.survive_writer(name, plan, random.Random(1), noticed=noticed, hold=0)


def test_writer_dies_while_writing_metadata(name: str) -> None:
    with Reader(name, CONFIG) as reader:
        with Child(children.set_metadata_and_die, name=name) as writer:
            assert writer.wait() == -signal.SIGKILL
        with pytest.raises(NoMetadataError):
            reader.get_metadata()
        with Writer(name) as again:
            again.set_metadata(b"whole")
            assert reader.get_metadata() == b"whole"
            again.write_frame(frame(5, 1))
            reader.read_frame(1).release()


@pytest.mark.parametrize("passage", [1, 3])
@pytest.mark.parametrize("point", READER_POINTS)
def test_reader_dies_at_a_point(name: str, point: str, passage: int) -> None:
    faults.survive_reader(name, point, passage, [1500] * 20)


def test_writer_takes_over_while_the_reader_is_reading(name: str) -> None:
    """What a dead writer committed is told right although the reader goes on meanwhile."""
    count = 30_000
    plan = Plan(good=[], fatal=[1] * count, point="writer.post", passage=count - 1, batch=True)
    with Reader(name, BufferConfig(metadata_size=64, payload_size=1 << 20)) as reader:
        with faults.die_writing(name, plan) as doomed:
            doomed.say("go on")
            assert doomed.wait() == -signal.SIGKILL
        seen: list[Frame] = []
        with Child(children.hold_writer, name=name) as writer:
            while Fields.of(name).writer_pid == doomed.pid and len(seen) < count // 2:
                seen.append(reader.read_frame(0))
                seen[-1].release()
            while len(seen) < count - 1:
                seen.append(reader.read_frame(PATIENCE))
                seen[-1].release()
            writer.hear("ready")
            writer.say([[size, sequence] for sequence, size in enumerate((50, 60, 70), start=1)])
            writer.hear("written")
            with contextlib.suppress(FrameTimeoutError):
                while True:
                    seen.append(reader.read_frame(0))
                    seen[-1].release()
        assert [got.sequence for got in seen] == [*range(1, count + 1), 1, 2, 3]


@pytest.mark.parametrize("point", ["writer.data", "writer.header", "writer.position", "writer.count"])
def test_stopped_writer_is_waited_for_and_nothing_of_its_frame_is_seen(name: str, point: str) -> None:
    plan = Plan(good=[50], fatal=[60], point=point)
    with Reader(name, CONFIG) as reader, faults.die_writing(name, plan, signal.SIGSTOP) as writer:
        writer.say("go on")
        writer.stopped()
        reader.read_frame(5).release()
        with pytest.raises(FrameTimeoutError) as caught:
            reader.read_frame(0.1)
        assert caught.value.code == "timeout"
        writer.kill(signal.SIGCONT)
        with reader.read_frame(PATIENCE) as got:
            assert bytes(got.data) == frame(60, 2)


@pytest.mark.parametrize("part", range(10))
def test_random_deaths(name: str, part: int) -> None:
    number = random.SystemRandom().randrange(1 << 32)
    print(f"seed {number}: python -m tests.library.stress --deaths 10 --seed {number}")  # noqa: T201
    seed = random.Random(number)
    for index in range(10):
        faults.random_death(f"{name}-{index}", seed)


# ---- the checks themselves can fail ---------------------------------------------------------------------------------


def test_lost_frame_is_caught(name: str) -> None:
    plan = Plan(good=[10, 20], fatal=[30], point="writer.done")
    with Reader(name, CONFIG) as reader, faults.die_writing(name, plan):
        reader.read_frame(PATIENCE).release()
        with pytest.raises(AssertionError, match="frame 2 came where 1 was due"):
            faults.drain(reader, faults.Received())


def test_torn_frame_is_caught(name: str) -> None:
    with Reader(name, CONFIG) as reader, Writer(name) as writer:
        writer.write_frame(b"something else")
        with pytest.raises(AssertionError, match="torn"):
            faults.Received().take(reader.read_frame(1))


def test_lost_space_is_caught(name: str) -> None:
    with Reader(name, CONFIG) as reader, Writer(name) as writer:
        writer.write_frame(b"held")
        with reader.read_frame(1), pytest.raises(AssertionError, match="55 bytes are lost"):
            faults.flows(reader, writer, [1, 2])


def test_extra_frame_is_caught(name: str) -> None:
    with Reader(name, CONFIG) as reader, Writer(name) as writer:
        writer.write_frame(b"x")
        with pytest.raises(AssertionError, match="came where 2 was due"):
            faults.flows(reader, writer, [10])
        with pytest.raises(AssertionError, match="from nowhere"):
            faults.flows(reader, writer, [])


def test_survivor_of_nobody_is_caught(name: str) -> None:
    with pytest.raises(AssertionError):  # the point is never passed: the writer ends by itself
        faults.survive_writer(name, Plan([1], [2], "writer.metadata"), random.Random(1), noticed=True, hold=0)
