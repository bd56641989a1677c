"""What the processes of a stream share: the control block, the ring, two semaphores, the writer's lock; and what only
the properties look at (`ghost` below): the frames that must be read.

Everything counts in cells: a frame takes one cell or more, its header stands in the first. A cell is a pair: the header
that was stored there last, and the frame whose data was.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from typing import Any, NamedTuple

from tests.model.machine import BLOCKED, Shared, Step, ViolationError


class F(IntEnum):
    """Where a field stands in the shared list."""

    FREE = 0
    WRITE_POS = 1
    WRITER_PID = 2
    COMMITTED = 3
    RELEASED = 4  # twice the number, plus 1 while a release is under way
    CONNECTION = 5  # (number, pid)
    STREAM_START = 6
    DATA = 7
    SPACE = 8
    LOCK = 9  # who holds the writer's lock; 0: nobody
    CELLS = 10
    WRITTEN = 11  # the two counts, which only the rules of before look at
    READ = 12
    # ghost
    PENDING = 13  # Entry of each frame to be read
    HELD = 14  # (first cell, cells, bytes) of each frame that is read and not released
    CLAIM = 15  # who is the writer; 0: nobody
    DEAD = 16  # bits: the processes that were killed
    OVER = 17  # bits: the processes that were killed or have closed
    MISSING = 18  # how many were killed inside a commit: so many frames can be held back
    NARROW = 19  # the same: so many cells can be lost until the next writer of ours
    INSIDE = 20  # who is inside a commit; 0: nobody
    LAST = 21  # the last sequence number that was read of each writer


class Entry(NamedTuple):
    """A frame that was written. `must`: it is committed; otherwise it may be read, or never be."""

    who: int
    sequence: int
    at: int
    cells: int
    bytes: int
    must: bool


MARKER = (0, 0, 0)
WRITERS_MOST = 4


def fresh(size: int, *, ours: bool) -> Shared:
    """Return what a reader has just made: its own words are 0 if it is foreign."""
    block: list[Any] = [0] * len(F)
    block[F.FREE] = size
    block[F.COMMITTED] = size if ours else 0
    block[F.RELEASED] = 2 * size if ours else 0
    block[F.CONNECTION] = (0, 0)
    block[F.CELLS] = ((None, None),) * size
    block[F.PENDING] = block[F.HELD] = ()
    block[F.LAST] = (0,) * WRITERS_MOST
    return block


def one(name: str, outcome: Callable[[Shared], Any]) -> Step:
    """Return a step with one outcome."""
    return Step(name, (outcome,))


def ask(name: str, outcome: Callable[[Shared], Any]) -> Step:
    """Return a step that changes nothing."""
    return Step(name, (outcome,), pure=True)


def load(field: F) -> Step:
    """Load a word."""
    return ask(f"load {field.name.lower()}", lambda m: m[field])


def store(field: F, value: Any) -> Step:
    """Store a word."""

    def run(m: Shared) -> None:
        m[field] = value

    return one(f"store {field.name.lower()} = {value}", run)


def add(field: F, amount: int) -> Step:
    """Add atomically."""

    def run(m: Shared) -> None:
        m[field] += amount

    return one(f"{field.name.lower()} += {amount}", run)


def swap(field: F, old: Any, new: Any) -> Step:
    """Compare and swap; the result says whether it did."""

    def run(m: Shared) -> bool:
        if m[field] != old:
            return False
        m[field] = new
        return True

    return one(f"swap {field.name.lower()} {old} -> {new}", run)


def post(field: F) -> Step:
    """Post a token."""
    return add(field, 1)._replace(name=f"post {field.name.lower()}")


def try_take(field: F) -> Step:
    """Take a token if there is one."""

    def run(m: Shared) -> bool:
        if m[field] <= 0:
            return False
        m[field] -= 1
        return True

    return one(f"try {field.name.lower()}", run)


def sleep(field: F) -> Step:
    """Sleep until there is a token, which is taken, or until the slice is over."""

    def woken(m: Shared) -> Any:
        if m[field] <= 0:
            return BLOCKED
        m[field] -= 1
        return True

    return Step(f"sleep on {field.name.lower()}", (woken, lambda _m: False), passive=True)


def lock(who: int) -> Step:
    """Try to take the writer's lock."""

    def run(m: Shared) -> bool:
        if m[F.LOCK]:
            return False
        m[F.LOCK] = who
        return True

    return one("try the lock", run)


def unlock(who: int) -> Step:
    """Give the writer's lock back."""

    def run(m: Shared) -> None:
        if m[F.LOCK] == who:
            m[F.LOCK] = 0

    return one("unlock", run)


