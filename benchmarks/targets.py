"""What the library has to reach, line by line, judged from results. Pure."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from benchmarks import results as metric
from benchmarks.plan import KIB, MIB, Case, Kind, Placement, size_text
from benchmarks.results import Results, Spread

OURS = "zerobuffer"
OURS_SPINNING = "zerobuffer, spinning"
OURS_BLOCKING = "zerobuffer, blocking"
LIMITS = ("C ring, spinning", "C ring, blocking")
SAME_PROTOCOL = "zerobuffer-ipc"
SEMAPHORES = "posix_ipc semaphores"
NOT_PEERS = {OURS, OURS_SPINNING, OURS_BLOCKING, SEMAPHORES, *LIMITS}
PLACEMENTS = (Placement.TWO_CORES, Placement.ONE_CORE, Placement.UNPINNED)

# How much the cost of a frame may vary over what grows before we call it growth: the noise of a shared machine.
FLAT_WITHIN = 1.30
ONE_COPY_WITHIN = 1.30
ONE_WAY_LIMITS = {64: 0.35, KIB: 0.35, 4 * KIB: 0.5, 64 * KIB: 0.8, MIB: 0.8, 8 * MIB: 0.9}
SAME_PROTOCOL_FACTOR = 60.0


class State(StrEnum):
    """What came of a target."""

    REACHED = "reached"
    MISSED = "missed"
    UNKNOWN = "not measured"


@dataclass(frozen=True)
class TargetVerdict:
    """One line of the table of targets.

    Attributes:
        subject: What is looked at.
        placement: On which cores.
        target: What is to be reached.
        measured: What was measured, median and range.
        state: Whether it is reached.
    """

    subject: str
    placement: str
    target: str
    measured: str
    state: State

    def to_json(self) -> dict[str, Any]:
        """The verdict as plain data."""
        return asdict(self)


def _judged(reached: bool) -> State:
    return State.REACHED if reached else State.MISSED


def _at_least(subject: str, placement: Placement, bound: float, other: str, ratio: Spread | None) -> TargetVerdict:
    target = f">= {bound:g} x {other}"
    if ratio is None:
        return TargetVerdict(subject, placement, target, "-", State.UNKNOWN)
    measured = f"{ratio.median:.2f} ({ratio.low:.2f} - {ratio.high:.2f})"
    return TargetVerdict(subject, placement, target, measured, _judged(ratio.median >= bound))


def _at_most(
    subject: str, placement: Placement, bound: float, unit: str, values: Spread | None, *, scale: float = 1.0
) -> TargetVerdict:
    target = f"<= {bound:g} {unit}"
    if values is None:
        return TargetVerdict(subject, placement, target, "-", State.UNKNOWN)
    measured = f"{values.median / scale:.3g} ({values.low / scale:.3g} - {values.high / scale:.3g})"
    return TargetVerdict(subject, placement, target, measured, _judged(values.median / scale <= bound))


def _against_limit(results: Results, case: Case, bound: float) -> Iterator[TargetVerdict]:
    subject = f"{case.kind} {size_text(case.size)}"
    limit = results.best(case, LIMITS)
    ratio = results.ratio(case, OURS, limit) if limit else None
    yield _at_least(subject, case.placement, bound, limit or "C ring", ratio)


def _against_peers(results: Results, case: Case, peers: set[str] | None = None) -> Iterator[TargetVerdict]:
    subject = f"{case.kind} {size_text(case.size)}"
    rivals = [name for name in results.contenders(case) if name not in NOT_PEERS and (peers is None or name in peers)]
    best = results.best(case, rivals)
    ratio = results.ratio(case, OURS, best) if best else None
    whose = f"ahead of {'every PyPI peer' if peers is None else ' and '.join(sorted(peers))}"
    if best is None or ratio is None:
        yield TargetVerdict(subject, case.placement, whose, "-", State.UNKNOWN)
        return
    measured = f"{ratio.median:.2f} ({ratio.low:.2f} - {ratio.high:.2f}) x {best}"
    yield TargetVerdict(subject, case.placement, whose, measured, _judged(ratio.median > 1.0))


def _one_way(results: Results) -> Iterator[TargetVerdict]:
    for placement in PLACEMENTS:
        for size, bound in ONE_WAY_LIMITS.items():
            case = Case(Kind.ONE_WAY, size, placement)
            if case.key not in results.repeats:
                continue
            yield from _against_limit(results, case, bound)
            if size <= 4 * KIB:
                ratio = results.ratio(case, OURS, SAME_PROTOCOL)
                yield _at_least(f"{case.kind} {size_text(size)}", placement, SAME_PROTOCOL_FACTOR, SAME_PROTOCOL, ratio)
                yield from _against_peers(results, case)
            elif size <= MIB:
                yield from _against_peers(results, case, {"iceoryx2"})


def _large(results: Results) -> Iterator[TargetVerdict]:
    for placement in PLACEMENTS:
        for kind, size in ((Kind.WHOLE, MIB), (Kind.WHOLE, 8 * MIB), (Kind.SNUG, MIB)):
            case = Case(kind, size, placement)
            if case.key in results.repeats:
                yield from _against_limit(results, case, ONE_WAY_LIMITS[size])
                if size == MIB:
                    yield from _against_peers(results, case, {"iceoryx2"})


def _batches(results: Results) -> Iterator[TargetVerdict]:
    for placement in PLACEMENTS:
        case = Case(Kind.BATCH, 64, placement)
        if case.key in results.repeats:
            yield from _against_limit(results, case, 1.0)


def _round_trips(results: Results) -> Iterator[TargetVerdict]:
    for placement in PLACEMENTS:
        case = Case(Kind.ROUND_TRIP, 64, placement)
        if case.key in results.repeats:
            ratio = results.ratio(case, OURS_BLOCKING, SEMAPHORES, metric.P50)
            yield _at_most("round trip 64 B, blocking, p50", placement, 1.15, f"x {SEMAPHORES}", ratio)
    two = Case(Kind.ROUND_TRIP, 64, Placement.TWO_CORES)
    p50 = results.spread(two, OURS_SPINNING, metric.P50)
    yield _at_most("round trip 64 B, spinning, p50", two.placement, 1.5, "us", p50, scale=1000.0)
    one = Case(Kind.ROUND_TRIP, 64, Placement.ONE_CORE)
    spinning, blocking = results.values(one, OURS, metric.P50), results.values(one, OURS_BLOCKING, metric.P50)
    differences = [s - b for s, b in zip(spinning, blocking, strict=False)]
    extra = Spread.of(differences) if differences else None
    yield _at_most(
        "round trip 64 B, default spin over blocking, p50", one.placement, 15.0, "us more", extra, scale=1000.0
    )


def _cpu(results: Results) -> Iterator[TargetVerdict]:
    for placement in PLACEMENTS:
        case = Case(Kind.ONE_WAY, 64, placement)
        for side, name in ((metric.PRODUCER_CPU, "producer"), (metric.CONSUMER_CPU, "consumer")):
            if case.key in results.repeats:
                yield _at_most(
                    f"CPU of the {name} per 64 B frame",
                    placement,
                    0.6,
                    "us",
                    results.spread(case, OURS, side),
                    scale=1000.0,
                )
    idle = Case(Kind.IDLE, 64, Placement.TWO_CORES)
    share = results.spread(idle, OURS, metric.CPU_SHARE)
    yield _at_most("CPU of an idle wait", idle.placement, 0.2, "% of a core", share, scale=0.01)
    # On one core, blocking, nobody's CPU time holds a wait: what is left of a large frame is the copying.
    large = Case(Kind.ONE_WAY, MIB, Placement.ONE_CORE)
    copying = results.ratio(large, OURS_BLOCKING, "C ring, blocking", metric.PRODUCER_CPU)
    yield _at_most("one copy per write: CPU of 1 MiB", large.placement, ONE_COPY_WITHIN, "x C ring, blocking", copying)
    reading = results.values(large, OURS_BLOCKING, metric.CONSUMER_CPU)
    writing = results.values(large, OURS_BLOCKING, metric.PRODUCER_CPU)
    shares = [r / w for r, w in zip(reading, writing, strict=False)]
    yield _at_most(
        "no copy per read: CPU of 1 MiB", large.placement, 0.25, "of the write", Spread.of(shares) if shares else None
    )


def _growth(results: Results) -> Iterator[TargetVerdict]:
    subjects = {
        Kind.GROWTH_CAPACITY: "cost of a frame over buffer size",
        Kind.GROWTH_BUFFERS: "cost of a frame over open buffers",
        Kind.GROWTH_FRAMES: "cost of a frame over frames passed",
    }
    for kind, subject in subjects.items():
        medians: dict[int, float] = {}
        for key in results.repeats:
            if key.startswith(f"{kind} "):
                parameter = int(key.rsplit(", ", 1)[1])
                spread = results.spread(Case(kind, 64, Placement.ONE_CORE, parameter), OURS, metric.NS_PER_FRAME)
                if spread:
                    medians[parameter] = spread.median
        target = f"largest <= {FLAT_WITHIN:g} x smallest"
        if len(medians) < 2:
            yield TargetVerdict(subject, Placement.ONE_CORE, target, "-", State.UNKNOWN)
            continue
        listed = ", ".join(f"{parameter:,}: {value:.0f} ns" for parameter, value in sorted(medians.items()))
        grown = max(medians.values()) / min(medians.values())
        yield TargetVerdict(
            subject, Placement.ONE_CORE, target, f"{grown:.2f} ({listed})", _judged(grown <= FLAT_WITHIN)
        )


_LINES: tuple[Callable[[Results], Iterator[TargetVerdict]], ...] = (
    _one_way,
    _large,
    _batches,
    _round_trips,
    _cpu,
    _growth,
)


def verdicts(results: Results) -> list[TargetVerdict]:
    """Every target, judged."""
    return [verdict for line in _LINES for verdict in line(results)]
