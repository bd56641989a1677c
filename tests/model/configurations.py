"""The configurations: who reads, who writes what, who may be killed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from tests.model import before, foreign, ownership, reader
from tests.model.machine import BLOCKED, Exploration, Process, Program, Shared, ViolationError, explore
from tests.model.memory import F, fresh, musts, show
from tests.model.ownership import Ownership, OwnershipRules
from tests.model.rules import Rules, World
from tests.model.writer import our_writer


@dataclass(frozen=True)
class Writer:
    """One writer: `kind` is ours, foreign, or before; a batch is a tuple of frames, a frame its cells."""

    batches: tuple[tuple[int, ...], ...] = ((1,),)
    kind: str = "ours"
    dies: bool = True
    early: bool = False

    def program(self, world: World, who: int) -> Program:
        """Start."""
        if self.kind == "before":
            return before.writer(world, who, len(self.batches))
        if self.kind == "foreign":
            frames = tuple(frame for batch in self.batches for frame in batch)
            return foreign.foreign_writer(world, who, frames, early=self.early)
        return our_writer(world, who, self.batches, early=self.early)


OURS_ALONE = World()

READERS: dict[str, Callable[[World], Program]] = {
    "ours": reader.our_reader,
    "foreign": foreign.foreign_reader,
    "before": before.reader,
}


@dataclass(frozen=True)
class Stream:
    """A reader, and writers that come one after the other, each when all before are gone, or `early`."""

    name: str
    writers: tuple[Writer, ...]
    world: World = OURS_ALONE
    reader: str = "ours"
    nightly: bool = False

    def under(self, rules: Any) -> Stream:
        """Return the same under other rules."""
        return replace(self, world=replace(self.world, rules=rules))

    def explore(self) -> Exploration:
        """Visit every state."""
        processes = [Process("reader", partial(READERS[self.reader], self.world))]
        for who, writer in enumerate(self.writers, 1):
            die = _death(who) if writer.dies else None
            processes.append(Process(f"{writer.kind} {who}", partial(writer.program, self.world, who), die))
        return explore(fresh(self.world.size, ours=self.reader != "foreign"), processes, show, self._watch)

    def _watch(self, m: Shared, locals_: tuple[int, ...], processes: list[Process]) -> str:
        """Notice that nobody can move but by a slice, while the reader sleeps although there is a frame."""
        if not musts(m) or m[F.DATA]:
            return ""
        for who, local in enumerate(locals_):
            if local >= 0 and not processes[who].steps[local].passive:
                return ""
        if self.reader == "foreign" and musts(m) > m[F.MISSING]:
            raise ViolationError(f"lost: {musts(m)} frames are there and the foreign reader sleeps")
        return "slices alone woke, after a death" if m[F.DEAD] else "slices alone woke, nobody was killed"


def _death(who: int) -> Callable[[Shared], Any]:
    """Return what the kernel does when a process is killed."""

    def die(m: Shared) -> Any:
        if who not in (m[F.LOCK], m[F.CLAIM]):
            return BLOCKED
        m[F.DEAD] |= 1 << who
        m[F.OVER] |= 1 << who
        for field in (F.LOCK, F.CLAIM):
            if m[field] == who:
                m[field] = 0
        if m[F.INSIDE] == who:
            m[F.INSIDE] = 0
            m[F.MISSING] += 1
            m[F.NARROW] += 1
        return None

    return die


@dataclass(frozen=True)
class Owners:
    """A world of owners."""

    world: Ownership
    nightly: bool = False

    @property
    def name(self) -> str:
        """The name of the world."""
        return self.world.name

    def under(self, rules: Any) -> Owners:
        """Return the same under other rules."""
        return replace(self, world=replace(self.world, rules=rules))

    def explore(self) -> Exploration:
        """Visit every state."""
        return ownership.run(self.world)


Configuration = Stream | Owners

_ONE = Writer()
_TWO = Writer(((1,), (1,)))
_BATCH = Writer(((1, 1),))
_WIDE = Writer(((2,), (2,)))
_FOREIGN = Writer(kind="foreign")
_FOREIGN_TWO = Writer(((1,), (1,)), kind="foreign")


def _lives(writer: Writer) -> Writer:
    return replace(writer, dies=False)


def _early(writer: Writer) -> Writer:
    return replace(writer, early=True)


_MIXED = World(strict=False)
_TAKEN = World(strangers=True)
_EQUAL = World(strangers=True, reader_pid=1, pids=(0, 1, 1, 1))

ALONE = Stream("ours; three frames", (Writer(((1,), (1,), (1,))),))
OURS = Stream("ours, ours", (_ONE, _ONE))
TAILS = Stream(
    "ours, ours; frames of 2 cells in a ring of 3: tails and markers", (_WIDE, _lives(Writer(((2,),)))), World(size=3)
)
SAME = Stream("ours that closes and connects again", (_ONE, _ONE), World(pids=(0, 1, 1, 2)))
PIDS_TAKEN = Stream("ours, ours; other pid namespaces, where strangers have their pids", (_ONE, _ONE), _TAKEN)
PIDS_EQUAL = Stream("ours, ours; all have the same pid", (_ONE, _ONE), _EQUAL)
FOREIGN_OURS = Stream("foreign, ours", (_FOREIGN_TWO, _lives(_ONE)), _MIXED)
OURS_FOREIGN = Stream("ours, foreign", (_ONE, _FOREIGN), _MIXED)
ORDERLY = Stream("ours, ours; nobody is killed", (_lives(_TWO), _lives(_TWO)))
FOREIGN_READER = Stream("ours, ours; the reader is foreign", (_TWO, _TWO), _MIXED, "foreign")
BESIDE = Stream("ours, foreign at the same moment; nobody is killed", (_lives(_ONE), _lives(_early(_FOREIGN))), _MIXED)
DOUBTFUL = Stream(
    "ours, foreign that writes nothing, ours; two are killed",
    (_ONE, Writer((), "foreign"), _lives(_ONE)),
    _MIXED,
)
FOREIGN_ALONE = Stream("foreign, foreign; nobody is killed", (_lives(_FOREIGN_TWO), _lives(_FOREIGN)), _MIXED)
FORGOTTEN = Stream("ours, ours, foreign", (_ONE, _lives(_ONE), _lives(_FOREIGN)), _MIXED)
PLAIN = Stream(
    "ours that connects again beside a foreign writer, and may go plain; nobody is killed",
    (_lives(Writer(())), _lives(_FOREIGN), _lives(_early(_ONE))),
    replace(_MIXED, pids=(0, 1, 2, 1)),
)
TWO_DEATHS = Stream("ours, foreign, ours; two are killed", (_ONE, _FOREIGN, _lives(_ONE)), _MIXED, nightly=True)
BEFORE = Stream(
    "the rules before: a writer of one frame, then one of three; nobody is killed",
    (Writer(kind="before", dies=False), Writer(((1,),) * 3, kind="before", dies=False)),
    reader="before",
)
SHARED = Owners(Ownership("owners: two, a cleaner, a writer; one lock directory", (0, 0), (0,), 1))
APART = Owners(Ownership("owners: two, a writer; each has its own lock directory", (0, 1), (), 1))
APART_CLEANED = Owners(Ownership("owners: two and a cleaner; each has its own lock directory", (0, 1), (2,)))

RIGHT: tuple[Configuration, ...] = (
    ALONE,
    ORDERLY,
    TAILS,
    Stream("ours with a batch, ours", (_BATCH, _lives(_ONE))),
    Stream("ours, ours; the reader holds a frame", (_TWO, _lives(_ONE)), World(hold=1)),
    Stream("ours, ours that does not wait for its end", (_ONE, _early(_ONE))),
    SAME,
    PIDS_TAKEN,
    PIDS_EQUAL,
    FOREIGN_OURS,
    OURS_FOREIGN,
    FOREIGN_ALONE,
    FORGOTTEN,
    Stream("foreign, ours, foreign", (_FOREIGN, _lives(_ONE), _lives(_FOREIGN)), _MIXED),
    DOUBTFUL,
    BESIDE,
    PLAIN,
    FOREIGN_READER,
    Stream(
        "foreign, ours; the reader is foreign, only ours is killed", (_lives(_FOREIGN_TWO), _TWO), _MIXED, "foreign"
    ),
    SHARED,
    APART,
    APART_CLEANED,
    Owners(Ownership("owners: three, two share a lock directory", (0, 1, 0))),
    Stream("ours, ours; two frames each", (_TWO, _TWO), nightly=True),
    Stream("ours, ours; a ring of 3", (_TWO, _TWO), World(size=3), nightly=True),
    Stream("ours, ours, ours", (_ONE, _ONE, _lives(_ONE)), nightly=True),
    Stream("ours, ours, ours; other pid namespaces", (_ONE, _ONE, _lives(_ONE)), _TAKEN, nightly=True),
    replace(PLAIN, name="the same; the first one is killed", writers=(Writer(()), *PLAIN.writers[1:]), nightly=True),
    TWO_DEATHS,
    Stream("foreign, ours; both killed", (_FOREIGN_TWO, _ONE), _MIXED, nightly=True),
)
"""The rules of the page hold in each."""


@dataclass(frozen=True)
class Broken:
    """A rule that is wrong, where it shows, and the property that it violates."""

    name: str
    configuration: Configuration
    violates: str


def _rules(configuration: Configuration, **changes: Any) -> Configuration:
    rules = OwnershipRules if isinstance(configuration, Owners) else Rules
    return configuration.under(rules(**changes))


BROKEN: tuple[Broken, ...] = (
    Broken("surplus tokens, thrown away when the ring looks drained (fault 1)", BEFORE, "lost"),
    Broken(
        "`committed` before the header",
        _rules(OURS, commit=("data", "free", "position", "commit", "header", "post")),
        "garbage",
    ),
    Broken("`committed` not looked at", _rules(OURS, looks_at_committed=False), "lost"),
    Broken("no balance", _rules(OURS, keeps_balance=False), "garbage"),
    Broken(
        "the lock given back before writer_pid is 0",
        _rules(OURS, closing=("unlock", "pid", "connection")),
        "false death",
    ),
    Broken("the balance set to 0, tokens that are owed not taken", _rules(OURS, pays_before_look=False), "garbage"),
    Broken("the balance kept when there is no writer", _rules(FORGOTTEN, forgives=False), "lost"),
    Broken("released before it is read", _rules(ALONE, releases_early=True), "overwritten"),
    Broken("a release not marked while it is under way", _rules(OURS, says_under_way=False), "lost"),
    Broken("writer_pid not loaded again", _rules(FOREIGN_ALONE, loads_pid_again=False), "false death"),
    Broken("`connection` not loaded again", _rules(SAME, loads_connection_again=False), "false death"),
    Broken("plain when `released` does not stand still", _rules(OURS, goes_plain=True), "lost"),
    Broken(
        "after a foreign death, full only if nothing is free",
        _rules(FOREIGN_OURS, refuses_doubt=False),
        "committed is wrong",
    ),
    Broken("writer_pid claimed before `connection` is stored", _rules(PIDS_TAKEN, claims_first=True), "refused"),
    Broken(
        "`connection` cleared before writer_pid", _rules(PIDS_TAKEN, closing=("connection", "pid", "unlock")), "refused"
    ),
    Broken("the reader settles without the lock", _rules(PIDS_EQUAL, settles_with_lock=False), "lost"),
    Broken(
        "a foreign writer is noted that came after the look",
        _rules(OURS_FOREIGN, notes_before_look=False),
        "false sequence_error",
    ),
    Broken(
        "a foreign writer is noted unless a frame 1 stands behind",
        _rules(OURS_FOREIGN, notes_the_idle=False),
        "false sequence_error",
    ),
    Broken("`committed` not found again after the claim", _rules(BESIDE, finds_again=False), "committed is wrong"),
    Broken("writer_pid loaded before `connection`", _rules(PLAIN, number_first=False), "false death"),
    Broken("a plain writer takes no number", _rules(PLAIN, plain_numbers=False), "false sequence_error"),
    Broken("`connection` keeps the pid of who went plain", _rules(PLAIN, plain_clears=False), "false sequence_error"),
    Broken("a plain writer of ours that moves first", _rules(FOREIGN_READER, plain_takes_first=False), "overwritten"),
    Broken("settling is tried once, lock or no lock", _rules(DOUBTFUL, settles_once=True), "stuck"),
    Broken(
        "`committed` stored while the dead owner stands in writer_pid",
        _rules(TWO_DEATHS, inherits_early=True),
        "false sequence_error",
    ),
    Broken("the lock file proves life (fault 2)", _rules(SHARED, lock_file_proves=True), "a corpse lives"),
    Broken("the remover does not look at the reader's lock (fault 5)", _rules(APART, looks_at_life=False), "destroyed"),
    Broken("the remover holds the reader's lock", _rules(SHARED, removal_field="lock"), "a corpse lives"),
    Broken("the remover holds no lock", _rules(APART_CLEANED, removal_field=""), "destroyed"),
    Broken("no look at the name after the lock", _rules(APART_CLEANED, looks_at_name=False), "destroyed"),
    Broken("names removed where no segment stands", _rules(APART, clears_always=True), "destroyed"),
    Broken("the maker does not look at the lock of removal", _rules(APART, looks_at_removal=False), "destroyed"),
    Broken("the maker does not look at its name", _rules(APART, looks_at_own_name=False), "destroyed"),
    Broken("a refused maker removes its segment", _rules(APART_CLEANED, removes_when_refused=True), "destroyed"),
    Broken(
        "a writer looks at its reader, then opens the semaphores", _rules(SHARED, writer_looks_last=False), "astray"
    ),
    Broken("the new segment is not locked at once", _rules(APART, locks_new=False), "destroyed"),
    Broken(
        "the segment is removed before the semaphores",
        _rules(APART, closing=("reader_pid", "segment", "semaphores")),
        "destroyed",
    ),
)

LIMITS: tuple[Broken, ...] = (
    Broken(
        "a foreign writer killed between position and free bytes, another at once",
        Stream("foreign, foreign", (_FOREIGN_TWO, _FOREIGN), _MIXED),
        "overwritten",
    ),
    Broken(
        "a foreign writer comes and goes while ours connects, which is killed then",
        Stream("ours, foreign at the same moment, ours", (Writer(()), _lives(_early(_FOREIGN)), _lives(_ONE)), _MIXED),
        "committed is wrong",
    ),
    Broken(
        "a foreign writer with the pid of ours, which was killed before its claim",
        Stream(
            "ours, foreign; the same pid",
            (Writer(()), _lives(_FOREIGN)),
            replace(_MIXED, pids=(0, 1, 1)),
        ),
        "false death",
    ),
)
"""What nobody of ours can prevent, or what is not worth a rule: the page does not promise it."""
