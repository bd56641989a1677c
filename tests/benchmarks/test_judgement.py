import json
from pathlib import Path

import pytest

from benchmarks import history
from benchmarks import results as metric
from benchmarks.contenders import JobResult
from benchmarks.plan import KIB, MIB, Case, Job, Kind, Placement, Wait, cases, ring_capacity, size_text
from benchmarks.plot import throughput_svg
from benchmarks.results import Results, Spread, metrics, percentile
from benchmarks.run import groups
from benchmarks.targets import OURS, OURS_BLOCKING, OURS_SPINNING, SEMAPHORES, State, TargetVerdict, verdicts

SMALL = Case(Kind.ONE_WAY, 64, Placement.TWO_CORES)


def rates(**by_contender: list[float]) -> Results:
    results = Results()
    names = {"c": "C ring, spinning", "ours": OURS, "peer": "membridge", "same": "zerobuffer-ipc"}
    for short, values in by_contender.items():
        for value in values:
            results.add(
                SMALL,
                names[short],
                {metric.FRAMES_PER_SECOND: value, metric.PRODUCER_CPU: 300, metric.CONSUMER_CPU: 700},
            )
    return results


def judged(results: Results, subject: str, target: str = "") -> TargetVerdict:
    found = [v for v in verdicts(results) if v.subject.startswith(subject) and target in v.target]
    assert len(found) == 1, found
    return found[0]


@pytest.mark.parametrize(("ours", "state"), [([34.0] * 3, State.MISSED), ([36.0] * 3, State.REACHED)])
def test_the_limit_for_64_bytes_is_a_share_of_the_c_ring(ours: list[float], state: State) -> None:
    assert judged(rates(c=[100.0] * 3, ours=ours), "one-way 64 B", "0.35 x C ring").state is state


def test_one_lucky_repeat_reaches_nothing() -> None:
    verdict = judged(rates(c=[100.0] * 3, ours=[20.0, 20.0, 90.0]), "one-way 64 B", "0.35 x C ring")
    assert verdict.state is State.MISSED
    assert verdict.measured == "0.20 (0.20 - 0.90)"


@pytest.mark.parametrize(("ours", "state"), [(99.0, State.MISSED), (101.0, State.REACHED)])
def test_every_peer_must_be_left_behind(ours: float, state: State) -> None:
    verdict = judged(rates(c=[150.0], ours=[ours], peer=[100.0], same=[1.0]), "one-way 64 B", "every PyPI peer")
    assert verdict.state is state
    assert "membridge" in verdict.measured


@pytest.mark.parametrize(("same", "state"), [(2.0, State.MISSED), (1.0, State.REACHED)])
def test_sixty_times_the_same_protocol_in_pure_python(same: float, state: State) -> None:
    assert judged(rates(c=[150.0], ours=[100.0], same=[same]), "one-way 64 B", "60 x zerobuffer-ipc").state is state


def test_what_was_not_measured_is_not_reached() -> None:
    assert {verdict.state for verdict in verdicts(Results())} == {State.UNKNOWN}
    assert judged(rates(c=[100.0]), "one-way 64 B", "0.35 x").state is State.UNKNOWN


@pytest.mark.parametrize("kind", [Kind.WHOLE, Kind.SNUG])
@pytest.mark.parametrize(("rival", "state"), [(1100.0, State.MISSED), (900.0, State.REACHED)])
def test_large_frames_are_judged_kind_by_kind(kind: Kind, rival: float, state: State) -> None:
    case, results = Case(kind, MIB, Placement.TWO_CORES), Results()
    for name, rate in ((OURS, 1000.0), ("iceoryx2", rival), ("C ring, blocking", 1200.0)):
        results.add(case, name, {metric.FRAMES_PER_SECOND: rate})
    assert judged(results, f"{kind} 1 MiB", "ahead of").state is state
    assert judged(results, f"{kind} 1 MiB", "0.8 x").state is State.REACHED


def test_cpu_is_judged_for_each_side() -> None:
    results = rates(ours=[1.0])
    assert judged(results, "CPU of the producer").state is State.REACHED
    assert judged(results, "CPU of the consumer").state is State.MISSED


def round_trips(placement: Placement, **p50: float) -> Results:
    results = Results()
    names = {"bare": SEMAPHORES, "blocking": OURS_BLOCKING, "spinning": OURS_SPINNING, "ours": OURS}
    for short, value in p50.items():
        results.add(Case(Kind.ROUND_TRIP, 64, placement), names[short], {metric.P50: value})
    return results


@pytest.mark.parametrize(("blocking", "state"), [(1160.0, State.MISSED), (1140.0, State.REACHED)])
def test_a_blocking_round_trip_may_cost_little_more_than_two_semaphores(blocking: float, state: State) -> None:
    results = round_trips(Placement.ONE_CORE, bare=1000.0, blocking=blocking)
    assert judged(results, "round trip 64 B, blocking").state is state


