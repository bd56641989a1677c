"""Our reader, as docs/protocol.md says."""

from __future__ import annotations

from functools import partial
from typing import Any

from tests.model.machine import Program, Shared, Step, ViolationError
from tests.model.memory import (
    MARKER,
    F,
    add,
    ask,
    load,
    lock,
    musts,
    one,
    post,
    sleep,
    store,
    swap,
    take,
    try_take,
    unlock,
)
from tests.model.rules import GONE, World, alive, fail_sequence, nothing_missed

READER = -1
"""Who holds the writer's lock while the reader settles."""


def look(world: World, balance: int, read: int) -> Program:
    """Say whether there is a frame."""

    def tokens(m: Shared) -> Any:
        return m[F.DATA], musts(m)

    value, there = yield ask("value of data", tokens)
    if value + balance > 0:
        return True
    if not world.rules.looks_at_committed:
        if there:
            yield ask("sees none", lambda m: nothing_missed(world, m))
        return False

    def find(m: Shared) -> bool:
        if 1 <= m[F.COMMITTED] - read <= world.size:
            return True
        if there:
            nothing_missed(world, m)
        return False

    return (yield ask("load committed", find))


def life(world: World) -> Program:
    """Return the writer as (pid, number of the connection), and whether it is dead."""
    while True:
        connection = yield load(F.CONNECTION)
        pid = yield load(F.WRITER_PID)
        if pid == 0:
            return (0, 0), False
        if not world.rules.number_first:
            connection = yield load(F.CONNECTION)
        held = yield load(F.LOCK)
        if held or (connection[1] != pid and (yield alive(world, pid))):
            return (pid, connection[0]), False
        del held
        if world.rules.loads_pid_again and (yield load(F.WRITER_PID)) != pid:
            continue
        if not world.rules.loads_connection_again or (yield load(F.CONNECTION)) == connection:
            yield ask("dead", partial(is_dead, world, pid, connection))
            return (pid, connection[0]), True


def is_dead(world: World, pid: int, connection: Any, m: Shared) -> None:
    """Refuse a false verdict: the connection that was looked at is still there, or was closed in order."""
    there = m[F.CLAIM] and world.pids[m[F.CLAIM]] == pid and m[F.CONNECTION] == connection
    if there and not m[F.DEAD] >> m[F.CLAIM] & 1:
        raise ViolationError(f"false death: {pid} lives")
    killed = any(its == pid and m[F.DEAD] >> who & 1 for who, its in enumerate(world.pids))
    if not killed:
        raise ViolationError(f"false death: {pid} was never killed")


def settle(world: World, dead: int, balance: int, read: int, held: int) -> Program:
    """Set everything straight, if there still is no frame; the result says whether it is done."""
    if not (yield swap(F.WRITER_PID, dead, world.reader_pid)):
        return True
    mine = not world.rules.settles_with_lock or (yield lock(READER))
    if mine:
        if not (yield from look(world, balance, read)):
            yield settling(world, read)
            yield store(F.WRITE_POS, read % world.size)
            yield store(F.FREE, world.size - held)
            while (yield try_take(F.DATA)):
                pass
        yield unlock(READER)
    yield swap(F.WRITER_PID, world.reader_pid, dead)
    return mine or world.rules.settles_once


def settling(world: World, read: int) -> Step:
    """Store `committed`; whatever was hurt is healed when this is done."""

    def run(m: Shared) -> None:
        m[F.COMMITTED] = read
        nothing_missed(world, m)
        m[F.PENDING] = ()
        m[F.MISSING] = m[F.NARROW] = 0

    return one(f"store committed = {read}", run)


def pay(balance: int) -> Program:
    """Take the tokens that are owed, as far as they are there; the result is the balance."""
    while balance < 0:
        if not (yield try_take(F.DATA)):
            break
        balance += 1
    return balance


def forgive(balance: int, m: Shared) -> None:
    """Note that the tokens that are missing hold nothing back any more."""
    m[F.MISSING] = max(0, m[F.MISSING] + balance)


