"""Who owns a buffer: creation, takeover, closing, `clean`, and writers that connect meanwhile.

There is one name. A segment is made with it (`SEGMENT` says which one has the name now), the semaphores with theirs,
both as one object here. Each lock directory has one lock file, made when first asked for; a closing owner removes it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from functools import partial
from typing import Any, NamedTuple

from tests.model.machine import BLOCKED, Exploration, Process, Program, Shared, Step, ViolationError, explore
from tests.model.memory import ask, one
from tests.model.rules import AGAIN


class G(IntEnum):
    """Where a part of the system stands in the shared list."""

    SEGMENT = 0  # the number of the segment that has the name; -1: none
    SEMAPHORE = 1
    SEGMENTS = 2  # Segment, by number
    SEMAPHORES = 3  # how many were made
    LOCK_FILES = 4  # for each directory the number of its lock file; -1: none
    LOCKS = 5  # for each lock file that was made who holds it; 0: nobody
    SERVING = 6  # ghost: (who, segment, semaphore) of each living owner whose creation is done
    BUSY = 7  # ghost: bits: who is about to create or clean


class Segment(NamedTuple):
    """A segment: who made it, whether its reader_pid is stored, who holds the reader's lock, and that of removal."""

    maker: int
    formatted: bool = False
    lock: int = 0
    removal: int = 0
    semaphore: int = -1  # ghost: that of the owner


@dataclass(frozen=True)
class OwnershipRules:
    """The rules of the page; each field is one that can be broken."""

    lock_file_proves: bool = False  # the peer lives if the lock file is held
    removal_field: str = "removal"  # which lock the remover takes on what stands there; none if empty
    looks_at_life: bool = True  # of the reader of what stands there, after that
    looks_at_name: bool = True  # of what stands there, after that
    clears_always: bool = False  # names are removed even where no segment stands
    locks_new: bool = True  # the new segment is locked, and looked at, before anything is removed
    looks_at_removal: bool = True  # the maker, after its lock
    looks_at_own_name: bool = True  # the maker, after that
    removes_when_refused: bool = False  # the maker that gives up there
    writer_looks_last: bool = True  # at its reader, after it has opened the semaphores
    closing: tuple[str, ...] = ("reader_pid", "semaphores", "segment")


@dataclass(frozen=True)
class Ownership:
    """Who there is: each owner's lock directory, cleaners', and how many writers."""

    name: str
    owners: tuple[int, ...]
    cleaners: tuple[int, ...] = ()
    writers: int = 0
    rules: OwnershipRules = field(default_factory=OwnershipRules)


def change(m: Shared, number: int, **fields: Any) -> None:
    """Change a segment."""
    segments = list(m[G.SEGMENTS])
    segments[number] = segments[number]._replace(**fields)
    m[G.SEGMENTS] = tuple(segments)


def still_whole(m: Shared) -> None:
    """Nobody has taken anything from an owner that lives."""
    if len(m[G.SERVING]) > 1:
        raise ViolationError("two owners")
    for who, segment, semaphore in m[G.SERVING]:
        if (m[G.SEGMENT], m[G.SEMAPHORE]) != (segment, semaphore):
            raise ViolationError(f"destroyed: the objects of {who}, which lives")


def open_lock_file(directory: int) -> Step:
    """Open the lock file; make it if there is none."""

    def run(m: Shared) -> int:
        names = list(m[G.LOCK_FILES])
        if names[directory] < 0:
            names[directory] = len(m[G.LOCKS])
            m[G.LOCKS] = (*m[G.LOCKS], 0)
            m[G.LOCK_FILES] = tuple(names)
        number: int = names[directory]
        return number

    return one("open the lock file", run)


def flock(who: int, number: int) -> Step:
    """Try to lock a lock file."""

    def run(m: Shared) -> bool:
        if m[G.LOCKS][number]:
            return False
        m[G.LOCKS] = (*m[G.LOCKS][:number], who, *m[G.LOCKS][number + 1 :])
        return True

    return one(f"lock the lock file {number}", run)


def is_named(field: G, number: int, directory: int | None = None) -> Step:
    """Ask whether the name still leads to this object."""

    def run(m: Shared) -> bool:
        named = m[field] if directory is None else m[field][directory]
        return bool(named == number)

    return ask(f"does the name lead to {field.name.lower()} {number}", run)


def try_lock(who: int, number: int, field: str = "lock") -> Step:
    """Try the reader's lock on a segment, or that of removal."""

    def run(m: Shared) -> bool:
        if getattr(m[G.SEGMENTS][number], field) not in (0, who):
            return False
        change(m, number, **{field: who})
        return True

    return one(f"try the {field} on {number}", run)


def is_free(who: int, number: int, field: str = "lock") -> Step:
    """Look at a lock: does nobody else hold it."""
    return ask(f"is the {field} on {number} free", lambda m: getattr(m[G.SEGMENTS][number], field) in (0, who))


