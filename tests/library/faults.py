"""Processes that die in the middle of an operation, and what the survivor must find.

Used by the fault tests and, a thousand times over, by `python -m tests.library.stress`.
"""

from __future__ import annotations

import contextlib
import random
import signal
from dataclasses import asdict, dataclass, field

from tests.library import children, cores
from tests.library.data import Fields, frame
from tests.library.processes import Child
from zerobuffer import (
    BufferConfig,
    BufferFullError,
    Frame,
    FrameTimeoutError,
    FrameUnwritableError,
    Reader,
    ReaderDeadError,
    Writer,
    WriterDeadError,
)

PAYLOAD = 4096
CONFIG = BufferConfig(metadata_size=64, payload_size=PAYLOAD)
ALWAYS_FITS = PAYLOAD // 2 - 16

# Outside the life of a frame.
NO_FRAME = {"writer.opened", "writer.announced", "writer.metadata", "reader.formatted", "reader.death"}
POINTS = cores.points()
WRITER_POINTS = [point for point in POINTS if point.startswith("writer.") and point not in NO_FRAME]
READER_POINTS = [point for point in POINTS if point.startswith("reader.") and point not in NO_FRAME]

PATIENCE = 20.0


@dataclass(frozen=True)
class Plan:
    """What a writer does until it dies.

    Attributes:
        good: Sizes of frames written one by one before the point is armed.
        fatal: Sizes of what is written afterwards.
        batch: Whether `fatal` is one batch; else single frames.
        point: Where it dies.
        passage: At which passage of the point.
        slots: Whether frames are written through `acquire`.
    """

    good: list[int]
    fatal: list[int]
    point: str
    batch: bool = False
    passage: int = 1
    slots: bool = False


@dataclass
class Received:
    """What a reader has taken: checked as it comes."""

    sizes: list[int] = field(default_factory=list)
    held: list[Frame] = field(default_factory=list)

    def take(self, got: Frame, *, hold: int = 0) -> None:
        """Check the next frame of a stream, and keep the last `hold` of them."""
        sequence = len(self.sizes) + 1
        seen, whole = got.sequence, bytes(got.data) == frame(got.size, sequence)
        self.sizes.append(got.size)
        self.held.append(got)
        while len(self.held) > hold:
            self.held.pop(0).release()
        assert seen == sequence, f"frame {seen} came where {sequence} was due"
        assert whole, f"frame {sequence} is torn"

    def release(self) -> None:
        """Give back what is held."""
        for item in self.held:
            item.release()
        self.held.clear()


def die_writing(name: str, plan: Plan, signal_number: int = signal.SIGKILL) -> Child:
    """Start the writer of a plan."""
    return Child(children.write_and_die, name=name, plan=asdict(plan), signal_number=signal_number)


def drain(reader: Reader, received: Received, *, hold: int = 0) -> None:
    """Take everything until the writer's death shows."""
    while True:
        try:
            got = reader.read_frame(PATIENCE)
        except WriterDeadError as error:
            assert error.reason == "died"  # noqa: PT017 - the end of the loop, not its expectation
            break
        received.take(got, hold=hold)


def mixed_sizes(seed: random.Random, count: int, most: int = ALWAYS_FITS) -> list[int]:
    """Return sizes that make the ring wrap in every way."""
    return [seed.choice((1, seed.randint(1, 64), seed.randint(1, most), most)) for _ in range(count)]


def flows(reader: Reader, writer: Writer, sizes: list[int]) -> None:
    """Check that a new writer's frames come one for one, at once, and that the space is whole afterwards."""
    for size in sizes:
        sequence = writer.next_sequence
        writer.write_frame(frame(size, sequence), PATIENCE)
        with reader.read_frame(0) as got:
            assert got.sequence == sequence, f"frame {got.sequence} came where {sequence} was due"
            assert bytes(got.data) == frame(size, sequence), f"frame {sequence} is torn"
        if sequence % 16 == 0:
            _nothing_more(reader)
    _nothing_more(reader)
    fields = Fields.of(reader.name)
    assert fields.free == fields.payload_size, f"{fields.payload_size - fields.free} bytes are lost"
    assert fields.committed == fields.released
    assert fields.committed % fields.payload_size == fields.write_pos


def _nothing_more(reader: Reader) -> None:
    try:
        extra = reader.read_frame(0)
    except FrameTimeoutError:
        return
    extra.release()
    msg = f"frame {extra.sequence} came twice or from nowhere"
    raise AssertionError(msg)


