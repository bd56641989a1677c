import shutil
import subprocess
from collections.abc import Iterator

import pytest

from benchmarks.contenders import CannotError, ContenderError, CRing, Hosted, JobResult, Workshop
from benchmarks.environments import UnavailableError
from benchmarks.plan import Job, Kind, Wait

KINDS = frozenset({Kind.ONE_WAY, Kind.WHOLE, Kind.SNUG, Kind.ROUND_TRIP})
COUNT = 300


def a_job(workshop: Workshop, kind: Kind = Kind.ONE_WAY, *, deadline: int = 30, size: int = 64) -> Job:
    return Job(
        kind=kind,
        name=workshop.name(),
        size=size,
        capacity=65536,
        count=COUNT,
        warmup=20,
        wait=Wait.BLOCK,
        sender_cpu=-1,
        receiver_cpu=-1,
        parameter=0,
        directory=workshop.directory,
        deadline=deadline,
    )


@pytest.fixture
def workshop() -> Iterator[Workshop]:
    with Workshop() as made:
        yield made
    assert not made.leftovers


def outcome_of(kind: str, job: Job) -> JobResult:
    contender = Hosted(kind, f"tests.benchmarks.zoo.{kind}", KINDS)
    contender.start(install=False)
    try:
        return contender.run(job)
    finally:
        contender.stop()


def children_of(pid: int) -> str:
    return subprocess.run(["ps", "--ppid", str(pid), "-o", "pid="], capture_output=True, text=True, check=False).stdout


def test_an_honest_peer_is_timed(workshop: Workshop) -> None:
    outcome = outcome_of("honest", a_job(workshop))
    assert outcome.elapsed_ns > 0
    assert outcome.producer_cpu_ns > 0
    assert outcome.consumer_cpu_ns > 0


def test_each_round_trip_has_its_time(workshop: Workshop) -> None:
    outcome = outcome_of("honest", a_job(workshop, Kind.ROUND_TRIP))
    assert len(outcome.samples_ns) == COUNT
    assert min(outcome.samples_ns) > 0


def test_frames_may_be_read_whole(workshop: Workshop) -> None:
    assert outcome_of("honest", a_job(workshop, Kind.WHOLE, size=30000)).elapsed_ns > 0


@pytest.mark.parametrize("kind", [Kind.ONE_WAY, Kind.WHOLE])
def test_torn_frames_are_no_result(workshop: Workshop, kind: Kind) -> None:
    with pytest.raises(ContenderError, match="lost or torn"):
        outcome_of("tearing", a_job(workshop, kind))


@pytest.mark.parametrize("kind", [Kind.ONE_WAY, Kind.WHOLE, Kind.SNUG, Kind.ROUND_TRIP])
@pytest.mark.parametrize("module", ["zerobuffer_harmony", "mp_pipe"])
def test_what_needs_no_installation_moves_frames(workshop: Workshop, module: str, kind: Kind) -> None:
    contender = Hosted(module, module, KINDS)
    contender.start(install=False)
    try:
        assert contender.run(a_job(workshop, kind, size=10000)).elapsed_ns > 0
    finally:
        contender.stop()


def test_a_peer_that_hangs_is_given_up(workshop: Workshop) -> None:
    with pytest.raises(ContenderError, match=r"(receiver|sender): not done within 1 s"):
        outcome_of("hanging", a_job(workshop, deadline=1))


def test_a_peer_that_dies_is_named_with_its_signal(workshop: Workshop) -> None:
    with pytest.raises(ContenderError, match="sender: ended by SIGKILL"):
        outcome_of("crashing", a_job(workshop))


def test_the_cause_of_a_failure_is_passed_on(workshop: Workshop) -> None:
    with pytest.raises(ContenderError, match="sender: OSError: no such wire"):
        outcome_of("raising", a_job(workshop))


def test_a_host_goes_on_after_a_failure(workshop: Workshop) -> None:
    contender = Hosted("hanging", "tests.benchmarks.zoo.hanging", KINDS)
    contender.start(install=False)
    try:
        for _ in range(2):
            with pytest.raises(ContenderError, match="not done"):
                contender.run(a_job(workshop, deadline=1))
        assert contender._process is not None
        assert not children_of(contender._process.pid).split()
    finally:
        contender.stop()


def test_what_a_peer_does_not_do_is_not_asked_of_it(workshop: Workshop) -> None:
    with pytest.raises(CannotError, match="batch"):
        outcome_of("honest", a_job(workshop, Kind.BATCH))


def test_a_peer_that_is_not_installed_says_so(workshop: Workshop) -> None:
    with pytest.raises(UnavailableError, match="a_package_that_nobody_has_installed"):
        outcome_of("absent", a_job(workshop))


@pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler")
@pytest.mark.parametrize("size", [1, 64, 1000, 30000])
@pytest.mark.parametrize("kind", [Kind.ONE_WAY, Kind.WHOLE, Kind.SNUG, Kind.ROUND_TRIP])
def test_the_c_ring_moves_frames(workshop: Workshop, kind: Kind, size: int) -> None:
    ring = CRing("C ring", Wait.BLOCK)
    ring.start(install=False)
    outcome = ring.run(a_job(workshop, kind, size=size))
    assert outcome.elapsed_ns > 0
    assert len(outcome.samples_ns) == (COUNT if kind is Kind.ROUND_TRIP else 0)


@pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler")
def test_the_c_ring_says_why_it_cannot(workshop: Workshop) -> None:
    ring = CRing("C ring", Wait.BLOCK)
    ring.start(install=False)
    job = a_job(workshop)
    unpinnable = Job.from_json({**job.to_json(), "sender_cpu": 1000})
    with pytest.raises(ContenderError, match="sched_setaffinity: Invalid argument"):
        ring.run(unpinnable)