@pytest.mark.parametrize(("spinning", "state"), [(1600.0, State.MISSED), (1400.0, State.REACHED)])
def test_a_spinning_round_trip_has_a_limit_in_microseconds(spinning: float, state: State) -> None:
    results = round_trips(Placement.TWO_CORES, spinning=spinning)
    assert judged(results, "round trip 64 B, spinning").state is state


@pytest.mark.parametrize(("ours", "state"), [(19_000.0, State.MISSED), (17_000.0, State.REACHED)])
def test_spinning_on_one_core_is_bounded(ours: float, state: State) -> None:
    results = round_trips(Placement.ONE_CORE, blocking=3000.0, ours=ours)
    assert judged(results, "round trip 64 B, default spin").state is state


@pytest.mark.parametrize(("costs", "state"), [((100, 200), State.MISSED), ((100, 110), State.REACHED)])
def test_growth_is_noticed(costs: tuple[int, int], state: State) -> None:
    results = Results()
    for parameter, cost in zip((KIB, MIB), costs, strict=True):
        results.add(Case(Kind.GROWTH_CAPACITY, 64, Placement.ONE_CORE, parameter), OURS, {metric.NS_PER_FRAME: cost})
    assert judged(results, "cost of a frame over buffer size").state is state


def test_ratios_pair_the_repeats() -> None:
    results = rates(c=[100.0, 10.0, 50.0], ours=[50.0, 5.0, 25.0])
    assert results.ratio(SMALL, OURS, "C ring, spinning") == Spread(0.5, 0.5, 0.5)


def test_percentiles_are_nearest_ranks() -> None:
    ordered = list(range(1, 1001))
    assert [percentile(ordered, share) for share in (0.5, 0.99, 0.999)] == [500, 990, 999]
    assert percentile([7], 0.999) == 7


def test_metrics_of_a_transfer() -> None:
    outcome = JobResult(1000, 2_000_000, 1_000_000, 500_000, 0, [], [])
    expected = {metric.FRAMES_PER_SECOND: 500_000.0, metric.PRODUCER_CPU: 1000.0, metric.CONSUMER_CPU: 500.0}
    assert metrics(SMALL, outcome) == expected


def test_a_frame_never_ends_exactly_at_the_end_of_its_ring() -> None:
    for size in (64, KIB, 4 * KIB, 64 * KIB, MIB, 8 * MIB):
        assert ring_capacity(Kind.ONE_WAY, size) % (size + 16) != 0
        assert ring_capacity(Kind.ONE_WAY, size) >= 4 * (size + 16)


def test_a_snug_ring_holds_one_frame() -> None:
    assert MIB + 16 < ring_capacity(Kind.SNUG, MIB) < 2 * MIB


def test_quick_is_a_part_of_the_whole() -> None:
    assert set(cases(quick=True)) < set(cases(quick=False))
    assert [size_text(size) for size in (64, KIB, 8 * MIB)] == ["64 B", "1 KiB", "8 MiB"]


def test_growth_is_interleaved_over_what_grows() -> None:
    members = [group for group in groups(cases(quick=True)) if len(group) > 1]
    assert {group[0].kind for group in members} == {Kind.GROWTH_CAPACITY, Kind.GROWTH_BUFFERS, Kind.GROWTH_FRAMES}


def test_a_job_crosses_as_json() -> None:
    job = Job(Kind.BATCH, "n", 64, 4096, 10, 5, Wait.SPIN, 0, 1, 0, "d", 5)
    assert Job.from_json(json.loads(json.dumps(job.to_json()))) == job


def test_results_cross_as_json() -> None:
    results = rates(c=[100.0], ours=[50.0])
    results.fail(SMALL, "pynng ipc", "hung")
    assert Results.from_json(json.loads(json.dumps(results.to_json()))) == results


def test_history_marks_what_became_worse(tmp_path: Path) -> None:
    file = tmp_path / "history.jsonl"
    for ours in (50.0, 30.0):
        history.append(rates(c=[100.0], ours=[ours]), file)
    before, now = history.entries(file)
    assert history.compare(before, now)[0].endswith("WORSE")
    assert history.compare(now, before)[0].endswith("better")
    assert not history.compare(now, now)[0].endswith(("WORSE", "better"))


def test_the_plot_shows_everybody() -> None:
    svg = throughput_svg(rates(c=[100.0], ours=[50.0], peer=[1.0]), Placement.TWO_CORES, "cpu0->cpu1")
    assert svg.count("<polyline") == 3
    assert "cpu0-&gt;cpu1" in svg