def begin_stream(world: World, read: int, following: int, idle: tuple[int, int]) -> Program:
    """Return what the reader notes with the first frame of a stream."""
    pid = yield load(F.WRITER_PID)
    if pid == 0:
        return GONE
    connection = yield load(F.CONNECTION)
    if connection[1] == pid:
        start = yield load(F.STREAM_START)
        return GONE if read < start else (pid, connection[0])
    if world.rules.notes_the_idle:
        return idle if idle == (pid, connection[0]) else GONE
    end = yield load(F.WRITE_POS)
    while following != end:
        header = yield ask(f"header at {following}", partial(header_at, following))
        if header is None:
            break
        if header[1] == 1:
            return GONE
        following = 0 if header == MARKER else (following + header[2]) % world.size
    return (pid, connection[0])


def header_at(at: int, m: Shared) -> Any:
    """Return a header, whatever stands there."""
    return m[F.CELLS][at][0]


def release(world: World, amount: int, *, frame: bool) -> Program:
    """Give the oldest cells back."""

    def under_way(m: Shared) -> None:
        if world.rules.says_under_way:
            m[F.RELEASED] |= 1
        if m[F.HELD]:  # nobody looks at these cells any more
            m[F.HELD] = ((m[F.HELD][0][0], 0, m[F.HELD][0][2]), *m[F.HELD][1:])

    def done(m: Shared) -> None:
        m[F.RELEASED] = (m[F.RELEASED] // 2 + amount) * 2
        m[F.HELD] = m[F.HELD][1:]

    yield one("released: under way", under_way)
    yield add(F.FREE, amount)
    yield one(f"released += {amount}", done)
    if frame:
        yield post(F.SPACE)


def our_reader(world: World) -> Program:
    """Read for ever."""
    size = world.size
    read = size
    balance = 0
    expected = 1
    noted: Any = GONE
    leases: tuple[tuple[int, bool], ...] = ()
    settled: Any = None
    idle = (0, 0)
    while True:
        found = yield from look(world, balance, read)
        while not found:
            seen, dead = yield from life(world)
            if world.rules.pays_before_look:
                balance = yield from pay(balance)
            found = yield from look(world, balance, read)
            if found:
                del seen, dead
                break
            idle = seen
            if not world.rules.notes_before_look:
                pid = yield load(F.WRITER_PID)
                connection = yield load(F.CONNECTION)
                idle = (pid, connection[0])
                del pid, connection
            if dead or seen[0] == 0:
                noted = GONE
                if balance:
                    yield one("balance = 0", partial(forgive, balance))
                    if world.rules.forgives:
                        balance = 0
            if seen[0] == 0:
                settled = None
            elif dead and settled != seen:
                held = sum(lease[0] for lease in leases)
                if (yield from settle(world, seen[0], balance, read, held)):
                    settled = seen
                del held
            del seen, dead
            if (yield sleep(F.DATA)):
                balance += 1
            found = yield from look(world, balance, read)
        del found
        if world.rules.releases_early:
            yield from release(world, 1, frame=True)
        tail = 0
        header = yield take(read % size, 0, 0)
        if header == MARKER:
            tail = size - read % size
            header = yield take(0, tail, read % size)
        sequence, cells = header[1], header[2]
        del header
        if sequence != expected:
            pid = yield load(F.WRITER_PID)
            connection = yield load(F.CONNECTION)
            if sequence != 1 or noted == (pid, connection[0]):
                yield ask("sequence_error", fail_sequence)
            del pid, connection
        if sequence == 1:
            noted = yield from begin_stream(world, read, (read + tail + cells) % size, idle)
        expected = sequence + 1
        read += tail + cells
        leases = (*leases, *(((tail, False),) if tail else ()), (cells, True))
        balance -= 1
        del sequence, cells, tail
        if not world.rules.keeps_balance:
            yield try_take(F.DATA)
            balance = 0
        balance = yield from pay(balance)
        if world.rules.releases_early:
            leases = ()
        while leases and (not leases[0][1] or sum(lease[1] for lease in leases) > world.hold):
            amount, frame = leases[0]
            leases = leases[1:]
            yield from release(world, amount, frame=frame)
            del amount, frame