def committed(plan: Plan) -> int:
    """Return how many frames the writer had committed when it died."""
    good = len(plan.good)
    if plan.point in {"writer.commit", "writer.post", "writer.done"}:
        return good + (len(plan.fatal) if plan.batch else plan.passage)
    return good if plan.batch else good + plan.passage - 1  # nothing of a batch is committed before its end


def survive_writer(name: str, plan: Plan, seed: random.Random, *, noticed: bool, hold: int) -> None:
    """Let a writer die by plan; check what the reader gets and that the next writer works.

    Args:
        name: Of the buffer.
        plan: What the writer does.
        seed: For what the next writer writes.
        noticed: Whether the reader learns of the death before the next writer connects.
        hold: How many frames the reader holds at each moment.
    """
    total = plan.good + plan.fatal
    received = Received()
    with Reader(name, CONFIG) as reader:
        with die_writing(name, plan) as doomed:
            while len(received.sizes) < len(plan.good):
                received.take(reader.read_frame(PATIENCE), hold=hold)
            doomed.say("go on")
            if noticed:
                drain(reader, received, hold=hold)
            assert doomed.wait() == -signal.SIGKILL
        sizes = mixed_sizes(seed, 200)
        if noticed:
            assert received.sizes == total[: committed(plan)]
            received.release()
            with Writer(name, timeout=PATIENCE) as writer:
                flows(reader, writer, sizes)
        else:
            with Writer(name, timeout=PATIENCE) as writer:
                _take_over(reader, writer, received)
                assert received.sizes == total[: committed(plan)]
                received.release()
                flows(reader, writer, sizes)


def _take_over(reader: Reader, writer: Writer, received: Received) -> None:
    """Take the rest of the old stream, behind which the new writer has put a frame if there was room."""
    with contextlib.suppress(BufferFullError, FrameUnwritableError):
        writer.write_frame(frame(10, 1), 0)
    early = writer.next_sequence == 2
    while True:
        try:
            got = reader.read_frame(0)
        except FrameTimeoutError:
            assert not early, "the frame of the new writer did not come"
            return
        if early and got.sequence == 1 and Fields.of(reader.name).read_pos == Fields.of(reader.name).write_pos:
            with got:
                assert bytes(got.data) == frame(10, 1)
            return
        received.take(got, hold=len(received.held))


def survive_reader(name: str, point: str, passage: int, sizes: list[int]) -> int:
    """Let a reader die at a point; check that its writer learns of it and that the next reader replaces all."""
    written = 0
    with Child(children.read_and_die, name=name, point=point, passage=passage, signal_number=signal.SIGKILL) as doomed:
        doomed.hear("ready")
        with Writer(name) as writer:
            try:
                for sequence, size in enumerate(sizes, start=1):
                    writer.write_frame(frame(size, sequence), PATIENCE)
                    written += 1
                doomed.wait()
                writer.check_reader()
            except ReaderDeadError as error:
                assert error.reason == "died"  # noqa: PT017 - not dying is checked below
            else:
                msg = "the writer did not notice the death of its reader"
                raise AssertionError(msg)
        assert doomed.wait() == -signal.SIGKILL
    with Reader(name, CONFIG) as reader, Writer(name) as writer:
        flows(reader, writer, [1, 100, 2000, 16, 2000])
    return written


def random_plan(seed: random.Random) -> Plan:
    """Return a plan whose fatal frames fit into the ring beside two held ones."""
    batch = seed.random() < 0.3
    points = [point for point in WRITER_POINTS if not (batch and point == "writer.planned")]
    point = seed.choice(points)
    fatal = [seed.randint(1, 300) for _ in range(seed.randint(1, 6))]
    many = not batch or point in {"writer.post", "writer.data", "writer.header"}
    return Plan(
        good=mixed_sizes(seed, seed.randint(0, 12), 400),
        fatal=fatal,
        point=point,
        batch=batch,
        passage=seed.randint(1, len(fatal)) if many else 1,
        slots=not batch and seed.random() < 0.3,
    )


def random_death(name: str, seed: random.Random) -> None:
    """Let one side die somewhere, somehow, and see what becomes of the other."""
    if seed.random() < 0.3:
        survive_reader(name, seed.choice(READER_POINTS), seed.randint(1, 4), [1500] * 20)
    else:
        survive_writer(name, random_plan(seed), seed, noticed=seed.random() < 0.5, hold=seed.choice((0, 0, 1, 2)))
