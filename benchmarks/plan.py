"""What is measured: sizes, placements and cases. Pure data, no effects."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

KIB = 1024
MIB = 1024 * KIB
SIZES = (64, KIB, 4 * KIB, 64 * KIB, MIB, 8 * MIB)
LARGE_SIZES = (MIB, 8 * MIB)
ROUND_TRIP_SIZES = (64, 4 * KIB)
BATCH = 256
FRAME_HEADER = 16
MINIMAL_CAPACITY = 256 * KIB
FRAMES_IN_RING = 8


class Kind(StrEnum):
    """What one measurement looks at."""

    ONE_WAY = "one-way"
    WHOLE = "read whole"
    SNUG = "snug"
    BATCH = "batch"
    ROUND_TRIP = "round-trip"
    IDLE = "idle"
    GROWTH_CAPACITY = "growth-capacity"
    GROWTH_BUFFERS = "growth-buffers"
    GROWTH_FRAMES = "growth-frames"


class Placement(StrEnum):
    """On which cores the two processes run."""

    TWO_CORES = "two cores"
    ONE_CORE = "one core"
    UNPINNED = "unpinned"


class Wait(StrEnum):
    """How a contender waits, where it lets its user choose."""

    DEFAULT = "default"
    BLOCK = "block"
    SPIN = "spin"


# Frames go one way only, and are counted.
ONE_DIRECTION = frozenset({Kind.ONE_WAY, Kind.WHOLE, Kind.SNUG, Kind.BATCH})
PLAIN = frozenset({Kind.ONE_WAY, Kind.ROUND_TRIP})
BATCHING = PLAIN | {Kind.BATCH}
# For those that come near the memory's limit with large frames.
LARGE = PLAIN | {Kind.WHOLE, Kind.SNUG}


def ring_capacity(kind: Kind, size: int) -> int:
    """The bytes every contender gets between its two ends for frames of ``size``.

    Half a frame more than a whole number of them: a frame that ends exactly at the end is where a peer of ours breaks.
    """
    frames = 1 if kind is Kind.SNUG else FRAMES_IN_RING
    return max(MINIMAL_CAPACITY, frames * (size + FRAME_HEADER) + size // 2)


def size_text(size: int) -> str:
    """A size as people write it."""
    if size >= MIB:
        return f"{size // MIB} MiB"
    return f"{size // KIB} KiB" if size >= KIB else f"{size} B"


@dataclass(frozen=True)
class Case:
    """One thing that is measured for each contender able to do it.

    Attributes:
        kind: What is looked at.
        size: Bytes in a frame.
        placement: Where the two processes run.
        parameter: For growth: bytes of buffer, number of open buffers, or frames already passed.
    """

    kind: Kind
    size: int
    placement: Placement
    parameter: int = 0

    @property
    def unsteady(self) -> bool:
        """Whether memory, the cores' way to each other, or wake-ups decide it: nobody can hold these still."""
        return self.size in LARGE_SIZES or (self.size == 64 and self.kind in PLAIN | {Kind.IDLE})

    @property
    def key(self) -> str:
        """A stable name, used in JSON and in the history."""
        text = f"{self.kind} {size_text(self.size)}, {self.placement}"
        return f"{text}, {self.parameter}" if self.parameter else text


@dataclass(frozen=True)
class Job:
    """A case made concrete for one run of one contender; crosses to its process as JSON.

    Attributes:
        kind: What is looked at.
        name: A name for the channel, unique per run.
        size: Bytes in a frame.
        capacity: Bytes between the two ends.
        count: Frames (or rounds) that are timed.
        warmup: Frames before that.
        wait: How to wait.
        sender_cpu: Core of the producer, -1 for any.
        receiver_cpu: Core of the consumer, -1 for any.
        parameter: See `Case.parameter`.
        directory: A directory for socket files.
        deadline: Seconds after which it is given up.
    """

    kind: Kind
    name: str
    size: int
    capacity: int
    count: int
    warmup: int
    wait: Wait
    sender_cpu: int
    receiver_cpu: int
    parameter: int
    directory: str
    deadline: int

    def to_json(self) -> dict[str, Any]:
        """The job as plain data."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Job":
        """The job that `to_json` wrote."""
        values = dict(data)
        return cls(kind=Kind(values.pop("kind")), wait=Wait(values.pop("wait")), **values)

    @property
    def shares_a_core(self) -> bool:
        """Whether both ends run on one core, so that whoever polls has to yield."""
        return self.sender_cpu >= 0 and self.sender_cpu == self.receiver_cpu


GROWTH_CAPACITIES = (64 * KIB, MIB, 16 * MIB, 128 * MIB)
GROWTH_OPEN_BUFFERS = (1, 16, 128)
GROWTH_PASSED = (10_000, 100_000, 1_000_000)


def cases(*, quick: bool) -> Iterator[Case]:
    """All cases of a run, in the order in which they are measured."""
    two, one, free = Placement.TWO_CORES, Placement.ONE_CORE, Placement.UNPINNED
    for placement in (two,) if quick else (two, one, free):
        for size in SIZES:
            yield Case(Kind.ONE_WAY, size, placement)
        yield Case(Kind.BATCH, 64, placement)
        for size in () if quick else LARGE_SIZES:
            yield Case(Kind.WHOLE, size, placement)
        yield Case(Kind.SNUG, MIB, placement)
    for placement in (two, one) if quick else (two, one, free):
        for size in ROUND_TRIP_SIZES[:1] if quick else ROUND_TRIP_SIZES:
            yield Case(Kind.ROUND_TRIP, size, placement)
    if quick:
        yield Case(Kind.ONE_WAY, MIB, one)
    yield Case(Kind.IDLE, 64, two)
    growth = [
        *((Kind.GROWTH_CAPACITY, parameter) for parameter in GROWTH_CAPACITIES),
        *((Kind.GROWTH_BUFFERS, parameter) for parameter in GROWTH_OPEN_BUFFERS),
        *((Kind.GROWTH_FRAMES, parameter) for parameter in GROWTH_PASSED),
    ]
    for kind, parameter in growth:
        yield Case(kind, 64, one, parameter)
