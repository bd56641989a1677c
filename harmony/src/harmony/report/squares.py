"""A matrix at a glance: how many cells of each pairing passed, a square for each number of roles. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from rich.table import Table
from rich.text import Text

from harmony.model import Verdict
from harmony.plan.pairing import Pairing
from harmony.verdict.events import CellFinished
from harmony.verdict.tally import combined
from harmony.verdict.verdicts import MEANINGS, is_red

Numbers = tuple[int, int, bool]
"""How many passed, of how many, and whether one is red."""


@dataclass(frozen=True, slots=True)
class Square:
    """Pairings of one number of roles: the last role to the right, the others downwards.

    Attributes:
        title: The roles.
        rows: Who plays all roles but the last.
        columns: Who plays the last.
        counts: What came of the cells of each pairing.
    """

    title: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    counts: Mapping[tuple[str, str], Numbers]

    @property
    def table(self) -> list[list[str]]:
        """The title and the columns, and each row with a word for each column."""
        return [[self.title, *self.columns], *([row, *_words(self, row)] for row in self.rows)]


def squares(results: Iterable[CellFinished]) -> list[Square]:
    """Return a square for each number of roles, the fewest first."""
    by_size: dict[int, list[CellFinished]] = {}
    for result in combined(results):
        by_size.setdefault(len(result.pairing), []).append(result)
    return [_square(cells) for _, cells in sorted(by_size.items())]


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


def _square(cells: Sequence[CellFinished]) -> Square:
    counts: dict[tuple[str, str], Numbers] = {}
    for cell in cells:
        *others, last = Pairing.of(cell.pairing).assigned
        key = ("_".join(platform for _, platform in others), last[1])
        passed, of, red = counts.get(key, (0, 0, False))
        counts[key] = passed + (cell.verdict is Verdict.PASSED), of + 1, red or is_red(cell.verdict)
    names = [sorted(cell.pairing) for cell in cells]
    positions = ["/".join(dict.fromkeys(position)) for position in zip(*names, strict=True)]
    *left, right = positions
    return Square(
        " \\ ".join([", ".join(left), right]) if left else right,
        tuple(sorted({row for row, _ in counts})),
        tuple(sorted({column for _, column in counts})),
        counts,
    )


def _words(square: Square, row: str) -> list[str]:
    return [_word(square.counts.get((row, column))) for column in square.columns]


def _word(numbers: Numbers | None) -> str:
    if numbers is None:
        return ""
    passed, of, red = numbers
    return f"■ {of}" if passed == of else f"{'✗' if red else '□'} {passed}/{of}"


def _style(numbers: Numbers | None) -> str:
    if numbers is None:
        return ""
    passed, of, red = numbers
    return MEANINGS[Verdict.PASSED if passed == of else Verdict.FAILED if red else Verdict.UNSUPPORTED].style
