"""What came of a run, in numbers: medians, the spread, and how fast each pairing is beside the fastest. Pure."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from harmony.perf.case import Better, PerfCase

_COLDEST: Final = 1 / 10
_PREFIXES: Final = ((1e9, "G"), (1e6, "M"), (1e3, "k"))
_PREFIXED_FROM: Final = 10_000


class State(StrEnum):
    """What a cell has to say."""

    MEASURED = "measured"
    FAILED = "failed"
    UNSUPPORTED = "unsupported"


@dataclass(slots=True)
class Record:
    """What one pairing gave for one case.

    Attributes:
        samples: A number for each round.
        failure: Why there is none; the first failure ends the measuring of this cell.
        lack: Why it was not even tried: what a platform does not claim, or does not have.
    """

    samples: list[float] = field(default_factory=list)
    failure: str = ""
    lack: str = ""


@dataclass(frozen=True, slots=True)
class Figure:
    """One cell of a result table.

    Attributes:
        pairing: The platforms, in the alphabetical order of the roles.
        state: Whether there is a number.
        reason: Why there is none.
        samples: In the order of the rounds.
        median: Of them.
        least: The smallest.
        most: The largest.
        relative: How fast it is beside the fastest pairing, which has 1; half of it for twice the time.
        low: The same of its slowest sample.
        high: The same of its fastest sample.
    """

    pairing: tuple[str, str]
    state: State
    reason: str = ""
    samples: tuple[float, ...] = ()
    median: float = math.nan
    least: float = math.nan
    most: float = math.nan
    relative: float = math.nan
    low: float = math.nan
    high: float = math.nan

    @property
    def heat(self) -> float:
        """From 0 (a tenth of the fastest, or slower) to 1 (the fastest), in equal steps for equal ratios."""
        if self.state is not State.MEASURED or self.relative <= 0:
            return 0.0
        return min(1.0, max(0.0, 1 - math.log(self.relative) / math.log(_COLDEST)))


@dataclass(frozen=True, slots=True)
class ResultTable:
    """All cells of one case.

    Attributes:
        case: What was measured.
        platforms: Those that took part, sorted.
        figures: By pairing.
    """

    case: PerfCase
    platforms: tuple[str, ...]
    figures: Mapping[tuple[str, str], Figure]

    @property
    def roles(self) -> tuple[str, str]:
        """The role of the rows and the role of the columns."""
        first, second = sorted(self.case.roles)
        return first, second

    @property
    def fastest(self) -> Figure | None:
        """The cell that has 1.0; none if nothing was measured."""
        return next((one for one in self.figures.values() if one.relative == 1.0), None)


def result_table(case: PerfCase, records: Mapping[tuple[str, str], Record]) -> ResultTable:
    """Return what came of one case."""
    medians = {pairing: statistics.median(one.samples) for pairing, one in records.items() if _counts(one)}
    pick = max if case.better is Better.MORE else min
    best = pick(medians.values(), default=math.nan)
    platforms = sorted({platform for pairing in records for platform in pairing})
    figures = {pairing: _figure(pairing, records[pairing], case.better, best) for pairing in sorted(records)}
    return ResultTable(case, tuple(platforms), figures)


def failures(tables: Sequence[ResultTable]) -> list[str]:
    """Name every cell that failed, and why."""
    return [
        f"{one.case.name} {'_'.join(figure.pairing)}: {figure.reason}"
        for one in tables
        for figure in one.figures.values()
        if figure.state is State.FAILED
    ]


def short(value: float, unit: str = "") -> str:
    """Return a number with three digits that matter: ``3.71 M``, ``44.6``, ``0.0712``, with a unit ``237 MB/s``."""
    for factor, prefix in _PREFIXES:
        if value >= max(factor, _PREFIXED_FROM):
            return f"{_three(value / factor)} {prefix}{unit}"
    return f"{_three(value)} {unit}".rstrip()


def _three(value: float) -> str:
    if value == 0:
        return "0"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:,.{digits}f}"


def _counts(record: Record) -> bool:
    return bool(record.samples) and not record.failure and not record.lack


def _figure(pairing: tuple[str, str], record: Record, better: Better, best: float) -> Figure:
    samples = tuple(record.samples)
    if record.failure:
        return Figure(pairing, State.FAILED, record.failure, samples)
    if not samples:
        return Figure(pairing, State.UNSUPPORTED, record.lack or "nothing was measured")
    least, most, median = min(samples), max(samples), statistics.median(samples)
    if better is Better.MORE:
        relative, low, high = median / best, least / best, most / best
    else:
        relative, low, high = best / median, best / most, best / least
    return Figure(pairing, State.MEASURED, "", samples, median, least, most, relative, low, high)
