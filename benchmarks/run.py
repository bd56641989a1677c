"""The run: all contenders of a case take turns, repeat by repeat."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

from benchmarks.contenders import CannotError, Contender, ContenderError, Outcome, Workshop
from benchmarks.environments import UnavailableError
from benchmarks.machine import Cores
from benchmarks.plan import BATCH, Case, Job, Kind, ring_capacity
from benchmarks.results import Results, metrics

Progress = Callable[[str], None]

_LARGEST_COUNT = 2_000_000
_GROWTH_COUNT = 10_000
_TRIAL_NS = 5_000_000


@dataclass(frozen=True)
class Effort:
    """How much is measured.

    Attributes:
        repeats: Of each contender and case.
        repeat_ns: How long one should take.
        quick: Leaves out placements and variants.
    """

    repeats: int
    repeat_ns: int
    quick: bool


FULL = Effort(repeats=5, repeat_ns=100_000_000, quick=False)
QUICK = Effort(repeats=3, repeat_ns=30_000_000, quick=True)


def _least(case: Case) -> int:
    match case.kind:
        case Kind.BATCH:
            return BATCH
        case Kind.ROUND_TRIP:
            return 200
        case _:
            return 8


def _job(case: Case, contender: Contender, cores: Cores, workshop: Workshop, count: int) -> Job:
    capacity = ring_capacity(case.size)
    warmup = 200 if case.kind is Kind.ROUND_TRIP else max(2 * capacity // (case.size + 16), 8)
    # A slow contender is not warmed up for longer than it is measured.
    warmup = min(warmup, count)
    if case.kind is Kind.BATCH:
        count, warmup = (-(-number // BATCH) * BATCH for number in (count, warmup))
    sender, receiver = cores.of(case.placement)
    return Job(
        case.kind,
        workshop.name(),
        case.size,
        capacity,
        count,
        warmup,
        contender.wait,
        sender,
        receiver,
        case.parameter,
        workshop.directory,
    )


@dataclass
class Run:
    """One run over some contenders that have started.

    Attributes:
        contenders: Who takes part.
        cores: Where.
        effort: How much.
        workshop: Names and directory.
        results: What has come so far.
        progress: Told what is going on.
    """

    contenders: list[Contender]
    cores: Cores
    effort: Effort
    workshop: Workshop
    results: Results
    progress: Progress

    def case_group(self, cases: list[Case]) -> None:
        """Measures some cases; everybody takes a turn in each repeat, starting with another one each time."""
        turns = [(case, who, count) for case in cases for who, count in self._calibrated(case)]
        for repeat in range(self.effort.repeats):
            start = repeat * len(turns) // self.effort.repeats
            for case, who, count in turns[start:] + turns[:start]:
                if who.label in self.results.failures.get(case.key, {}):
                    continue
                self.progress(f"{case.key}: {who.label} {repeat + 1}/{self.effort.repeats}")
                outcome = self._try(case, who, count)
                if outcome is not None:
                    self.results.add(case, who.label, metrics(case, outcome))

    def _calibrated(self, case: Case) -> Iterator[tuple[Contender, int]]:
        """Those who take this case, with the number of frames that takes them about as long as wanted."""
        for who in self.contenders:
            if not who.takes(case, quick=self.effort.quick):
                continue
            self.progress(f"{case.key}: {who.label}, calibrating")
            count = self._count(case, who)
            if count:
                yield who, count

    def _count(self, case: Case, who: Contender) -> int:
        if case.kind is Kind.IDLE:
            return 1
        if case.kind in {Kind.GROWTH_BUFFERS, Kind.GROWTH_CAPACITY, Kind.GROWTH_FRAMES}:
            return _GROWTH_COUNT
        least = count = _least(case)
        while True:
            outcome = self._try(case, who, count)
            if outcome is None:
                return 0
            wanted = int(count * self.effort.repeat_ns / max(1, outcome.elapsed_ns))
            if outcome.elapsed_ns >= _TRIAL_NS or count >= _LARGEST_COUNT:
                return max(least, min(_LARGEST_COUNT, wanted))
            count = min(_LARGEST_COUNT, count * 16, max(count * 2, wanted))

    def _try(self, case: Case, who: Contender, count: int) -> Outcome | None:
        try:
            return who.run(_job(case, who, self.cores, self.workshop, count))
        except CannotError:
            return None
        except (ContenderError, UnavailableError) as error:
            self.results.fail(case, who.label, str(error))
            return None


def groups(cases: Iterable[Case]) -> Iterator[list[Case]]:
    """Cases that are interleaved with each other, not only contender with contender: those of one kind of growth."""
    for key, members in groupby(cases, key=lambda case: case.kind if case.parameter else case):
        del key
        yield list(members)


def started(contenders: list[Contender], results: Results, progress: Progress, *, install: bool) -> list[Contender]:
    """Starts everybody; notes who is absent and why."""
    present = []
    for who in contenders:
        progress(f"starting {who.label}")
        try:
            who.start(install=install)
        except (UnavailableError, ContenderError) as error:
            results.absent[who.label] = f"not installed: {error}"
        else:
            results.versions[who.label] = who.version
            present.append(who)
    return present
