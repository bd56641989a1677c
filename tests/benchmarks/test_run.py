from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from benchmarks.contenders import Contender, ContenderError, JobResult, Workshop
from benchmarks.environments import UnavailableError
from benchmarks.machine import Cores
from benchmarks.plan import KIB, MIB, Case, Job, Kind, Placement
from benchmarks.results import FRAMES_PER_SECOND, Results
from benchmarks.run import Effort, Run, started

CASE = Case(Kind.ONE_WAY, 64, Placement.TWO_CORES)
LARGE = Case(Kind.ONE_WAY, 8 * MIB, Placement.TWO_CORES)
EFFORT = Effort(repeats=3, unsteady=1, repeat_ns=10_000_000, deadline=5, patience=60.0, quick=True)


class Scripted(Contender):
    """Needs 1000 ns per frame; behaves as it is told, run by run."""

    def __init__(self, label: str, behave: Callable[[int], int] = lambda _: 0) -> None:
        self.label = label
        self.jobs: list[Job] = []
        self._behave = behave

    def takes(self, case: Case, *, quick: bool) -> bool:
        return quick and case in {CASE, LARGE}

    def start(self, *, install: bool) -> None:
        if not install:
            raise UnavailableError("not here")

    def run(self, job: Job) -> JobResult:
        self.jobs.append(job)
        elapsed = job.count * 1000
        return JobResult(job.count, elapsed, 1, 1, self._behave(len(self.jobs)) * elapsed // 100, [], [])

    def stop(self) -> None:
        """Nothing to stop."""


@pytest.fixture
def workshop() -> Iterator[Workshop]:
    with Workshop() as made:
        yield made


def run_of(workshop: Workshop, *contenders: Contender, effort: Effort = EFFORT, case: Case = CASE) -> Results:
    run = Run(list(contenders), Cores(0, 0, siblings=False), effort, workshop, Results(), lambda _: None)
    run.case_group([case])
    return run.results


def test_each_repeat_takes_as_long_as_wanted(workshop: Workshop) -> None:
    contender = Scripted("steady")
    results = run_of(workshop, contender)
    assert results.values(CASE, "steady", FRAMES_PER_SECOND) == [pytest.approx(1e6)] * 3
    assert [job.count for job in contender.jobs[-3:]] == [10_000] * 3


def test_what_nobody_can_hold_still() -> None:
    two = Placement.TWO_CORES
    unsteady = [CASE, Case(Kind.SNUG, MIB, two), Case(Kind.ROUND_TRIP, 64, two), Case(Kind.IDLE, 64, two)]
    steady = [Case(Kind.ONE_WAY, KIB, two), Case(Kind.ROUND_TRIP, 4 * KIB, two), Case(Kind.BATCH, 64, two)]
    assert [case.unsteady for case in unsteady + steady] == [True] * 4 + [False] * 3


def test_what_varies_is_repeated_more_often(workshop: Workshop) -> None:
    results = run_of(workshop, Scripted("steady"), effort=replace(EFFORT, unsteady=4), case=LARGE)
    assert len(results.values(LARGE, "steady", FRAMES_PER_SECOND)) == 12


def test_every_job_has_a_name_of_its_own(workshop: Workshop) -> None:
    contender = Scripted("steady")
    run_of(workshop, contender)
    names = [job.name for job in contender.jobs]
    assert len(set(names)) == len(names)


def test_contenders_take_turns(workshop: Workshop) -> None:
    order: list[str] = []

    def note(label: str) -> Callable[[int], int]:
        def behave(_: int) -> int:
            order.append(label)
            return 0

        return behave

    run_of(workshop, Scripted("a", note("a")), Scripted("b", note("b")))
    measured = "".join(order[-6:])
    assert sorted(measured) == list("aaabbb")
    assert "aaa" not in measured
    assert "bbb" not in measured


def test_a_disturbed_repeat_is_done_again(workshop: Workshop) -> None:
    def every_other(number: int) -> int:
        return 50 if number % 2 else 0

    results = run_of(workshop, Scripted("unlucky", every_other))
    assert len(results.values(CASE, "unlucky", FRAMES_PER_SECOND)) == 3
    assert not results.disturbed


def test_what_stays_disturbed_is_said(workshop: Workshop) -> None:
    results = run_of(workshop, Scripted("always", lambda _: 50))
    assert results.disturbed == {CASE.key: 3}


def test_patience_ends(workshop: Workshop) -> None:
    impatient = replace(EFFORT, patience=-1.0)
    disturbed, steady = Scripted("always", lambda _: 50), Scripted("steady")
    results = run_of(workshop, disturbed, steady, effort=impatient)
    assert len(disturbed.jobs) == len(steady.jobs)
    assert results.disturbed == {CASE.key: 3}


def test_one_that_fails_is_tried_again_but_not_for_ever(workshop: Workshop) -> None:
    def fail(_: int) -> int:
        raise ContenderError("hung")

    contender, other = Scripted("broken", fail), Scripted("steady")
    results = run_of(workshop, contender, other)
    assert len(contender.jobs) == 2
    assert results.failures == {CASE.key: {"broken": "hung"}}
    assert results.contenders(CASE) == ["steady"]


def test_one_that_failed_once_still_has_its_numbers(workshop: Workshop) -> None:
    steady = Scripted("steady")
    run_of(workshop, steady)

    def fail_once(number: int) -> int:
        if number == len(steady.jobs):
            raise ContenderError("hung")
        return 0

    results = run_of(workshop, Scripted("shaky", fail_once))
    assert len(results.values(CASE, "shaky", FRAMES_PER_SECOND)) == 2
    assert results.failures == {CASE.key: {"shaky": "hung"}}


def test_who_cannot_be_had_is_named_with_the_reason() -> None:
    results = Results()
    assert started([Scripted("peer")], results, lambda _: None, install=False) == []
    assert results.absent == {"peer": "not installed: not here"}
