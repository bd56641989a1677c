"""What the judgements of a platform say together. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from harmony.mutate.fault import Fault, Patch
from harmony.mutate.finding import OPERATORS
from harmony.mutate.judgement import Judgement, Outcome

PATCH: Final = "patch"
"""The class of faults of one's own."""
_SURE: Final = 1.96
"""Standard deviations on both sides that hold 95 of 100."""


@dataclass(frozen=True, slots=True)
class Score:
    """How many faults ended how.

    Attributes:
        counts: By outcome.
        by_timeout: Of the killed ones, those that only a deadline has found.
    """

    counts: Mapping[Outcome, int]
    by_timeout: int = 0

    @classmethod
    def of(cls, judgements: Iterable[Judgement]) -> Score:
        """Return the score of judgements."""
        known = list(judgements)
        counts = Counter(one.outcome for one in known)
        late = sum(one.by_timeout for one in known if one.outcome is Outcome.KILLED)
        return cls({outcome: counts[outcome] for outcome in Outcome}, late)

    @property
    def decided(self) -> int:
        """How many count: the killed and the survived."""
        return self.counts[Outcome.KILLED] + self.counts[Outcome.SURVIVED]

    @property
    def value(self) -> float | None:
        """The killed of those that count; None if none does."""
        return self.counts[Outcome.KILLED] / self.decided if self.decided else None

    @property
    def range(self) -> tuple[float, float]:
        """What the score of all faults is between, 95 times of 100, as those of a sample tell (Wilson's interval)."""
        count, share = self.decided, self.value
        if share is None:
            return 0.0, 1.0
        scale = 1 + _SURE**2 / count
        middle = (share + _SURE**2 / (2 * count)) / scale
        half = _SURE * math.sqrt(share * (1 - share) / count + _SURE**2 / (4 * count**2)) / scale
        return max(0.0, middle - half), min(1.0, middle + half)

    def __str__(self) -> str:
        """Return it for a person: never rounded up to 1."""
        share = self.value
        if share is None:
            return "no score: no fault was decided"
        rest = ", ".join(f"{count} {word}" for word, count in self._rest())
        killed = f"{_rounded(share)}: {self.counts[Outcome.KILLED]} of {self.decided} killed"
        return f"{killed}; {rest}" if rest else killed

    def _rest(self) -> list[tuple[str, int]]:
        return [
            (word, self.counts[outcome])
            for outcome, word in (
                (Outcome.SURVIVED, "survived"),
                (Outcome.EQUIVALENT, "equivalent"),
                (Outcome.UNBUILDABLE, "did not build"),
                (Outcome.UNDECIDED, "undecided"),
            )
            if self.counts[outcome]
        ]


@dataclass(frozen=True, slots=True)
class KillMatrix:
    """Which scenarios found which classes of faults.

    Attributes:
        operators: The classes that occur, in their usual order.
        rows: Of each scenario that found some, how many of each class; the most first.
    """

    operators: tuple[str, ...]
    rows: Mapping[str, tuple[int, ...]]

    @classmethod
    def of(cls, judgements: Iterable[Judgement]) -> KillMatrix:
        """Return the matrix of judgements: of all killers, where they are known."""
        found: dict[str, Counter[str]] = {}
        for one in judgements:
            for scenario in killers(one):
                found.setdefault(scenario, Counter())[operator_of(one.fault)] += 1
        seen = {operator for row in found.values() for operator in row}
        operators = tuple(one for one in (*OPERATORS, PATCH) if one in seen)
        ordered = sorted(found.items(), key=lambda item: (-item[1].total(), item[0]))
        return cls(operators, {name: tuple(row[one] for one in operators) for name, row in ordered})


@dataclass(frozen=True, slots=True)
class FileScore:
    """How many faults of a file were found."""

    file: str
    score: Score


def operator_of(fault: Fault | Patch) -> str:
    """Return the class of a fault."""
    return fault.operator if isinstance(fault, Fault) else PATCH


def killers(judgement: Judgement) -> tuple[str, ...]:
    """Return the scenarios that found a fault, as far as they are known."""
    if judgement.outcome is not Outcome.KILLED:
        return ()
    return judgement.killers or ((judgement.scenario,) if judgement.scenario else ())


def never_alone(judgements: Iterable[Judgement], scenarios: Sequence[str]) -> list[str]:
    """Return the scenarios that were never the only killer."""
    alone = {only for one in judgements if len(known := set(killers(one))) == 1 for only in known}
    return [one for one in scenarios if one not in alone]


def weakest(judgements: Iterable[Judgement]) -> list[FileScore]:
    """Return the files with survivors, the one with the least score first."""
    of_file: dict[str, list[Judgement]] = {}
    for one in judgements:
        for file in one.fault.files:
            of_file.setdefault(file, []).append(one)
    scores = [FileScore(file, Score.of(some)) for file, some in of_file.items()]
    weak = [one for one in scores if one.score.counts[Outcome.SURVIVED]]
    return sorted(weak, key=lambda one: (one.score.value or 0.0, -one.score.counts[Outcome.SURVIVED], one.file))


def _rounded(share: float) -> str:
    return f"{math.floor(share * 10_000 + 1e-9) / 100:.2f} %"