def put_data(who: int, sequence: int, at: int, cells: int) -> Step:
    """Copy the data of a frame into the ring: no cell of it may be in use."""

    def run(m: Shared) -> None:
        _refuse_used(m, at, cells, (who, sequence))
        ring = list(m[F.CELLS])
        for cell in range(at, at + cells):
            ring[cell] = (ring[cell][0], (who, sequence))
        m[F.CELLS] = tuple(ring)

    return one(f"data of {who}:{sequence} at {at}", run)


def put_header(header: tuple[int, int, int], at: int) -> Step:
    """Store a header, or a marker."""

    def run(m: Shared) -> None:
        _refuse_used(m, at, 1, header[:2])
        ring = list(m[F.CELLS])
        ring[at] = (header, ring[at][1])
        m[F.CELLS] = tuple(ring)

    return one(f"header {header} at {at}", run)


def _refuse_used(m: Shared, at: int, cells: int, own: tuple[int, int]) -> None:
    pending = [(entry.at, entry.cells) for entry in m[F.PENDING] if entry.must and entry[:2] != own]
    for first, length in [*pending, *(held[:2] for held in m[F.HELD])]:
        if first < at + cells and at < first + length:
            raise ViolationError(f"overwritten: cell {max(first, at)} is in use")


def note(m: Shared, entry: Entry) -> None:
    """Add an entry, or make it one that must be read. One that may be and was read meanwhile is done."""
    pending = list(m[F.PENDING])
    maybe = entry._replace(must=False)
    if maybe in pending:
        pending[pending.index(maybe)] = entry
    elif m[F.LAST][entry.who] < entry.sequence:
        pending.append(entry)
    m[F.PENDING] = tuple(pending)


def musts(m: Shared) -> int:
    """Count the frames that must be read."""
    return sum(entry.must for entry in m[F.PENDING])


def used(m: Shared) -> int:
    """Return the cells that a writer must not have."""
    pending: tuple[Entry, ...] = m[F.PENDING]
    held: tuple[tuple[int, int, int], ...] = m[F.HELD]
    return sum(entry.bytes for entry in pending if entry.must) + sum(lease[2] for lease in held)


def take(at: int, tail: int, before: int) -> Step:
    """Read the header at `at`, where a tail of so many cells was passed at `before`: the next frame, and whole."""

    def run(m: Shared) -> Any:
        header, data = m[F.CELLS][at]
        if header is None:
            raise ViolationError("garbage: nothing was ever written here")
        if header == MARKER:
            return header
        who, sequence, cells = header
        pending = list(m[F.PENDING])
        while pending and not pending[0].must and pending[0][:3] != (who, sequence, at):
            pending.pop(0)
        if not pending or pending[0][:3] != (who, sequence, at):
            again = sequence <= m[F.LAST][who]
            raise ViolationError(f"{'twice' if again else 'order'}: {who}:{sequence} is read, pending {_told(pending)}")
        if any(cell[1] != (who, sequence) for cell in m[F.CELLS][at : at + cells]):
            raise ViolationError(f"torn: {who}:{sequence} has data of {data}")
        last = list(m[F.LAST])
        last[who] = sequence
        m[F.LAST] = tuple(last)
        pending.pop(0)
        m[F.PENDING] = tuple(pending)
        passed = ((before, 0, tail),) if tail else ()
        m[F.HELD] = (*m[F.HELD], *passed, (at, cells, cells))
        return header

    return one(f"header at {at}", run)


def _told(pending: list[Entry]) -> str:
    return " ".join(f"{entry.who}:{entry.sequence}{'' if entry.must else '?'}" for entry in pending) or "nothing"


def show(m: Shared) -> str:
    """Show a state in one line."""
    released = f"{m[F.RELEASED] >> 1}{'*' if m[F.RELEASED] & 1 else ''}"
    ring = " ".join(
        f"{'-' if h is None else f'{h[0]}:{h[1]}'}/{'-' if d is None else f'{d[0]}:{d[1]}'}" for h, d in m[F.CELLS]
    )
    return (
        f"free {m[F.FREE]} pos {m[F.WRITE_POS]} pid {m[F.WRITER_PID]} com {m[F.COMMITTED]} rel {released}"
        f" con {m[F.CONNECTION][0]},{m[F.CONNECTION][1]} start {m[F.STREAM_START]} data {m[F.DATA]} space {m[F.SPACE]}"
        f" lock {m[F.LOCK]} [{ring}] pending {_told(m[F.PENDING])}"
    )
