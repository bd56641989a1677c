"""The run: all contenders of a case take turns, repeat by repeat."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby

from benchmarks.contenders import CannotError, Contender, ContenderError, JobResult, Workshop
from benchmarks.environments import UnavailableError
from benchmarks.machine import Cores
from benchmarks.plan import BATCH, Case, Job, Kind, Placement, ring_capacity
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
        unsteady: So many times as many repeats of what varies from second to second, see `Case.unsteady`.
        repeat_ns: How long one should take.
        deadline: Seconds for one job, calibration and warm-up included.
        patience: Seconds in all for doing again what other work on this machine has disturbed.
        quick: Leaves out placements and variants.
    """

    repeats: int
    unsteady: int
    repeat_ns: int
    deadline: int
    patience: float
    quick: bool


FULL = Effort(repeats=5, unsteady=3, repeat_ns=100_000_000, deadline=20, patience=180.0, quick=False)
QUICK = Effort(repeats=3, unsteady=2, repeat_ns=30_000_000, deadline=5, patience=8.0, quick=True)
# A contender that fails is tried again in the next repeat, but not for ever: some hang until their deadline.
_MOST_FAILURES = 2
# A repeat is disturbed when one of its processes was kept from its core for this share of the time.
_DISTURBED = 0.03
_MOST_AGAIN = 3


def _least(case: Case) -> int:
    match case.kind:
        case Kind.BATCH:
            return BATCH
        case Kind.ROUND_TRIP:
            return 200
        case _:
            return 8


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
        failures: How often each has failed.
        spent: Seconds that went into doing again what was disturbed.
    """

    contenders: list[Contender]
    cores: Cores
    effort: Effort
    workshop: Workshop
    results: Results
    progress: Progress
    failures: Counter[tuple[Case, str]] = field(default_factory=Counter)
    spent: float = 0.0

    def case_group(self, cases: list[Case]) -> None:
        """Measures some cases; everybody takes a turn in each repeat, starting with another one each time."""
        turns = [(case, who, count) for case in cases for who, count in self._calibrated(case)]
        repeats = self.effort.repeats * (self.effort.unsteady if all(case.unsteady for case in cases) else 1)
        for repeat in range(repeats):
            start = repeat * len(turns) // repeats
            for case, who, count in turns[start:] + turns[:start]:
                if self.failures[case, who.label] >= _MOST_FAILURES:
                    continue
                self.progress(f"{case.key}: {who.label} {repeat + 1}/{repeats}")
                outcome = self._undisturbed(case, who, count)
                if outcome is not None:
                    self.results.add(case, who.label, metrics(case, outcome))

    def _undisturbed(self, case: Case, who: Contender, count: int) -> JobResult | None:
        """The least disturbed of a few tries. On one core each end keeps the other waiting: that is no disturbance."""
        best = self._try(case, who, count)
        if case.placement is Placement.ONE_CORE:
            return best
        for _ in range(_MOST_AGAIN):
            if best is None or best.delayed_ns < _DISTURBED * best.elapsed_ns or self.spent > self.effort.patience:
                break
            began = time.monotonic()
            again = self._try(case, who, count)
            self.spent += time.monotonic() - began
            if again is None:
                break
            best = min(best, again, key=lambda outcome: outcome.delayed_ns / max(1, outcome.elapsed_ns))
        if best is not None and best.delayed_ns >= _DISTURBED * best.elapsed_ns:
            self.results.disturbed[case.key] = self.results.disturbed.get(case.key, 0) + 1
        return best

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
                return count if 0 < self.failures[case, who.label] < _MOST_FAILURES else 0
            wanted = int(count * self.effort.repeat_ns / max(1, outcome.elapsed_ns))
            if outcome.elapsed_ns >= _TRIAL_NS or count >= _LARGEST_COUNT:
                return max(least, min(_LARGEST_COUNT, wanted))
            count = min(_LARGEST_COUNT, count * 16, max(count * 2, wanted))

    def _job(self, case: Case, who: Contender, count: int) -> Job:
        capacity = ring_capacity(case.kind, case.size)
        warmup = 200 if case.kind is Kind.ROUND_TRIP else max(2 * capacity // (case.size + 16), 8)
        # A slow contender is not warmed up for longer than it is measured.
        warmup = min(warmup, count)
        if case.kind is Kind.BATCH:
            count, warmup = (-(-number // BATCH) * BATCH for number in (count, warmup))
        sender, receiver = self.cores.of(case.placement)
        return Job(
            kind=case.kind,
            name=self.workshop.name(),
            size=case.size,
            capacity=capacity,
            count=count,
            warmup=warmup,
            wait=who.wait,
            sender_cpu=sender,
            receiver_cpu=receiver,
            parameter=case.parameter,
            directory=self.workshop.directory,
            deadline=self.effort.deadline,
        )

    def _try(self, case: Case, who: Contender, count: int) -> JobResult | None:
        try:
            return who.run(self._job(case, who, count))
        except CannotError:
            return None
        except (ContenderError, UnavailableError) as error:
            self.failures[case, who.label] += 1
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
