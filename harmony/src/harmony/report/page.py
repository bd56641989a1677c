"""The matrix as one HTML file that asks nobody for anything. Pure."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from string import Template
from typing import Final

from harmony.model import Verdict
from harmony.report.terminal import Grid, Row
from harmony.verdict.comparison import shortened
from harmony.verdict.events import CellFinished, PlatformSupport, StepSupport, Support
from harmony.verdict.support import SupportTable, in_cells, unclaimed, word
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
    """Return the page.

    Args:
        results: What came of the cells.
        facts: What else a reader should know, such as the seed.
        problems: What is wrong with the expectations.
        supports: Which platform has which step, of those that somebody lacks.
        title: The heading.
    """
    grid = Grid.of(results)
    body = "\n".join(_rows(grid))
    return Template(_TEMPLATE.read_text(encoding="utf-8")).substitute(
        title=_safe(title),
        facts="".join(f"<dt>{_safe(key)}</dt><dd>{_safe(value)}</dd>" for key, value in (facts or {}).items()),
        chips=_chips(combined(results)),
        problems=_list("Expectations that are not true", problems),
        columns="".join(f'<th scope="col"><span>{_safe(column)}</span></th>' for column in grid.columns),
        wide=' class="wide"' if len(grid.columns) >= _MANY_COLUMNS else "",
        body=body or "<tr><th>nothing ran</th></tr>",
        support=_support(SupportTable.of(supports, {name for one in results for name in one.pairing.values()})),
        unclaimed=_list("Capabilities that are not claimed", unclaimed([one.note for one in combined(results)])),
    )


def _rows(grid: Grid) -> Iterator[str]:
    feature = None
    number = 0
    span = len(grid.columns) + 1
    for row in grid.rows:
        if row.feature != feature:
            feature = row.feature
            yield f'<tr class="f"><th colspan="{span}" scope="rowgroup">{_safe(feature)}</th></tr>'
        cells: list[str] = []
        details: list[str] = []
        for column in grid.columns:
            result = grid.cells.get((row.key, column))
            if result is None:
                cells.append("<td></td>")
                continue
            if result.verdict is not Verdict.PASSED:
                number += 1
                details.append(_details(result, number, span))
            cells.append(_cell(result, number))
        quiet = "" if details else ' class="q"'
        yield f"<tr{quiet}>{_heading(row)}{''.join(cells)}</tr>{''.join(details)}"


def _heading(row: Row) -> str:
    return f'<th scope="row">{_safe(row.title)}</th>'


def _cell(result: CellFinished, number: int) -> str:
    word = MEANINGS[result.verdict].word
    title = f"{result.seconds:.3f} s"
    if result.verdict is Verdict.PASSED:
        return f'<td class="passed" title="{title}">{word}</td>'
    return (
        f'<td class="{result.verdict.value}"><button title="{result.verdict.value}, {title}" '
        f'aria-expanded="false" aria-controls="d{number}">{word}</button></td>'
    )


def _details(result: CellFinished, number: int, span: int) -> str:
    note = f"<p>{_safe(result.note)}</p>" if result.note else ""
    step = f"<p>{_safe(result.step)} <small>{_safe(result.place)}</small></p>" if result.step else ""
    error = f"<pre>{_safe(shortened(result.error, _LONGEST_REPORT))}</pre>" if result.error else ""
    report = (
        f"<details><summary>steps and logs</summary><pre>{_safe(shortened(result.report, _LONGEST_REPORT))}</pre>"
        "</details>"
        if result.report
        else ""
    )
    heading = f"<h3>{_safe(result.cell)}: {result.verdict.value}</h3>"
    return (
        f'<tr class="d" id="d{number}" hidden><td colspan="{span}"><div>{heading}'
        f"{note}{step}{error}{report}<p>repeat with <code>{_safe(result.repeat)}</code></p></div></td></tr>"
    )


def _chips(results: Sequence[CellFinished]) -> str:
    return "".join(
        f'<li class="{verdict}" title="{_safe(MEANINGS[Verdict(verdict)].says)}"><b>{number}</b> {verdict} '
        f"<small>{MEANINGS[Verdict(verdict)].word}</small></li>"
        for verdict, number in counts(results).items()
    )


def _list(heading: str, lines: Sequence[str]) -> str:
    if not lines:
        return ""
    return f"<h2>{_safe(heading)}</h2><ul>{''.join(f'<li>{_safe(line)}</li>' for line in lines)}</ul>"


def _support(table: SupportTable) -> str:
    if not table.rows:
        return ""
    head = "".join(f"<th scope='col'>{_safe(name)}</th>" for name in table.platforms)
    rows = "".join(
        f"<tr><th scope='row'>{_safe(step)}</th>"
        + "".join(_support_cell(row.get(name)) for name in table.platforms)
        + "</tr>"
        for step, row in table.rows.items()
    )
    return (
        "<h2>Step x platform</h2><p>Every step that some platform lacks, or has and declines. An empty cell was never "
        f"asked.</p><div class='scroll'><table class='support'><thead><tr><th scope='col'>step</th>{head}</tr></thead>"
        f"<tbody>{rows}</tbody></table></div>"
    )


def _support_cell(one: PlatformSupport | None) -> str:
    if one is None:
        return "<td></td>"
    if one.state is Support.HAS:
        return "<td class='passed'>has</td>"
    words = f"<br><q>{_safe(one.words)}</q>" if one.words else ""
    return f"<td class='unsupported'><b>{word(one)}</b> in {in_cells(one)}{words}</td>"


def _safe(text: str) -> str:
    return html.escape(text, quote=True)
