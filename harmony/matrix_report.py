"""The matrix, as text for a terminal and as one HTML file. Pure."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from typing import Final

from harmony.actor import Verdict
from harmony.events import CellFinished
from harmony.outcome import counts
from harmony.pairing import Pairing

SIGNS: Final[dict[Verdict, str]] = {
    Verdict.PASSED: "ok",
    Verdict.FAILED: "FAIL",
    Verdict.ERRORED: "ERR",
    Verdict.CRASHED: "CRASH",
    Verdict.TIMED_OUT: "TIME",
    Verdict.UNSUPPORTED: "n/a",
    Verdict.UNDEFINED: "UNDEF",
    Verdict.AMBIGUOUS: "AMBIG",
    Verdict.KNOWN_FAILURE: "known",
    Verdict.UNEXPECTED_PASS: "UNEXP",
    Verdict.FLAKY: "FLAKY",
}


def as_text(results: Sequence[CellFinished], unavailable: Mapping[str, str]) -> list[str]:
    """Return the matrix as lines: a row for each scenario, a column for each pairing."""
    rows, columns, cells = _grid(results)
    titles = {key: f"{key} {title}".strip()[:58] for key, title in rows.items()}
    width = max([len(title) for title in titles.values()], default=8)
    widths = [max(len(column), 5) for column in columns]
    head = "  ".join([" " * width, *(f"{column:^{size}}" for column, size in zip(columns, widths, strict=True))])
    lines = [head.rstrip()]
    for key, title in titles.items():
        signs = [SIGNS[cells[key, column].verdict] if (key, column) in cells else "" for column in columns]
        shown = [f"{sign:^{size}}" for sign, size in zip(signs, widths, strict=True)]
        lines.append("  ".join([f"{title:<{width}}", *shown]).rstrip())
    lines += ["", "  ".join(f"{number} {verdict}" for verdict, number in counts(results).items()) or "nothing ran"]
    lines += [f"not available: {name}: {reason}" for name, reason in sorted(unavailable.items())]
    return lines


def as_html(results: Sequence[CellFinished], unavailable: Mapping[str, str], head: Mapping[str, str]) -> str:
    """Return the matrix as one HTML file without any other."""
    rows, columns, cells = _grid(results)
    table = [
        "<table><thead><tr><th>scenario</th>",
        *(f"<th>{_safe(column)}</th>" for column in columns),
        "</tr></thead>",
    ]
    table.append("<tbody>")
    for key, title in rows.items():
        table.append(f"<tr><th>{_safe(f'{key} {title}'.strip())}</th>")
        table += [_cell(cells.get((key, column))) for column in columns]
        table.append("</tr>")
    table.append("</tbody></table>")
    failures = [_failure(result) for result in results if result.verdict not in {Verdict.PASSED, Verdict.UNSUPPORTED}]
    facts = {**head, "cells": ", ".join(f"{number} {verdict}" for verdict, number in counts(results).items())}
    facts |= {f"not available: {name}": reason for name, reason in unavailable.items()}
    return _PAGE.format(
        facts="".join(f"<dt>{_safe(key)}</dt><dd>{_safe(value)}</dd>" for key, value in facts.items()),
        table="".join(table),
        failures="".join(failures) or "<p>none</p>",
    )


def _grid(
    results: Sequence[CellFinished],
) -> tuple[dict[str, str], list[str], dict[tuple[str, str], CellFinished]]:
    ordered = sorted(results, key=lambda result: (_natural(result.number or result.title), result.cell))
    rows = {result.number or result.title: result.title for result in ordered}
    rows = {key: (title.removeprefix(key).strip() if title != key else "") for key, title in rows.items()}
    cells = {(result.number or result.title, _column(result)): result for result in ordered}
    return rows, sorted({column for _, column in cells}, key=lambda column: (column.count("_"), column)), cells


def _column(result: CellFinished) -> str:
    return Pairing.of(result.pairing).word


def _natural(text: str) -> tuple[tuple[int, str], ...]:
    return tuple((int(part), "") if part.isdigit() else (-1, part) for part in re.findall(r"\d+|\D+", text))


def _cell(result: CellFinished | None) -> str:
    if result is None:
        return "<td></td>"
    title = _safe(f"{result.cell}: {result.verdict.value}, {result.seconds:.3f} s\n{result.error}")
    return f'<td class="{result.verdict.value}" title="{title}">{SIGNS[result.verdict]}</td>'


def _failure(result: CellFinished) -> str:
    return (
        f"<details><summary>{_safe(result.cell)}: {result.verdict.value}</summary>"
        f"<pre>{_safe(result.error)}</pre><p>repeat with: <code>{_safe(result.repeat)}</code></p></details>"
    )


def _safe(text: str) -> str:
    return html.escape(text, quote=True)


_PAGE: Final = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Matrix</title>
<style>
body {{ font: 15px/1.4 system-ui, sans-serif; margin: 2rem; color: #1b1f24; background: #fff }}
table {{ border-collapse: collapse; margin: 1rem 0 }}
th, td {{ border: 1px solid #d0d7de; padding: .25rem .6rem; text-align: center }}
tbody th {{ text-align: left; font-weight: normal }}
thead th {{ position: sticky; top: 0; background: #f6f8fa }}
td.passed {{ background: #dafbe1 }} td.unsupported {{ background: #eaeef2; color: #57606a }}
td.known-failure {{ background: #fff8c5 }}
td.failed, td.errored, td.crashed, td.timed-out, td.undefined, td.ambiguous, td.unexpected-pass, td.flaky
{{ background: #ffcecb; font-weight: 600 }}
dt {{ font-weight: 600 }} pre {{ white-space: pre-wrap; background: #f6f8fa; padding: .6rem }}
</style>
<h1>Matrix</h1><dl>{facts}</dl>{table}<h2>What did not pass</h2>{failures}
</html>
"""
