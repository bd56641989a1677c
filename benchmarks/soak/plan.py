"""What happens in a round: from the seed and the round's number alone. Pure."""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

HEADER = 16
ALIGNMENT = 64
LARGEST_RING = 128 * 1024
MOST_STREAMS = 8
_RINGS_OF_NOTE = (64, 128, 4096, 10240, 65536)
_MOST_FRAMES = 100_000
_MOST_FRAMES_SNUG = 10_000
_MOST_BYTES = 20_000_000

WRITER_POINTS = tuple(
    f"writer.{name}"
    for name in ("planned", "data", "header", "intent", "free", "position", "count", "commit", "post", "done")
)
READER_POINTS = tuple(f"reader.{name}" for name in ("token", "wrap", "position", "count", "free", "space"))


class Ending(StrEnum):
    """How one side of a connection ends."""

    CLOSE = "close"
    KILL = "kill"
    TERM = "term"
    POINT = "point"
    DRAIN = "drain"


class Side(StrEnum):
    """Who of the two."""

    READER = "reader"
    WRITER = "writer"


class Deed(StrEnum):
    """What troubles a living process."""

    STOP = "stop"
    FORK = "fork"
    SIGNALS = "signals"
    INTERRUPT = "interrupt"


@dataclass(frozen=True)
class Manner:
    """How an endpoint in Python uses the library; the drivers have one manner of their own.

    Attributes:
        call: ``frame``, ``batch`` or ``slot``.
        threaded: Whether a thread other than the main one calls.
        leaves: Whether the handler of SIGTERM, when it has closed the endpoint, leaves by SystemExit.
    """

    call: str = "frame"
    threaded: bool = False
    leaves: bool = False


@dataclass(frozen=True)
class Life:
    """One reader, from creation to its end.

    Attributes:
        number: From 0.
        language: Who reads.
        ending: DRAIN for the last of a round, which reads all there is.
        after: Seconds of reading before a KILL, a TERM, or a POINT that was not passed.
        frames: Frames to read before a CLOSE; passages before a POINT.
        point: Where it dies.
        manner: See the class.
    """

    number: int
    language: str
    ending: Ending
    after: float
    frames: int
    point: str
    manner: Manner


@dataclass(frozen=True)
class Stream:
    """One connection of a writer.

    Attributes:
        number: From 0, in the order of connection.
        language: Who writes.
        sizes: Sizes of its frames, in turn. No other stream of the round has one of them.
        calls: How many frames each call of the port writes; multiples of the number of sizes.
        ending: How it ends when all is written, or in the middle of it.
        after: As in `Life`.
        point: As in `Life`.
        passage: How often the point is passed before.
        manner: See the class.
    """

    number: int
    language: str
    sizes: tuple[int, ...]
    calls: tuple[int, ...]
    ending: Ending
    after: float
    point: str
    passage: int
    manner: Manner

    def size_of(self, sequence: int) -> int:
        """The size of a frame, by its number from 1."""
        return self.sizes[(sequence - 1) % len(self.sizes)]


@dataclass(frozen=True)
class Trouble:
    """Something that is done to the process of a side at a moment.

    Attributes:
        deed: What.
        side: To whom.
        at: Seconds after the round has begun.
        seconds: How long it lasts.
    """

    deed: Deed
    side: Side
    at: float
    seconds: float


@dataclass(frozen=True)
class Round:
    """All that is planned for a round.

    Attributes:
        seed: Of the run.
        number: Of the round.
        payload: Bytes of the ring.
        snug: Whether it has room for one frame.
        lives: Readers, one after the other.
        streams: Connections of writers, one after the other.
        troubles: What happens to them meanwhile.
    """

    seed: int
    number: int
    payload: int
    snug: bool
    lives: tuple[Life, ...]
    streams: tuple[Stream, ...]
    troubles: tuple[Trouble, ...]


