"""What a ring is, in the simplest words: a deque of frames and a count of bytes. Written from the protocol's text."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

HEADER = 16


@dataclass
class Written:
    """A frame in the ring, with the bytes at the end that were given up before it."""

    sequence: int
    data: bytes
    given_up: int
    counted: int

    @property
    def total(self) -> int:
        """Header and data."""
        return HEADER + len(self.data)


@dataclass
class Lent:
    """Space that the reader has not given back."""

    size: int
    returned: bool = False


@dataclass
class Ring:
    """A ring of `size` bytes as writer and reader must see it."""

    size: int
    free: int = 0
    position: int = 0
    read_position: int = 0
    next_sequence: int = 1
    written_count: int = 0
    read_count: int = 0
    unread: deque[Written] = field(default_factory=deque)
    lent: deque[Lent] = field(default_factory=deque)

    def __post_init__(self) -> None:
        """All is free in the beginning."""
        self.free = self.size

    def judge(self, size: int) -> tuple[str, int]:
        """Return the code that writing `size` bytes ends with (`ok`), and the bytes given up for it."""
        if size == 0:
            return "invalid_frame_size", 0
        total = HEADER + size
        if total > self.size:
            return "frame_too_large", 0
        tail = self.size - self.position
        could_wrap = self.position > 0 and total <= self.position
        stub = 0 < tail - total < HEADER
        given_up = 0
        if total > tail or (stub and could_wrap):
            if not could_wrap:
                return "frame_unwritable", 0
            given_up = tail
        return ("ok" if given_up + total <= self.free else "buffer_full"), given_up

    def write(self, data: bytes) -> str:
        """Write a frame if that is possible; return the code."""
        code, given_up = self.judge(len(data))
        if code == "ok":
            counted = 2 if given_up >= HEADER else 1
            written = Written(self.next_sequence, data, given_up, counted)
            self.unread.append(written)
            self.free -= given_up + written.total
            self.position = ((0 if given_up else self.position) + written.total) % self.size
            self.written_count += counted
            self.next_sequence += 1
        return code

    def read(self) -> tuple[Written, Lent]:
        """Take the oldest frame."""
        written = self.unread.popleft()
        if written.given_up:
            self.lent.append(Lent(written.given_up, returned=True))
            self.read_position = 0
        self._drain()
        self.read_position = (self.read_position + written.total) % self.size
        self.read_count += written.counted
        lent = Lent(written.total)
        self.lent.append(lent)
        return written, lent

    def give_back(self, lent: Lent) -> None:
        """Return the space of a frame; it is free once all before it is."""
        lent.returned = True
        self._drain()

    def _drain(self) -> None:
        while self.lent and self.lent[0].returned:
            self.free += self.lent.popleft().size

    def reconnect(self) -> None:
        """Another writer goes on where the last one stood."""
        self.next_sequence = 1
