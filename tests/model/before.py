"""The rules before docs/protocol.md, as far as the first fault goes: a token decides, and a surplus one is thrown away.

What the reader of that time did at the death of a writer is left out: nobody is killed where these rules are looked at.
"""

from __future__ import annotations

from typing import Any

from tests.model.foreign import freeing
from tests.model.machine import Program, Shared, Step
from tests.model.memory import MARKER, Entry, F, add, load, one, post, put_data, put_header, sleep, store, take
from tests.model.rules import (
    AGAIN,
    GONE,
    World,
    claim,
    ended,
    fail_sequence,
    leave,
    nothing_missed,
    noting,
    place,
    started,
)


def token(world: World) -> Step:
    """Take a token if there is one."""

    def run(m: Shared) -> bool:
        if m[F.DATA] > 0:
            m[F.DATA] -= 1
            return True
        nothing_missed(world, m)
        return False

    return one("try data", run)


def drained(position: int) -> Program:
    """Say whether nothing unread stands at the reader's position: two looks at two fields."""
    if (yield load(F.WRITE_POS)) != position:
        return False
    free = yield load(F.FREE)
    if free != 0:
        return True
    written = yield load(F.WRITTEN)
    return written == (yield load(F.READ))


def reader(world: World) -> Program:
    """Read for ever."""
    position = 0
    count = 0
    expected = 1
    streams = 0
    surplus = 0
    noted: Any = None
    while True:
        while not (yield token(world)):
            if (yield sleep(F.DATA)):
                break
        if streams and surplus < streams - 1 and (yield from drained(position)):
            surplus += 1
            continue
        tail = 0
        header = yield take(position, 0, 0)
        counted = 1
        if header == MARKER:
            tail = world.size - position
            counted = 2
            header = yield take(0, tail, position)
        sequence, cells = header[1], header[2]
        del header
        if sequence != expected:
            pid = yield load(F.WRITER_PID)
            connection = yield load(F.CONNECTION)
            if sequence != 1 or noted == (pid, connection[0]):
                yield one("sequence_error", fail_sequence)
            del pid, connection
        if sequence == 1:
            streams += 1
            pid = yield load(F.WRITER_PID)
            connection = yield load(F.CONNECTION)
            noted = (pid, connection[0])
            if pid == 0 or (connection[0] and count < connection[1]):
                noted = GONE
            del pid, connection
        expected = sequence + 1
        position = (position + tail + cells) % world.size
        count += counted
        yield store(F.READ, count)
        if tail:
            yield freeing(tail)
        yield freeing(cells)
        del tail, cells, sequence, counted
        yield post(F.SPACE)


def writer(world: World, who: int, frames: int) -> Program:
    """Connect, write frames of one cell, close."""
    yield started(world, who, early=False)
    while not (yield claim(world, who, 0)):
        yield AGAIN
    position = yield load(F.WRITE_POS)
    count = yield load(F.WRITTEN)
    yield store(F.CONNECTION, (who, count))  # the writer's lock: its time, and the count at which it began
    sequence = 1
    while sequence <= frames:
        while (yield load(F.FREE)) < 1:
            yield sleep(F.SPACE)
        at, _ = place(world.size, position, 1)
        yield put_data(who, sequence, at, 1)
        yield put_header((who, sequence, 1), at)
        position = (position + 1) % world.size
        count += 1
        yield store(F.WRITE_POS, position)
        yield add(F.FREE, -1)
        yield store(F.WRITTEN, count)
        yield noting(post(F.DATA), (Entry(who, sequence, at, 1, 1, must=True),))
        del at
        sequence += 1
    yield store(F.CONNECTION, (0, 0))
    yield leave(world, who)
    yield ended(who)
