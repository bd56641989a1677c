"""The matrix as one HTML file that asks nobody for anything. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from harmony.model import Verdict
from harmony.report.causes import detail, headline
from harmony.report.template import render_template
from harmony.report.terminal import Grid, Row
from harmony.text import shortened
from harmony.verdict.blame import blame
from harmony.verdict.events import CellFinished, StepSupport
from harmony.verdict.support import SupportTable, in_cells, unclaimed
from harmony.verdict.tally import combined, counts
from harmony.verdict.verdicts import MEANINGS

_TEMPLATE: Final = Path(__file__).with_name("page.html")
_LONGEST_REPORT: Final = 12_000
_MANY_COLUMNS: Final = 9


def html_report(
    results: Sequence[CellFinished],
    facts: Mapping[str, str] | None = None,
    problems: Sequence[str] = (),
    supports: Sequence[StepSupport] = (),
    title: str = "Conformance matrix",
) -> str:
    """Return a table of scenarios and pairings in which whatever did not pass unfolds.

    Args:
        results: What came of the cells.
        facts: What else a reader should know, such as the seed.
        problems: What is wrong with the expectations.
        supports: Which platform has which step, of those that somebody lacks.
        title: The heading.
    """
    grid = Grid.of(results)
    every = combined(results)
    return render_template(
        _TEMPLATE,
        title=title,
        facts=facts or {},
        counts=counts(every),
        blames=blame(every),
        headline=headline,
        detail=detail,
        meanings=MEANINGS,
        problems=problems,
        unclaimed=unclaimed([one.note for one in every]),
        columns=grid.columns,
        wide=len(grid.columns) >= _MANY_COLUMNS,
        lines=list(_lines(grid)),
        support=SupportTable.of(supports, {name for one in results for name in one.pairing.values()}),
        in_cells=in_cells,
        shortened=partial(shortened, limit=_LONGEST_REPORT),
    )


def _lines(grid: Grid) -> Iterator[tuple[Row, list[tuple[CellFinished | None, int]]]]:
    """Give each scenario with its cells; a cell that unfolds has a number, the others have 0."""
    numbers = itertools.count(1)
    for row in grid.rows:
        cells = [grid.cells.get((row.key, column)) for column in grid.columns]
        yield row, [(one, next(numbers) if one and _unfolds(one) else 0) for one in cells]


def _unfolds(one: CellFinished) -> bool:
    return one.verdict is not Verdict.PASSED or bool(one.alarms)
