"""Our writer, as docs/protocol.md says."""

from __future__ import annotations

from functools import partial
from typing import Any

from tests.model.foreign import plain_batch
from tests.model.machine import Program, Shared, Step, ViolationError
from tests.model.memory import (
    MARKER,
    Entry,
    F,
    add,
    ask,
    load,
    lock,
    post,
    put_data,
    put_header,
    sleep,
    store,
    swap,
    unlock,
)
from tests.model.rules import AGAIN, World, adopted, alive, claim, ended, leave, noting, place, short, started


def refused(world: World, who: int, owner: int) -> Step:
    """Ask whether the owner lives: a writer must not be refused for nobody."""
    asked = alive(world, owner)

    def run(m: Shared) -> Any:
        living = asked.outcomes[0](m)
        nobody = not m[F.CLAIM] or m[F.DEAD] >> m[F.CLAIM] & 1
        if living and nobody and m[F.WRITER_PID] == owner:
            raise ViolationError("refused: nobody writes")
        return living

    return ask(asked.name, run)


def judge(world: World, who: int) -> Program:
    """Return the owner, and whether it is ours; with the lock in our hands. A living one: nothing."""
    owner = yield load(F.WRITER_PID)
    if owner == 0:
        return 0, True
    connection = yield load(F.CONNECTION)
    if connection[1] == owner:
        return owner, True
    del connection
    if owner == world.reader_pid:
        return None
    if owner != world.pids[who] and (yield refused(world, who, owner)):
        return None
    return owner, False


def connect(world: World, who: int) -> Program:
    """Become the writer; the result is `committed`, nothing for a plain writer, and the number of the connection."""
    judged = number = None
    while True:
        if (yield lock(who)):
            judged = yield from judge(world, who)
            if judged is not None and (judged[0] == 0 or (yield from inherit(world, *judged))):
                judged = None
                found, committed = yield from find(world)
                if not found and world.rules.goes_plain:
                    found, committed = True, None
                if found and (number := (yield from take_place(world, who, committed))) is not None:
                    return committed, number
                del found, committed
            judged = None
            yield unlock(who)
        yield AGAIN


def take_place(world: World, who: int, committed: int | None) -> Program:
    """Announce and claim; the result is the number of the connection, or nothing if somebody was faster."""
    rules = world.rules
    old = (yield load(F.CONNECTION))[0]
    number = old + 1
    if committed is not None:
        yield store(F.COMMITTED, committed)
        yield store(F.STREAM_START, committed)
        if not rules.claims_first:
            yield store(F.CONNECTION, (number, world.pids[who]))
    elif rules.plain_clears and (yield load(F.RELEASED)):
        yield store(F.CONNECTION, (number if rules.plain_numbers else old, 0))
    if not (yield claim(world, who, 0, committed)):
        yield store(F.CONNECTION, (old, 0))
        return None
    del old
    if committed is not None and rules.claims_first:
        yield store(F.CONNECTION, (number, world.pids[who]))
    if committed is None or not rules.finds_again:
        return number
    if (yield from find(world)) == (True, committed):
        yield ask("stays", partial(adopted, committed))
        return number
    yield leave(world, who)
    yield store(F.CONNECTION, (number, 0))
    return None


def snapshot() -> Program:
    """Return `released`, the write position and the free bytes of one moment; nothing while a release is under way."""
    first = yield load(F.RELEASED)
    if first & 1:
        return None
    position = yield load(F.WRITE_POS)
    free = yield load(F.FREE)
    if (yield load(F.RELEASED)) != first:
        return None
    return first // 2, position, free


def inherit(world: World, owner: int, ours: bool) -> Program:
    """Set right what a dead owner left, and clear its claim; the result says whether it could be."""
    size = world.size
    if (yield load(F.RELEASED)):
        seen = yield from snapshot()
        if seen is None:
            return False
        released, position, free = seen
        del seen
        if ours:
            ahead = (yield load(F.COMMITTED)) - released
        else:
            ahead = (position - released) % size
            if ahead == 0 and free == 0:
                ahead = size
            elif ahead == 0 and free < size and world.rules.refuses_doubt:
                return False
        if world.rules.inherits_early:
            yield store(F.COMMITTED, released + ahead)
        wrong = size - ahead - free
        position = (released + ahead) % size
        del released, ahead, free
        yield store(F.WRITE_POS, position)
        del position
        if wrong:
            yield add(F.FREE, wrong)
        del wrong
    return (yield swap(F.WRITER_PID, owner, 0))


