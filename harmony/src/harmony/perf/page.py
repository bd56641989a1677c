"""The result tables as one HTML file that asks nobody for anything. Pure."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from string import Template
from typing import Final

from harmony.perf.figures import Figure, ResultTable, State, short
from harmony.perf.tables import amount, relative, word

_TEMPLATE: Final = Path(__file__).with_name("page.html")


def page(
    tables: Sequence[ResultTable],
    facts: Mapping[str, str],
    notes: Sequence[str] = (),
    problems: Sequence[str] = (),
    title: str = "How fast each pairing is",
) -> str:
    """Return the page.

    Args:
        tables: What was measured.
        facts: What a reader must know of the run and the machine.
        notes: What makes the numbers doubtful, and who is missing.
        problems: What went wrong.
        title: The heading.
    """
    return Template(_TEMPLATE.read_text(encoding="utf-8")).substitute(
        title=_safe(title),
        facts="".join(f"<dt>{_safe(key)}</dt><dd>{_safe(value)}</dd>" for key, value in facts.items()),
        notes=_list("note", notes),
        problems=_list("problem", problems),
        tables="\n".join(_table(one) for one in tables) or "<p>nothing was measured</p>",
    )


def _table(table: ResultTable) -> str:
    rows, columns = table.roles
    best = table.fastest
    said = f", fastest {_safe('_'.join(best.pairing))}" if best else ""
    head = "".join(f"<th scope='col'>{_safe(name)}</th>" for name in table.platforms)
    return (
        f"<section><h2>{_safe(table.case.title)}</h2>"
        f"<p>{_safe(table.case.unit)}, {table.case.better} is better{said}</p>"
        f"<div class='scroll'><table><thead><tr><td class='corner'>{_safe(rows)} ↓ {_safe(columns)} →</td>{head}</tr>"
        f"</thead><tbody>{''.join(_rows(table))}</tbody></table></div></section>"
    )


def _rows(table: ResultTable) -> Iterator[str]:
    for row in table.platforms:
        cells = "".join(_cell(table, table.figures.get((row, column))) for column in table.platforms)
        yield f"<tr><th scope='row'>{_safe(row)}</th>{cells}</tr>"


def _cell(table: ResultTable, figure: Figure | None) -> str:
    if figure is None:
        return "<td class='none'></td>"
    if figure.state is not State.MEASURED:
        return f"<td class='{figure.state}' title='{_safe(figure.reason)}'><b>{word(figure)}</b></td>"
    shown = ", ".join(short(sample) for sample in figure.samples)
    ratio, _, spread = relative(figure).partition(" ")
    return (
        f"<td class='heat' style='--heat:{figure.heat:.3f}' title='{_safe(f'rounds: {shown} {table.case.unit}')}'>"
        f"<b>{ratio}</b> <small>{spread.strip('()')}</small><br>{_safe(amount(table, figure))}</td>"
    )


def _list(kind: str, lines: Sequence[str]) -> str:
    if not lines:
        return ""
    return f"<ul class='{kind}'>{''.join(f'<li>{_safe(line)}</li>' for line in lines)}</ul>"


def _safe(text: str) -> str:
    return html.escape(text, quote=True)
