"""The rules of docs/protocol.md by name, who there is, and the steps that more than one of them takes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.model.machine import BLOCKED, Shared, Step, ViolationError
from tests.model.memory import Entry, F, ask, musts, note, one, used

GONE = ("gone",)


@dataclass(frozen=True)
class Rules:
    """The rules of the page; each field is one that can be broken."""

    commit: tuple[str, ...] = ("data", "header", "free", "position", "commit", "post")
    closing: tuple[str, ...] = ("pid", "connection", "unlock")
    looks_at_committed: bool = True
    keeps_balance: bool = True
    pays_before_look: bool = True  # takes the tokens that it owes, before the look that finds no frame
    forgives: bool = True  # the balance is 0 when there is no frame and no living writer
    releases_early: bool = False  # before the frame is read
    says_under_way: bool = True  # bit 63 of `released`
    number_first: bool = True  # `connection` is loaded before writer_pid
    loads_pid_again: bool = True  # after the look at the writer's lock
    loads_connection_again: bool = True
    settles_with_lock: bool = True
    settles_once: bool = False  # for each death, whether or not the lock could be had
    refuses_doubt: bool = True  # a ring that is either full or empty after a foreign death: try again
    goes_plain: bool = False  # when `released` does not stand still
    inherits_early: bool = False  # `committed`, while the dead owner stands in writer_pid
    claims_first: bool = False  # before `connection` is stored
    plain_numbers: bool = True  # a plain writer takes a number, too
    plain_clears: bool = True  # and leaves no pid in `connection`
    finds_again: bool = True  # `committed`, after the claim
    plain_takes_first: bool = True  # a plain writer takes the free bytes before it moves
    notes_the_idle: bool = True  # a foreign writer is noted if it was seen while there was no frame
    notes_before_look: bool = True  # it is seen before the look that finds none


@dataclass(frozen=True)
class World:
    """Who there is. A batch is a tuple of frames; a frame is its cells."""

    size: int = 2
    hold: int = 0
    rules: Rules = field(default_factory=Rules)
    reader_pid: int = 9
    pids: tuple[int, ...] = (0, 1, 2, 3)
    strangers: bool = False  # a process that we do not know has each of these pids here
    strict: bool = True  # everybody is ours: the first column of the table


def alive(world: World, pid: int) -> Step:
    """Ask whether a pid lives."""

    def run(m: Shared) -> bool:
        living = world.strangers or pid == world.reader_pid
        for who, its in enumerate(world.pids):
            living = living or (who > 0 and its == pid and not m[F.OVER] >> who & 1)
        return living

    return ask(f"does {pid} live", run)


def nothing_missed(world: World, m: Shared) -> None:
    """A look that found nothing: no frame was there that it should have found."""
    spared = 0 if world.strict else m[F.MISSING]
    if musts(m) > spared:
        raise ViolationError(f"lost: {musts(m)} frames are there and the reader sees none")


def short(world: World, m: Shared, need: int) -> None:
    """A look that found too little room: there was too little."""
    spared = 0 if world.strict else m[F.NARROW]
    if need <= world.size - used(m) - spared:
        raise ViolationError(f"space lost: {world.size - used(m)} are free, {need} are not seen")


def place(size: int, position: int, cells: int) -> tuple[int, int]:
    """Return where a frame goes, and the tail that is given up."""
    tail = size - position
    return (position, 0) if cells <= tail else (0, tail)


def fail_sequence(m: Shared) -> None:
    """Say that the reader raises an error that it should not."""
    raise ViolationError("false sequence_error")


def claim(world: World, who: int, owner: int, committed: int | None = None) -> Step:
    """Take the place of `owner`; a writer that is not plain says what it found."""

    def run(m: Shared) -> bool:
        if m[F.WRITER_PID] != owner:
            return False
        if m[F.CLAIM] and not m[F.DEAD] >> m[F.CLAIM] & 1:
            raise ViolationError(f"two writers: {m[F.CLAIM]} lives")
        m[F.WRITER_PID] = world.pids[who]
        m[F.CLAIM] = who
        if committed is not None and adopt(m, committed):
            m[F.NARROW] = 0
        elif committed is not None and not world.rules.finds_again:
            adopted(committed, m)
        return True

    return one(f"swap writer_pid {owner} -> {world.pids[who]}", run)


def adopt(m: Shared, committed: int) -> bool:
    """Say whether a new writer of ours found the frames that must be read, and perhaps those that may be, too."""
    size = committed - m[F.RELEASED] // 2
    everything = tuple(entry._replace(must=True) for entry in m[F.PENDING])
    certain = tuple(entry for entry in m[F.PENDING] if entry.must)
    held = sum(lease[2] for lease in m[F.HELD])
    for pending in (everything, certain):
        if held + sum(entry.bytes for entry in pending) == size:
            m[F.PENDING] = pending
            return True
    return False


def adopted(committed: int, m: Shared) -> None:
    """Refuse a wrong `committed`."""
    size = committed - m[F.RELEASED] // 2
    if size != used(m):
        raise ViolationError(f"committed is wrong: {size} cells are in use, not {used(m)}")


def leave(world: World, who: int) -> Step:
    """Say that nobody writes any more."""

    def run(m: Shared) -> None:
        if m[F.WRITER_PID] == world.pids[who]:
            m[F.WRITER_PID] = 0
            if m[F.CLAIM] not in (0, who):
                raise ViolationError(f"two writers: the claim of {m[F.CLAIM]} is taken away")
        if m[F.CLAIM] == who:
            m[F.CLAIM] = 0

    return one("swap writer_pid -> 0", run)


AGAIN = Step("again, later", (lambda _m: None,), passive=True, pure=True)


def started(world: World, who: int, *, early: bool) -> Step:
    """Begin: at any time, or when all writers before are gone."""

    def run(m: Shared) -> Any:
        before = (1 << who) - 2
        return None if early or m[F.OVER] & before == before else BLOCKED

    return one("starts", run)


def ended(who: int) -> Step:
    """Note that a writer has ended in order."""

    def run(m: Shared) -> None:
        m[F.OVER] |= 1 << who

    return one("ends", run)


def noting(step: Step, noted: tuple[Entry, ...], inside: int | None = None) -> Step:
    """Let a step note entries, and who is inside a commit."""

    def run(m: Shared) -> Any:
        result = step.outcomes[0](m)
        for entry in noted:
            note(m, entry)
        if inside is not None:
            m[F.INSIDE] = inside
        return result

    return one(step.name, run)