def unlink(field: G) -> Step:
    """Remove a name."""

    def run(m: Shared) -> None:
        m[field] = -1
        still_whole(m)

    return one(f"remove the {field.name.lower()}", run)


def let_go(who: int) -> Step:
    """Close every descriptor."""
    return one("closes all", lambda m: drop(m, who))


def drop(m: Shared, who: int) -> None:
    """Give back the locks, as the kernel does with the last descriptor."""
    for number in range(len(m[G.SEGMENTS])):
        forget(m, who, number)
    m[G.LOCKS] = tuple(0 if holder == who else holder for holder in m[G.LOCKS])
    m[G.BUSY] &= ~(1 << who)
    m[G.SERVING] = tuple(serving for serving in m[G.SERVING] if serving[0] != who)


def busy(who: int) -> Step:
    """Begin to create or to clean."""

    def run(m: Shared) -> None:
        m[G.BUSY] |= 1 << who

    return one("begins", run)


def forget(m: Shared, who: int, number: int) -> None:
    """Give back the locks on one segment."""
    found = m[G.SEGMENTS][number]
    for held in ("lock", "removal"):
        if getattr(found, held) == who:
            change(m, number, **{held: 0})


def take(world: Ownership, who: int, directory: int) -> Program:
    """Take the lock file and remove what a dead owner left; the result says whether the name is free."""
    rules = world.rules
    while True:
        number = yield open_lock_file(directory)
        if not (yield flock(who, number)):
            return False
        if (yield is_named(G.LOCK_FILES, number, directory)):
            break
        yield let_go(who)
        yield busy(who)
    del number
    while True:
        standing = yield ask("open the segment", lambda m: m[G.SEGMENT])
        if standing < 0:
            if rules.clears_always:
                yield unlink(G.SEMAPHORE)
                yield unlink(G.SEGMENT)
            return True
        if rules.removal_field and not (yield try_lock(who, standing, rules.removal_field)):
            return False
        if rules.looks_at_life and not (yield is_free(who, standing)):
            return False
        named = not rules.looks_at_name or (yield is_named(G.SEGMENT, standing))
        if named:
            yield unlink(G.SEMAPHORE)
            yield unlink(G.SEGMENT)
        yield one(f"close {standing}", partial(forget, who=who, number=standing))
        if named:
            return True
        del standing, named


def make_segment(who: int) -> Step:
    """Make the segment, unless there is one; return its number or -1."""

    def run(m: Shared) -> int:
        if m[G.SEGMENT] >= 0:
            return -1
        m[G.SEGMENT] = len(m[G.SEGMENTS])
        m[G.SEGMENTS] = (*m[G.SEGMENTS], Segment(who))
        number: int = m[G.SEGMENT]
        return number

    return one("make the segment", run)


def make_semaphores() -> Step:
    """Make the semaphores, whoever had made some."""

    def run(m: Shared) -> int:
        m[G.SEMAPHORE] = m[G.SEMAPHORES]
        m[G.SEMAPHORES] += 1
        still_whole(m)
        number: int = m[G.SEMAPHORE]
        return number

    return one("make the semaphores", run)


def serve(who: int, segment: int, semaphore: int) -> Step:
    """Store reader_pid: the buffer is there."""

    def run(m: Shared) -> None:
        change(m, segment, formatted=True, semaphore=semaphore)
        m[G.BUSY] &= ~(1 << who)
        m[G.SERVING] = (*m[G.SERVING], (who, segment, semaphore))
        still_whole(m)

    return one("store reader_pid", run)


def retire(who: int, segment: int) -> Step:
    """Store reader_pid = 0."""

    def run(m: Shared) -> None:
        change(m, segment, formatted=False)
        m[G.SERVING] = tuple(serving for serving in m[G.SERVING] if serving[0] != who)

    return one("reader_pid = 0", run)


def owner(world: Ownership, who: int, directory: int) -> Program:
    """Create, serve, close."""
    rules = world.rules
    yield busy(who)
    if not (yield from take(world, who, directory)):
        yield let_go(who)
        return
    segment = yield make_segment(who)
    if segment < 0 or (rules.locks_new and not (yield from lock_new(rules, who, segment))):
        if segment >= 0 and rules.removes_when_refused and (yield is_named(G.SEGMENT, segment)):
            yield unlink(G.SEMAPHORE)
            yield unlink(G.SEGMENT)
        yield let_go(who)
        return
    yield unlink(G.SEMAPHORE)
    semaphore = yield make_semaphores()
    if not rules.locks_new:
        yield try_lock(who, segment)
    yield serve(who, segment, semaphore)
    del semaphore
    at = 0
    while at < len(rules.closing):
        if rules.closing[at] == "reader_pid":
            yield retire(who, segment)
        elif rules.closing[at] == "semaphores":
            yield unlink(G.SEMAPHORE)
        else:
            yield unlink(G.SEGMENT)
        at += 1
    yield one("remove the lock file", partial(forget_lock_file, directory))
    yield let_go(who)