def plan(seed: int, number: int, languages: Sequence[str]) -> Round:
    """The plan of a round: the same for the same arguments."""
    reader, writer = _pairing(seed, number, languages)
    dice = random.Random(f"{seed}:{number}")
    snug = dice.random() < 0.25
    payload = _payload(dice)
    # The first frame of a snug ring leaves at most this much of it.
    most = payload - HEADER - dice.randrange(HEADER + 1) * snug
    streams = dice.randint(2, 5)
    lives = dice.choices((1, 2, 3), (5, 3, 2))[0]
    return Round(
        seed,
        number,
        payload,
        snug,
        tuple(_life(dice, index, _other(dice, reader, languages), last=index == lives - 1) for index in range(lives)),
        tuple(
            _stream(
                dice, index, _other(dice, writer, languages), _sizes(dice, index, payload, most, snug=snug), snug=snug
            )
            for index in range(streams)
        ),
        tuple(_trouble(dice) for _ in range(dice.choices((0, 1, 2, 4), (3, 3, 2, 1))[0])),
    )


def _pairing(seed: int, number: int, languages: Sequence[str]) -> tuple[str, str]:
    pairings = [(reader, writer) for reader in sorted(languages) for writer in sorted(languages)]
    random.Random(seed).shuffle(pairings)
    return pairings[number % len(pairings)]


def _other(dice: random.Random, language: str, languages: Sequence[str]) -> str:
    return dice.choice(sorted(languages)) if dice.random() < 0.2 else language


def _between(dice: random.Random, low: int, high: int) -> int:
    """A number with an evenly spread logarithm, so that small ones are as likely as large ones."""
    return min(high, round(math.exp(dice.uniform(math.log(low), math.log(high + 1)))))


def _payload(dice: random.Random) -> int:
    if dice.random() < 0.5:
        return dice.choice(_RINGS_OF_NOTE)
    return -(-_between(dice, ALIGNMENT, LARGEST_RING) // ALIGNMENT) * ALIGNMENT


def _sizes(dice: random.Random, index: int, payload: int, most: int, *, snug: bool) -> tuple[int, ...]:
    """Sizes that this stream alone has, and that fit wherever the frames before have ended."""
    if snug:
        # What ends where a frame at least as large has ended can be written when the ring is empty.
        return (max(1, most - index),)
    limit = payload // 2 - HEADER
    fitting = (limit - index - 1) // MOST_STREAMS
    largest = _between(dice, 1, fitting + 1) - 1
    count = dice.choice((1, 1, 1, 2, 3, 5))
    return tuple(index + 1 + MOST_STREAMS * dice.randint(0, largest) for _ in range(count))


def _manner(dice: random.Random, calls: Sequence[str]) -> Manner:
    return Manner(dice.choice(calls), dice.random() < 0.25, dice.random() < 0.5)


def _life(dice: random.Random, number: int, language: str, *, last: bool) -> Life:
    ways = (Ending.KILL, Ending.CLOSE, Ending.TERM, Ending.POINT)
    return Life(
        number,
        language,
        Ending.DRAIN if last else dice.choice(ways),
        dice.uniform(0.005, 0.2),
        _between(dice, 1, 3000),
        dice.choice(READER_POINTS),
        _manner(dice, ("frame", "batch")),
    )


def _stream(dice: random.Random, number: int, language: str, sizes: tuple[int, ...], *, snug: bool) -> Stream:
    most = min(_MOST_FRAMES_SNUG if snug else _MOST_FRAMES, max(10, _MOST_BYTES // (max(sizes) + HEADER)))
    frames = dice.choice((dice.randint(1, 3), _between(dice, min(300, most), most), most))
    parts = dice.randint(1, min(5, frames))
    unit = len(sizes)
    each = -(-frames // parts // unit) * unit
    return Stream(
        number,
        language,
        sizes,
        (max(unit, each),) * parts,
        dice.choices((Ending.CLOSE, Ending.KILL, Ending.TERM, Ending.POINT), (5, 2, 1, 2))[0],
        dice.uniform(0.001, 0.1),
        dice.choice(WRITER_POINTS),
        _between(dice, 1, max(1, frames)),
        _manner(dice, ("frame", "batch", "slot")),
    )


def _trouble(dice: random.Random) -> Trouble:
    deed = dice.choices(list(Deed), (4, 2, 2, 2))[0]
    side = Side.WRITER if deed is Deed.INTERRUPT else dice.choice(list(Side))
    return Trouble(deed, side, dice.uniform(0.0, 0.4), dice.uniform(0.005, 0.12))
