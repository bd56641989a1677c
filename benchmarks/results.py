"""Numbers: what the repeats gave, and what follows from them. Pure, except that the collection grows."""

import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from benchmarks.contenders import JobResult
from benchmarks.plan import ONE_DIRECTION, Case, Kind

FRAMES_PER_SECOND = "frames_per_s"
PRODUCER_CPU = "producer_cpu_ns"
CONSUMER_CPU = "consumer_cpu_ns"
P50, P99, P999 = "p50_ns", "p99_ns", "p999_ns"
CPU_SHARE = "cpu_share"
NS_PER_FRAME = "ns_per_frame"


@dataclass(frozen=True)
class Spread:
    """Median and range of the repeats.

    Attributes:
        median: The middle one.
        low: The smallest.
        high: The largest.
    """

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Iterable[float]) -> "Spread":
        """The spread of some values, at least one."""
        listed = sorted(values)
        return cls(statistics.median(listed), listed[0], listed[-1])


def percentile(ordered: list[int], share: float) -> int:
    """The value that ``share`` of the sorted samples do not exceed (nearest rank)."""
    return ordered[min(len(ordered) - 1, max(0, round(share * len(ordered)) - 1))]


def metrics(case: Case, outcome: JobResult) -> dict[str, float]:
    """The metrics of one repeat."""
    match case.kind:
        case kind if kind in ONE_DIRECTION:
            return {
                FRAMES_PER_SECOND: outcome.count / outcome.elapsed_ns * 1e9,
                PRODUCER_CPU: outcome.producer_cpu_ns / outcome.count,
                CONSUMER_CPU: outcome.consumer_cpu_ns / outcome.count,
            }
        case Kind.ROUND_TRIP:
            ordered = sorted(outcome.samples_ns)
            return {
                P50: percentile(ordered, 0.5),
                P99: percentile(ordered, 0.99),
                P999: percentile(ordered, 0.999),
                PRODUCER_CPU: outcome.producer_cpu_ns / outcome.count,
                CONSUMER_CPU: outcome.consumer_cpu_ns / outcome.count,
            }
        case Kind.IDLE:
            return {CPU_SHARE: outcome.consumer_cpu_ns / outcome.elapsed_ns}
        case Kind.GROWTH_CAPACITY | Kind.GROWTH_BUFFERS | Kind.GROWTH_FRAMES:
            return {NS_PER_FRAME: statistics.median(outcome.slices_ns)}


@dataclass
class Results:
    """All repeats of all contenders for all cases.

    Attributes:
        facts: The machine and the run.
        versions: Contender -> version.
        absent: Contender -> why it does not take part.
        repeats: Case key -> contender -> metrics of each repeat, in order.
        failures: Case key -> contender -> why there is no number.
        disturbed: Case key -> repeats in which other work on this machine kept a process from its core.
    """

    facts: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)
    repeats: dict[str, dict[str, list[dict[str, float]]]] = field(default_factory=dict)
    failures: dict[str, dict[str, str]] = field(default_factory=dict)
    disturbed: dict[str, int] = field(default_factory=dict)

    def add(self, case: Case, contender: str, values: dict[str, float]) -> None:
        """Adds one repeat."""
        self.repeats.setdefault(case.key, {}).setdefault(contender, []).append(values)

    def fail(self, case: Case, contender: str, why: str) -> None:
        """Notes that a contender has no number for a case."""
        self.failures.setdefault(case.key, {})[contender] = why

    def contenders(self, case: Case) -> list[str]:
        """Who has numbers for this case."""
        return list(self.repeats.get(case.key, {}))

    def values(self, case: Case, contender: str, metric: str) -> list[float]:
        """One metric, repeat by repeat; empty when there is none."""
        return [repeat[metric] for repeat in self.repeats.get(case.key, {}).get(contender, []) if metric in repeat]

    def spread(self, case: Case, contender: str, metric: str) -> Spread | None:
        """Median and range of one metric."""
        values = self.values(case, contender, metric)
        return Spread.of(values) if values else None

    def best(self, case: Case, contenders: Iterable[str], metric: str = FRAMES_PER_SECOND) -> str | None:
        """Who has the highest median of some."""
        medians = {name: spread.median for name in contenders if (spread := self.spread(case, name, metric))}
        return max(medians, key=lambda name: medians[name]) if medians else None

    def ratio(self, case: Case, contender: str, other: str, metric: str = FRAMES_PER_SECOND) -> Spread | None:
        """``contender`` against ``other``, repeat by repeat: both of a pair have run within the same few seconds."""
        pairs = zip(self.values(case, contender, metric), self.values(case, other, metric), strict=False)
        ratios = [mine / theirs for mine, theirs in pairs if theirs]
        return Spread.of(ratios) if ratios else None

    def to_json(self) -> dict[str, Any]:
        """Everything, with medians beside the repeats."""
        medians = {
            case: {
                name: {metric: statistics.median(r[metric] for r in repeats) for metric in repeats[0]}
                for name, repeats in by_name.items()
            }
            for case, by_name in self.repeats.items()
        }
        return {
            "facts": self.facts,
            "versions": self.versions,
            "absent": self.absent,
            "medians": medians,
            "repeats": self.repeats,
            "failures": self.failures,
            "disturbed": self.disturbed,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Results":
        """What `to_json` wrote."""
        return cls(
            data["facts"], data["versions"], data["absent"], data["repeats"], data["failures"], data["disturbed"]
        )
