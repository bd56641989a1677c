"""The report of a platform as one HTML file that asks nobody for anything. Pure."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from harmony.mutate.equivalents import MUTANTS_FILE
from harmony.mutate.judgement import Outcome
from harmony.mutate.report import Report
from harmony.report.template import render_template

_TEMPLATE: Final = Path(__file__).with_name("page.html")


def page(report: Report) -> str:
    """Return the score, survivors as diffs, the kill matrix and all else that is known."""
    matrix = report.matrix
    return render_template(
        _TEMPLATE,
        title=f"Faults of {report.platform}",
        report=report,
        notes=report.notes,
        matrix=matrix,
        most=max((count for row in matrix.rows.values() for count in row), default=1),
        equivalents=MUTANTS_FILE,
        survivors=[(one, report.diff(one).splitlines(), report.entry(one)) for one in report.of(Outcome.SURVIVED)],
        told=[
            (word, report.of(outcome))
            for outcome, word in (
                (Outcome.EQUIVALENT, "Equivalent"),
                (Outcome.UNDECIDED, "Undecided"),
                (Outcome.UNBUILDABLE, "Did not build"),
            )
        ],
    )
