"""Whether what was seen of a round is what was promised. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from benchmarks.soak.plan import Ending, Round, Stream
from benchmarks.soak.seen import LifeSeen, RoundSeen, StreamSeen, Violation, Wrong
from step_definitions.patterns import chained, ramp
from step_definitions.port import Transfer

NOTICE = 1.0
"""Seconds after which a writer must know of its reader's end. Promised are 0.05; the rest is for a busy machine."""


@dataclass
class Judgement:
    """What the judge found.

    Attributes:
        violations: What must not be.
        frames: Frames that were read, and found right unless a violation says otherwise.
        bytes: Their bytes.
        by_pairing: (reader, writer) -> frames.
        reconnections: Connections to a reader that had had a writer before.
    """

    violations: list[Violation] = field(default_factory=list)
    frames: int = 0
    bytes: int = 0
    by_pairing: dict[tuple[str, str], int] = field(default_factory=dict)
    reconnections: int = 0

    def say(self, kind: Wrong, text: str, frames: int = 0) -> None:
        """Notes a violation."""
        self.violations.append(Violation(kind, text, frames))


def judge(plan: Round, seen: RoundSeen) -> Judgement:
    """Judges a round."""
    judgement = Judgement(list(seen.incidents))
    received = [_received(plan, life, judgement) for life in seen.lives]
    homes: dict[int, int | None] = {}
    for stream in seen.streams:
        homes[stream.number] = _judge_stream(stream, seen.lives, received, judgement, whole=seen.whole)
    for life, counts in zip(seen.lives, received, strict=True):
        for number, frames in counts.items():
            pairing = (life.language, plan.streams[number].language)
            judgement.by_pairing[pairing] = judgement.by_pairing.get(pairing, 0) + frames
        writers = sum(home == life.number for home in homes.values())
        judgement.reconnections += max(0, writers - 1)
        _judge_life(life, writers, judgement)
    return judgement


def _name(stream: StreamSeen) -> str:
    return f"writer {stream.number} ({stream.language}, {stream.ending})"


def _received(plan: Round, life: LifeSeen, judgement: Judgement) -> dict[int, int]:
    """How many frames of each stream a reader got; what is wrong with them is noted."""
    track = _Track(plan.streams)
    for transfer in life.transfers:
        judgement.frames += transfer.frames
        judgement.bytes += sum(size * times for size, times in transfer.runs)
        wrong = track.follow(transfer)
        if wrong:
            kind, text, frames = wrong
            judgement.say(kind, f"reader {life.number} ({life.language}): {text}", frames)
            break
    return track.counts


class _Track:
    """Follows a reader through the streams: each size belongs to one."""

    def __init__(self, streams: Iterable[Stream]) -> None:
        self._streams = {stream.number: stream for stream in streams}
        self._owners = {size: stream.number for stream in self._streams.values() for size in stream.sizes}
        self._current = -1
        self.counts: dict[int, int] = {}

    def follow(self, transfer: Transfer) -> tuple[Wrong, str, int] | None:
        """Takes one more series; returns what is wrong with it."""
        digest = first = last = breaks = frames = 0
        for size, times in transfer.runs:
            for _ in range(times):
                sequence = self._next(size)
                if isinstance(sequence, str):
                    return Wrong.ORDER, sequence, 0
                first = first or sequence
                breaks += frames > 0 and sequence != last + 1
                frames += 1
                last = sequence
                digest = chained(digest, sequence, ramp(size, sequence))
        if (frames, first, breaks, last) != (transfer.frames, transfer.first, transfer.breaks, transfer.last):
            found = f"frames {transfer.first} to {transfer.last} with {transfer.breaks} breaks"
            kind = Wrong.LOST if transfer.last > last else Wrong.DOUBLED if transfer.last < last else Wrong.ORDER
            text = f"{found} of writer {self._current}, expected {first} to {last} with {breaks}"
            return kind, text, abs(transfer.last - last)
        if digest != transfer.digest:
            return Wrong.TORN, f"the bytes of frames up to {last} of writer {self._current} are not what was written", 0
        return None

    def _next(self, size: int) -> int | str:
        number = self._owners.get(size)
        if number is None:
            return f"a frame of {size} bytes, which nobody wrote"
        if number != self._current:
            if number < self._current:
                return f"a frame of writer {number} after those of writer {self._current}"
            self._current = number
        sequence = self.counts.get(number, 0) + 1
        expected = self._streams[number].size_of(sequence)
        if size != expected:
            return f"frame {sequence} of writer {number} has {size} bytes, not {expected}"
        self.counts[number] = sequence
        return sequence


def _judge_stream(
    stream: StreamSeen,
    lives: Sequence[LifeSeen],
    received: Sequence[dict[int, int]],
    judgement: Judgement,
    *,
    whole: bool,
) -> int | None:
    """Judges a connection; returns the number of the reader that it was connected to, if that is known."""
    who = _name(stream)
    possible = [life for life in lives if life.begun < stream.connected and stream.begun < life.over_by]
    if not possible:
        judgement.say(Wrong.VOID, f"{who} connected, and no reader was there", stream.committed)
        return None
    got = [life for life, counts in zip(lives, received, strict=True) if counts.get(stream.number)]
    if len(got) > 1:
        judgement.say(Wrong.ORDER, f"frames of {who} came to {len(got)} readers")
    if got and got[0] not in possible:
        judgement.say(Wrong.ORDER, f"frames of {who} came to reader {got[0].number}, which was gone or not yet there")
    frames = sum(counts.get(stream.number, 0) for counts in received)
    if frames > stream.attempted:
        extra = frames - stream.attempted
        judgement.say(Wrong.DOUBLED, f"{who} tried {stream.attempted} frames, {frames} came", extra)
    homes = got or possible
    mortal = [life for life in homes if not life.drained]
    _judge_error(stream, mortal, judgement, whole=whole)
    if mortal:
        known_by = max(life.over_by for life in mortal) + NOTICE
        late = sum(call.frames for call in stream.calls if call.begun > known_by)
        if late:
            judgement.say(Wrong.VOID, f"{who} wrote {late} frames long after its reader was gone", late)
    elif frames < stream.committed:
        lost = stream.committed - frames
        judgement.say(Wrong.LOST, f"{who} committed {stream.committed} frames, {frames} were read", lost)
    return homes[0].number if len(homes) == 1 else None


def _judge_error(stream: StreamSeen, mortal: Sequence[LifeSeen], judgement: Judgement, *, whole: bool) -> None:
    gone = any(life.over_from <= stream.error_at for life in mortal)
    match stream.error:
        case "":
            return
        case "reader_dead" if gone or not whole:
            return
        case "closed" if stream.ending is Ending.TERM:
            return
        case "buffer_full" | "timeout":
            judgement.say(Wrong.HANG, f"{_name(stream)} waited for space for ever: {stream.says}")
        case code:
            judgement.say(Wrong.ERROR, f"{_name(stream)}: {code}: {stream.says}")


def _judge_life(life: LifeSeen, writers: int, judgement: Judgement) -> None:
    who = f"reader {life.number} ({life.language}, {life.ending})"
    if life.error and not (life.ending is Ending.TERM and life.error == "closed"):
        judgement.say(Wrong.ERROR, f"{who}: {life.error}: {life.says}")
    if life.drained and life.epilogue != "writer_dead" and (writers or life.epilogue != "timeout"):
        judgement.say(Wrong.ERROR, f"{who}: all its writers were gone, and a read said {life.epilogue or 'nothing'}")
