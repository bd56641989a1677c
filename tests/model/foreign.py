"""Those who know the protocol alone."""

from __future__ import annotations

from tests.model.machine import Program, Shared, Step
from tests.model.memory import MARKER, Entry, F, add, ask, load, one, post, put_data, put_header, sleep, store, take
from tests.model.rules import AGAIN, World, alive, claim, ended, leave, noting, place, short, started


def plain_batch(world: World, who: int, frames: tuple[int, ...], sequence: int, *, ours: bool) -> Program:
    """Write as the protocol says: ours, plain, takes the bytes before it moves; foreign writers move first."""
    frame = 0
    while frame < len(frames):
        cells = frames[frame]
        while True:
            position = (yield load(F.WRITE_POS)) % world.size
            at, tail = place(world.size, position, cells)

            def free(m: Shared, need: int = cells + tail) -> bool:
                if m[F.FREE] >= need:
                    return True
                short(world, m, need)
                return False

            enough = yield ask("load free", free)
            del free
            if enough:
                break
            yield sleep(F.SPACE)
        del enough
        yield put_data(who, sequence, at, cells)
        yield put_header((who, sequence, cells), at)
        if tail:
            yield put_header(MARKER, position)
        entry = Entry(who, sequence, at, cells, cells + tail, must=False)
        if ours:
            yield noting(add(F.FREE, -cells - tail), (), who)
        yield noting(store(F.WRITE_POS, (at + cells) % world.size), (entry,), who)
        if not ours:
            yield add(F.FREE, -cells - tail)
        yield noting(post(F.DATA), (entry._replace(must=True),), 0)
        del entry, at, tail, position, cells
        sequence += 1
        frame += 1


def foreign_writer(world: World, who: int, frames: tuple[int, ...], *, early: bool = False) -> Program:
    """Connect, write, close."""
    yield started(world, who, early=early)
    while True:
        owner = yield load(F.WRITER_PID)
        if (owner == 0 or not (yield alive(world, owner))) and (yield claim(world, who, owner)):
            break
        yield AGAIN
    del owner
    yield from plain_batch(world, who, frames, 1, ours=False)
    yield leave(world, who)
    yield ended(who)


def foreign_reader(world: World) -> Program:
    """Read by tokens, in any sequence."""
    position = 0
    while True:
        while not (yield sleep(F.DATA)):
            pass
        tail = 0
        header = yield take(position, 0, 0)
        if header == MARKER:
            tail = world.size - position
            header = yield take(0, tail, position)
        cells = header[2]
        position = (position + tail + cells) % world.size
        del header
        if tail:
            yield freeing(tail)
        del tail
        yield freeing(cells)
        del cells
        yield post(F.SPACE)


def freeing(amount: int) -> Step:
    """Give the oldest cells back, as the protocol says."""

    def run(m: Shared) -> None:
        m[F.FREE] += amount
        m[F.HELD] = m[F.HELD][1:]

    return one(f"free += {amount}", run)
