"""Whose deviation it is: who is in the cells of a scenario that did not pass, and in none that did. Pure.

A platform in a role is to blame where every cell of the scenario with it did not pass, whoever else played. Two are
where they did not pass together only. Where no cell passed at all, nobody can be told from the others, nor can those
who have always played together.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from harmony.model import Verdict
from harmony.platform_settings import base_name
from harmony.verdict.events import CellFinished
from harmony.verdict.tally import combined, natural_order

_SILENT: Final = frozenset({Verdict.CRASHED, Verdict.TIMED_OUT})
_FAILED: Final = frozenset({Verdict.FAILED, Verdict.DEVIATES, Verdict.KNOWN_FAILURE, Verdict.FLAKY})


class Answer(StrEnum):
    """What a cell says about the implementations that played in it."""

    PASSED = "passed"
    DEVIATES = "deviates"
    UNSUPPORTED = "unsupported"
    OPEN = "open"

    @classmethod
    def of(cls, cell: CellFinished) -> Answer:
        """Return what a cell says. A leak, a mistake in a step and a set-up that went wrong say nothing."""
        if Verdict.PASSED in {cell.verdict, cell.found}:
            return cls.PASSED
        if cell.verdict is Verdict.UNSUPPORTED:
            return cls.UNSUPPORTED
        if cell.verdict in _SILENT or cell.found in _SILENT:
            return cls.DEVIATES
        return cls.DEVIATES if cell.verdict in _FAILED and cell.deviation is not False else cls.OPEN


Player = tuple[str, str]
"""A role, and the platform that plays it."""


@dataclass(frozen=True, slots=True)
class Attribution:
    """Cells of one scenario that did not pass, and who is in them.

    Attributes:
        who: One player: with every partner, or with the only one that has played. Several: only together. None: in
            every cell that there was.
        cells: Those that did not pass.
        of: How many cells with them have an answer.
        instead: Others who are in just these cells, too, so that it may be they.
    """

    who: tuple[Player, ...]
    cells: tuple[CellFinished, ...]
    of: int
    instead: tuple[tuple[Player, ...], ...] = ()

    @property
    def first(self) -> CellFinished:
        """The cell to look at."""
        return self.cells[0]

    @property
    def partners(self) -> Mapping[str, list[str]]:
        """By role, who else played in them."""
        own = dict(self.who)
        found: dict[str, set[str]] = {}
        for cell in self.cells:
            for role, platform in cell.pairing.items():
                if own.get(role) != platform:
                    found.setdefault(role, set()).add(platform)
        return {role: sorted(platforms, key=natural_order) for role, platforms in sorted(found.items())}

    def __str__(self) -> str:
        """Return who it is, and whether that depends on the partner."""
        count = f"({len(self.cells)} of {self.of})"
        if not self.who:
            return f"in every pairing that was played {count}: nobody can be told from the others"
        if self.instead:
            return f"{' or '.join(map(_named, (self.who, *self.instead)))}, who always played together {count}"
        if len(self.who) > 1:
            return f"only {_named(self.who)} {count}"
        if not self.partners:
            return f"{_named(self.who)} {count}"
        several = any(len(platforms) > 1 for platforms in self.partners.values())
        partners = "every partner" if several else "the only partner that has played"
        return f"{_named(self.who)}, with {partners} {count}"


def attributed(results: Iterable[CellFinished]) -> list[Attribution]:
    """Return whose deviations the cells of one scenario are, those that explain the most first."""
    every = [one for one in combined(results) if Answer.of(one) in {Answer.PASSED, Answer.DEVIATES}]
    left = [one for one in every if Answer.of(one) is Answer.DEVIATES]
    if left and len(left) == len(every) and len(every) > 1:
        return [Attribution((), tuple(left), len(every))]
    found: list[Attribution] = []
    most = max((len(one.pairing) for one in left), default=0)
    for size in range(1, most + 1):
        while left and (best := _best(left, every, size)) is not None:
            found.append(best)
            gone = {one.cell for one in best.cells}
            left = [one for one in left if one.cell not in gone]
    return found


def by_scenario(results: Iterable[CellFinished]) -> dict[str, list[CellFinished]]:
    """Return results by the number or title of their scenario, in its order; rows of an outline are scenarios."""
    found: dict[str, list[CellFinished]] = {}
    for one in results:
        found.setdefault(one.number or one.title, []).append(one)
    return {key: found[key] for key in sorted(found, key=natural_order)}


def weak(cell: CellFinished, families: Mapping[str, str]) -> bool:
    """Whether two roles of a cell are played by implementations that share code, so that it proves little."""
    kin = [families.get(name) or f"platform {base_name(name)}" for name in cell.pairing.values()]
    return len(set(kin)) < len(kin)


def _best(left: Sequence[CellFinished], every: Sequence[CellFinished], size: int) -> Attribution | None:
    """Return the players, so many, in whose presence no cell passed and who are in the most that are left."""
    answers = Counter(group for one in every for group in _groups(one, size))
    deviating = Counter(group for one in every if Answer.of(one) is Answer.DEVIATES for group in _groups(one, size))
    theirs: dict[tuple[Player, ...], list[CellFinished]] = {}
    for one in left:
        for group in _groups(one, size):
            theirs.setdefault(group, []).append(one)
    best: Attribution | None = None
    for group in sorted(theirs):
        if answers[group] == deviating[group]:
            mine = tuple(theirs[group])
            if best is None or len(mine) > len(best.cells):
                best = Attribution(group, mine, answers[group])
            elif mine == best.cells:
                best = replace(best, instead=(*best.instead, group))
    return best


def _groups(cell: CellFinished, size: int) -> Iterator[tuple[Player, ...]]:
    return itertools.combinations(sorted(cell.pairing.items()), size)


def _named(who: Sequence[Player]) -> str:
    return " with ".join(f"{role}={platform}" for role, platform in who)
