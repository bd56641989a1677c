"""The matrix for a terminal: a row for each scenario, a column for each pairing. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from rich.table import Table
from rich.text import Text

from harmony.model import Verdict
from harmony.plan.pairing import Pairing
from harmony.run.local_runner import PLATFORM
from harmony.verdict.events import CellFinished
from harmony.verdict.tally import combined, counts, natural_order
from harmony.verdict.verdicts import MEANINGS

_LONGEST_TITLE = 58


@dataclass(frozen=True, slots=True)
class Row:
    """One scenario.

    Attributes:
        key: What its cells are found by.
        title: Number and name.
        feature: The feature it belongs to.
    """

    key: str
    title: str
    feature: str


@dataclass(frozen=True, slots=True)
class Grid:
    """Results by scenario and pairing.

    Attributes:
        rows: Scenarios in the order of their numbers.
        columns: Pairings, those of fewer roles first.
        cells: What came of a scenario with a pairing; a pairing that does not fit a scenario's roles has no cell.
    """

    rows: tuple[Row, ...]
    columns: tuple[str, ...]
    cells: Mapping[tuple[str, str], CellFinished]

    @classmethod
    def of(cls, results: Sequence[CellFinished]) -> Grid:
        """Order results, whenever they came."""
        ordered = combined(results)
        rows = {_key(result): Row(_key(result), result.title, result.feature) for result in ordered}
        columns = {column_of(result) for result in ordered}
        return cls(
            tuple(sorted(rows.values(), key=lambda row: natural_order(row.key))),
            tuple(sorted(columns, key=lambda column: (column.count("_"), column))),
            {(_key(result), column_of(result)): result for result in ordered},
        )

    def without_green(self) -> Grid:
        """Return the rows in which something did not pass, with the columns that they have."""
        odd = {row for (row, _), cell in self.cells.items() if cell.verdict is not Verdict.PASSED}
        cells = {key: cell for key, cell in self.cells.items() if key[0] in odd}
        return Grid(
            tuple(row for row in self.rows if row.key in odd),
            tuple(column for column in self.columns if any(column == one for _, one in cells)),
            cells,
        )


def _key(result: CellFinished) -> str:
    return result.number or f"{result.feature}: {result.title}"


def column_of(result: CellFinished) -> str:
    """Return the short name of a result's pairing."""
    pairing = Pairing.of(result.pairing)
    return PLATFORM if set(result.pairing.values()) == {PLATFORM} else pairing.word


def is_matrix(results: Iterable[CellFinished]) -> bool:
    """Whether some result is of roles in processes of their own."""
    return any(column_of(result) != PLATFORM for result in results)


def grid_lines(grid: Grid, width: int = 120) -> list[str]:
    """Return the matrix as lines for a file or a pipe, or as wide as they may be; wide ones in several parts."""
    lines: list[str] = []
    left = max((len(_shown(row)) for row in grid.rows), default=8)
    for columns in _parts(grid.columns, width - left):
        sizes = [max(len(column), 5) for column in columns]
        head = [" " * left, *(f"{column:^{size}}" for column, size in zip(columns, sizes, strict=True))]
        lines += ["", "  ".join(head).rstrip()] if lines else ["  ".join(head).rstrip()]
        for row in grid.rows:
            words = [_word(grid.cells.get((row.key, column))) for column in columns]
            if any(words):
                shown = (f"{word:^{size}}" for word, size in zip(words, sizes, strict=True))
                lines.append("  ".join([f"{_shown(row):<{left}}", *shown]).rstrip())
    return lines


def blocks(*parts: Sequence[str]) -> list[str]:
    """Return lines with an empty one between two parts that are not empty."""
    lines: list[str] = []
    for part in filter(None, parts):
        lines += ["", *part] if lines else part
    return lines


def tables(grid: Grid, width: int) -> Iterator[Table]:
    """Return the matrix for a terminal; wide ones in several parts."""
    left = max((len(_shown(row)) for row in grid.rows), default=8)
    for columns in _parts(grid.columns, width - left - 4):
        table = Table(box=None, header_style="bold", pad_edge=False)
        table.add_column("", no_wrap=True)
        for column in columns:
            table.add_column(Text(column), justify="center", no_wrap=True)
        for row in grid.rows:
            cells = [grid.cells.get((row.key, column)) for column in columns]
            if any(cells):
                table.add_row(Text(_shown(row)), *(Text(_word(cell), _style(cell)) for cell in cells))
        yield table


def totals(results: Sequence[CellFinished]) -> str:
    """Return how many cells ended how, on one line."""
    found = counts(combined(results))
    return f"{sum(found.values())} cells: " + (", ".join(f"{n} {verdict}" for verdict, n in found.items()) or "none")


def style_of(verdict: Verdict) -> str:
    """Return the colour of a verdict on a terminal."""
    return MEANINGS[verdict].style


def _word(result: CellFinished | None) -> str:
    return MEANINGS[result.verdict].word if result else ""


def _style(result: CellFinished | None) -> str:
    return style_of(result.verdict) if result else ""


def _shown(row: Row) -> str:
    return row.title if len(row.title) <= _LONGEST_TITLE else f"{row.title[: _LONGEST_TITLE - 1]}…"


def _parts(columns: Sequence[str], width: int) -> Iterator[list[str]]:
    part: list[str] = []
    used = 0
    for column in columns:
        needed = max(len(column), 5) + 2
        if part and used + needed > width:
            yield part
            part, used = [], 0
        part.append(column)
        used += needed
    if part:
        yield part
