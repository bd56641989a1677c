"""A matrix at a glance: how many cells passed, a square for each pair of roles. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from rich.table import Table
from rich.text import Text

from harmony.model import Verdict
from harmony.verdict.events import CellFinished, PlannedCells
from harmony.verdict.verdicts import MEANINGS, is_red


class Numbers(NamedTuple):
    """How many cells of two platforms there are.

    Attributes:
        passed: How many passed.
        ended: How many have ended.
        red: Whether one of these is red.
        of: How many are played.
    """

    passed: int
    ended: int
    red: bool
    of: int


@dataclass(frozen=True, slots=True)
class Square:
    """Two roles of the scenarios that have the same roles: who plays the one downwards, who the other to the right.

    Attributes:
        roles: The two; of scenarios with one role, nothing and that one.
        beside: The other roles of these scenarios, whoever plays them.
        scenarios: How many there are.
        rows: Who plays the first.
        columns: Who plays the second.
        counts: What came of the cells of each two.
    """

    roles: tuple[str, str]
    beside: tuple[str, ...]
    scenarios: int
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    counts: Mapping[tuple[str, str], Numbers]

    @property
    def title(self) -> str:
        """The roles, on one line."""
        title = " \\ ".join(filter(None, self.roles))
        return f"{title} (beside {', '.join(self.beside)})" if self.beside else title

    @property
    def table(self) -> list[list[str]]:
        """The title and the columns, and each row with a word for each column."""
        return [[self.title, *self.columns], *([row, *_words(self, row)] for row in self.rows)]


def squares(results: Iterable[CellFinished], planned: Iterable[PlannedCells] = ()) -> list[Square]:
    """Return the squares, those of scenarios with the fewest roles first.

    Args:
        results: One for each cell.
        planned: Of a run that goes on, how many cells there will be.
    """
    by_roles: dict[tuple[str, ...], tuple[list[CellFinished], list[PlannedCells]]] = {}
    for result in results:
        by_roles.setdefault(tuple(sorted(result.pairing)), ([], []))[0].append(result)
    for one in planned:
        by_roles.setdefault(tuple(sorted(one.pairing)), ([], []))[1].append(one)
    return [
        _square(*cells, pair, tuple(role for role in roles if role not in pair))
        for roles, cells in sorted(by_roles.items(), key=lambda one: (len(one[0]), one[0]))
        for pair in (itertools.combinations(roles, 2) if len(roles) > 1 else [("", role) for role in roles])
    ]


def lines_of(every: Sequence[Square]) -> list[str]:
    """Return squares as lines for a file or a pipe."""
    lines: list[str] = []
    for square in every:
        table = square.table
        sizes = [max(map(len, column)) for column in zip(*table, strict=True)]
        lines += [
            *([""] if lines else []),
            *("  ".join(f"{word:<{size}}" for word, size in zip(row, sizes, strict=True)).rstrip() for row in table),
        ]
    return lines


def tables(every: Sequence[Square]) -> Iterator[Table]:
    """Return squares for a terminal."""
    for square in every:
        table = Table(box=None, header_style="bold", pad_edge=False)
        table.add_column(square.title, no_wrap=True)
        for column in square.columns:
            table.add_column(column, no_wrap=True)
        for row in square.rows:
            styles = (_style(square.counts.get((row, column))) for column in square.columns)
            table.add_row(row, *(Text(word, style) for word, style in zip(_words(square, row), styles, strict=True)))
        yield table


def _square(
    cells: Sequence[CellFinished], planned: Sequence[PlannedCells], roles: tuple[str, str], beside: tuple[str, ...]
) -> Square:
    counts: dict[tuple[str, str], Numbers] = {}
    for some in planned:
        key = (some.pairing.get(roles[0], ""), some.pairing[roles[1]])
        counts[key] = Numbers(0, 0, red=False, of=some.cells + (counts[key].of if key in counts else 0))
    for cell in cells:
        key = (cell.pairing.get(roles[0], ""), cell.pairing[roles[1]])
        passed, ended, red, of = counts.get(key, Numbers(0, 0, red=False, of=0))
        now = passed + (cell.verdict is Verdict.PASSED), ended + 1, red or is_red(cell.verdict)
        counts[key] = Numbers(*now, of=max(of, ended + 1))
    return Square(
        roles,
        beside,
        max([len({cell.number or cell.title for cell in cells}), *(some.scenarios for some in planned)]),
        tuple(sorted({row for row, _ in counts})),
        tuple(sorted({column for _, column in counts})),
        counts,
    )


def _words(square: Square, row: str) -> list[str]:
    return [word(square.counts.get((row, column))) for column in square.columns]


def word(numbers: Numbers | None) -> str:
    """Return what stands in a square for the cells of two platforms."""
    if numbers is None:
        return ""
    passed, ended, red, of = numbers
    if passed == of:
        return f"■ {of}"
    sign = "✗" if red else "□" if ended == of else "▶" if ended else "·"
    return f"{sign} {passed}/{of}" if ended else f"{sign} {of}"


def _style(numbers: Numbers | None) -> str:
    if numbers is None:
        return ""
    verdict = Verdict.FAILED if numbers.red else Verdict.UNSUPPORTED
    return MEANINGS[Verdict.PASSED if numbers.passed == numbers.of else verdict].style
