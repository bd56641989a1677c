"""How long operations take, per scenario."""

from __future__ import annotations

import contextlib
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Statistics:
    """Seconds of one operation, summed up."""

    count: int
    min: float
    max: float
    mean: float
    median: float
    p95: float
    p99: float

    def __str__(self) -> str:
        """Return one line in milliseconds."""
        values = ("min", "median", "mean", "p95", "p99", "max")
        return f"n={self.count} " + " ".join(f"{name}={getattr(self, name) * 1e3:.3f}ms" for name in values)


class PerformanceMonitor:
    """Collects the durations of named operations."""

    def __init__(self) -> None:
        self._seconds: dict[str, list[float]] = {}

    @contextlib.contextmanager
    def measure(self, operation: str) -> Iterator[None]:
        """Time what happens inside, also if it fails."""
        begin = time.perf_counter()
        try:
            yield
        finally:
            self.record(operation, time.perf_counter() - begin)

    def record(self, operation: str, seconds: float) -> None:
        """Add one duration."""
        self._seconds.setdefault(operation, []).append(seconds)

    @property
    def operations(self) -> tuple[str, ...]:
        """What has been measured, in order of first appearance."""
        return tuple(self._seconds)

    def statistics(self, operation: str) -> Statistics:
        """Return the statistics of an operation.

        Raises:
            KeyError: It has never been measured.
        """
        seconds = self._seconds[operation]
        cuts = statistics.quantiles(seconds, n=100, method="inclusive") if len(seconds) > 1 else seconds * 99
        return Statistics(
            count=len(seconds),
            min=min(seconds),
            max=max(seconds),
            mean=statistics.fmean(seconds),
            median=statistics.median(seconds),
            p95=cuts[94],
            p99=cuts[98],
        )
