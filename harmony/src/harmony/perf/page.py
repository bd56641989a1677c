"""The result tables as one HTML file that asks nobody for anything. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from harmony.perf.figures import ResultTable, short
from harmony.perf.tables import amount, relative, word
from harmony.report.template import render_template

_TEMPLATE: Final = Path(__file__).with_name("page.html")


def page(
    tables: Sequence[ResultTable],
    facts: Mapping[str, str],
    notes: Sequence[str] = (),
    problems: Sequence[str] = (),
    title: str = "How fast each pairing is",
) -> str:
    """Return a heat map for each table.

    Args:
        tables: What was measured.
        facts: What a reader must know of the run and the machine.
        notes: What makes the numbers doubtful, and who is missing.
        problems: What went wrong.
        title: The heading.
    """
    return render_template(
        _TEMPLATE,
        title=title,
        facts=facts,
        problems=problems,
        notes=notes,
        tables=tables,
        word=word,
        relative=relative,
        amount=amount,
        short=short,
    )
