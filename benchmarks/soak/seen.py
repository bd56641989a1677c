"""What was seen of a round, and what is wrong with it: plain data between the stage and the judge."""

from dataclasses import dataclass, field
from enum import StrEnum

from benchmarks.soak.plan import Ending
from step_definitions.port import Transfer


class Wrong(StrEnum):
    """Kinds of violations."""

    LOST = "a frame lost"
    DOUBLED = "a frame doubled"
    ORDER = "out of order"
    TORN = "torn"
    VOID = "written to nobody"
    ERROR = "a false error"
    HANG = "a hang"
    CRASH = "a crash"
    LEFT = "left behind"


@dataclass(frozen=True)
class Violation:
    """One thing that must not be.

    Attributes:
        kind: What.
        text: Who, where, with numbers.
        frames: How many frames it concerns.
    """

    kind: Wrong
    text: str
    frames: int = 0


class ViolationError(Exception):
    """A violation after which the round cannot go on."""

    def __init__(self, kind: Wrong, text: str) -> None:
        super().__init__(text)
        self.violation = Violation(kind, text)


@dataclass
class LifeSeen:
    """A reader, as it was seen. Moments are of one monotonic clock.

    Attributes:
        number: As planned.
        language: Who read.
        ending: How it ended.
        begun: Before it was asked to create the buffer.
        born: When it had created it.
        over_from: Before its end began; infinite while it lives.
        over_by: When its end was complete.
        transfers: What it has read.
        error: The code with which reading failed, other than by the end of the writer.
        says: The text of that error.
        drained: Whether it has read until all writers were gone and nothing came.
        epilogue: The code with which one more read was answered then.
    """

    number: int
    language: str
    ending: Ending
    begun: float
    born: float = float("inf")
    over_from: float = float("inf")
    over_by: float = float("inf")
    transfers: list[Transfer] = field(default_factory=list)
    error: str = ""
    says: str = ""
    drained: bool = False
    epilogue: str = ""


@dataclass(frozen=True)
class Call:
    """A call that wrote frames and returned success."""

    begun: float
    frames: int


@dataclass
class StreamSeen:
    """A connection of a writer, as it was seen.

    Attributes:
        number: As planned.
        language: Who wrote.
        ending: How it ended.
        begun: Before the attempt to connect that succeeded.
        connected: When it had succeeded.
        calls: What returned success.
        committed: Frames whose write is known to have returned success.
        attempted: Frames that it may have written.
        error: The code that ended it; empty if none did.
        error_at: When.
        says: Its text.
    """

    number: int
    language: str
    ending: Ending
    begun: float
    connected: float
    calls: list[Call] = field(default_factory=list)
    committed: int = 0
    attempted: int = 0
    error: str = ""
    error_at: float = 0.0
    says: str = ""


@dataclass
class RoundSeen:
    """A round, as it was seen.

    Attributes:
        lives: Readers, as far as they came.
        streams: Connections that were made.
        incidents: What was wrong by itself: hangs, crashes, what was left behind.
        whole: Whether the round came to its end.
        deaths: (side, ending, language) of each end that was not a plain close.
        deeds: What was done to living processes.
    """

    lives: list[LifeSeen] = field(default_factory=list)
    streams: list[StreamSeen] = field(default_factory=list)
    incidents: list[Violation] = field(default_factory=list)
    whole: bool = False
    deaths: list[tuple[str, str, str]] = field(default_factory=list)
    deeds: list[str] = field(default_factory=list)