def lock_new(rules: OwnershipRules, who: int, segment: int) -> Program:
    """Take the reader's lock on the new segment; the result says whether nobody has removed it, or is about to."""
    if not (yield try_lock(who, segment)):
        return False
    if rules.looks_at_removal and not (yield is_free(who, segment, "removal")):
        return False
    return not rules.looks_at_own_name or (yield is_named(G.SEGMENT, segment))


def forget_lock_file(directory: int, m: Shared) -> None:
    """Remove the lock file."""
    names = list(m[G.LOCK_FILES])
    names[directory] = -1
    m[G.LOCK_FILES] = tuple(names)


def cleaner(world: Ownership, who: int, directory: int) -> Program:
    """Remove what a dead owner left."""
    yield busy(who)
    yield from take(world, who, directory)
    yield let_go(who)


def living(world: Ownership, segment: int) -> Step:
    """Ask whether the reader of a segment lives: what is written to a dead one is lost."""

    def run(m: Shared) -> bool:
        found = m[G.SEGMENTS][segment]
        if not found.formatted:
            return False
        alive = bool(found.lock != 0)
        if world.rules.lock_file_proves:
            number = m[G.LOCK_FILES][0]
            alive = bool(number >= 0 and m[G.LOCKS][number] != 0)
        served = any(serving[1] == segment for serving in m[G.SERVING])
        if alive and not served:
            raise ViolationError(f"a corpse lives: the owner of {segment} is gone")
        if not alive and served:
            raise ViolationError(f"false death: the owner of {segment} lives")
        return alive

    return ask(f"does the reader of {segment} live", run)


def post_data(segment: int, semaphore: int) -> Step:
    """Write a frame, and post it to the semaphore that was opened by name."""

    def run(m: Shared) -> None:
        if m[G.SEGMENTS][segment].semaphore != semaphore:
            raise ViolationError("astray: the semaphores are not those of the segment")

    return ask("write, and post", run)


def is_formatted(number: int, m: Shared) -> bool:
    """Ask whether a reader has stored its pid."""
    segment: Segment = m[G.SEGMENTS][number]
    return segment.formatted


def writer(world: Ownership) -> Program:
    """Connect, write, and look at the reader again and again until it is gone."""
    last = world.rules.writer_looks_last
    while True:
        segment = yield ask("open the segment", lambda m: m[G.SEGMENT])
        if segment >= 0 and (yield ask("is it formatted", partial(is_formatted, segment))):
            connected = last or (yield living(world, segment))
            semaphore = yield ask("open the semaphores", lambda m: m[G.SEMAPHORE])
            if last:
                connected = semaphore >= 0 and (yield living(world, segment))
            while connected:
                yield post_data(segment, semaphore)
                if not (yield living(world, segment)):
                    return
                yield AGAIN
            del semaphore, connected
        del segment
        yield AGAIN


def killed(who: int) -> Any:
    """Return what the kernel does when a process is killed."""

    def die(m: Shared) -> Any:
        if not m[G.BUSY] >> who & 1 and all(serving[0] != who for serving in m[G.SERVING]):
            return BLOCKED
        drop(m, who)
        return None

    return die


def show(m: Shared) -> str:
    """Show a state in one line."""
    segments = " ".join(
        f"{n}:by {s.maker}{' ready' if s.formatted else ''}{f' locked by {s.lock}' if s.lock else ''}"
        f"{f' removed by {s.removal}' if s.removal else ''}"
        for n, s in enumerate(m[G.SEGMENTS])
    )
    serving = " ".join(f"{serving[0]}" for serving in m[G.SERVING]) or "nobody"
    return (
        f"names: segment {m[G.SEGMENT]} semaphores {m[G.SEMAPHORE]} lock files {m[G.LOCK_FILES]}"
        f" held by {m[G.LOCKS]} [{segments}] serving: {serving}"
    )


def run(world: Ownership) -> Exploration:
    """Explore."""
    processes = []
    who = 0
    for directory in world.owners:
        who += 1
        processes.append(Process(f"owner {who}", partial(owner, world, who, directory), killed(who)))
    for directory in world.cleaners:
        who += 1
        processes.append(Process(f"clean {who}", partial(cleaner, world, who, directory)))
    for _ in range(world.writers):
        who += 1
        processes.append(Process(f"writer {who}", partial(writer, world)))
    directories = 1 + max((*world.owners, *world.cleaners))
    return explore([-1, -1, (), 0, (-1,) * directories, (), (), 0], processes, show)