def find(world: World) -> Program:
    """Find `committed` where nobody writes: whether it could be, and nothing for plain."""
    if (yield load(F.RELEASED)) == 0:
        return True, None
    seen = yield from snapshot()
    if seen is None:
        return False, None
    released, position, free = seen
    committed = released + world.size - free
    if committed % world.size != position % world.size:
        return True, None
    return True, committed


def room(world: World, committed: int, need: int) -> Step:
    """Load `released`: is there room."""

    def run(m: Shared) -> bool:
        if need <= world.size - (committed - m[F.RELEASED] // 2):
            return True
        short(world, m, need)
        return False

    return ask(f"load released: {need} free", run)


def our_writer(world: World, who: int, batches: tuple[tuple[int, ...], ...], *, early: bool = False) -> Program:
    """Connect, write, close."""
    size = world.size
    yield started(world, who, early=early)
    committed, number = yield from connect(world, who)
    plain = committed is None
    sequence = 1
    batch = 0
    while batch < len(batches):
        frames = batches[batch]
        if plain:
            yield from plain_batch(world, who, frames, sequence, ours=world.rules.plain_takes_first)
        else:
            places, total = plan(size, committed, frames)
            while True:
                if (yield room(world, committed, total)):
                    break
                yield sleep(F.SPACE)
            yield from commit(world, who, places, sequence, committed=committed, total=total)
            committed += total
            del places, total
        sequence += len(frames)
        batch += 1
    del sequence, batch
    yield from close(world, who, number, plain=plain)


def plan(size: int, committed: int, frames: tuple[int, ...]) -> tuple[tuple[tuple[int, int, int, int], ...], int]:
    """Return (cell, cells, tail, position before) of each frame, and all their bytes."""
    places = []
    total = 0
    for cells in frames:
        position = (committed + total) % size
        at, tail = place(size, position, cells)
        places.append((at, cells, tail, position))
        total += cells + tail
    return tuple(places), total


def entries(who: int, sequence: int, places: Any, *, must: bool) -> tuple[Entry, ...]:
    """Return the entries of a batch."""
    return tuple(Entry(who, sequence + i, p[0], p[1], p[1] + p[2], must) for i, p in enumerate(places))


def commit(world: World, who: int, places: Any, sequence: int, *, committed: int, total: int) -> Program:
    """Commit a batch, step by step."""
    size = world.size
    steps = world.rules.commit
    at = 0
    while at < len(steps):
        step = steps[at]
        if step == "data":
            frame = 0
            while frame < len(places):
                yield put_data(who, sequence + frame, places[frame][0], places[frame][1])
                frame += 1
            del frame
        elif step == "header":
            frame = 0
            while frame < len(places):
                yield put_header((who, sequence + frame, places[frame][1]), places[frame][0])
                if places[frame][2]:
                    yield put_header(MARKER, places[frame][3])
                frame += 1
            del frame
        elif step == "free":
            yield noting(add(F.FREE, -total), (), who)
        elif step == "position":
            maybe = () if world.strict else entries(who, sequence, places, must=False)
            yield noting(store(F.WRITE_POS, (committed + total) % size), maybe)
            del maybe
        elif step == "commit":
            yield noting(store(F.COMMITTED, committed + total), entries(who, sequence, places, must=True))
        elif step == "post":
            frame = 0
            while frame < len(places):
                yield noting(post(F.DATA), (), 0 if frame == len(places) - 1 else None)
                frame += 1
            del frame
        at += 1


def close(world: World, who: int, number: int, *, plain: bool) -> Program:
    """Leave in order."""
    at = 0
    steps = world.rules.closing
    while at < len(steps):
        if steps[at] == "connection" and not plain:
            yield store(F.CONNECTION, (number, 0))
        elif steps[at] == "pid":
            yield leave(world, who)
        elif steps[at] == "unlock":
            yield unlock(who)
        at += 1
    yield ended(who)
