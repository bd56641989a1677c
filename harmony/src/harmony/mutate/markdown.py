"""The report of a platform as Markdown, for the summary of a job. Pure, and bounded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from harmony.mutate.judgement import Judgement, Outcome
from harmony.mutate.report import Report
from harmony.report.markdown import bounded, escaped, fenced

_MOST_ROWS: Final = 40


def markdown(report: Report) -> str:
    """Return the score, survivors as diffs, the kill matrix, weak files, and what repeats it."""
    return "\n\n".join(bounded([one for one in _parts(report) if one])) + "\n"


def _parts(report: Report) -> Iterator[str]:
    yield f"## Faults of {escaped(report.platform)}: {escaped(str(report.score))}"
    yield "\n".join(f"- {escaped(one)}" for one in report.notes)
    yield _table(["", ""], [[name, value] for name, value in report.facts.items()])
    if report.command:
        yield fenced([report.repeat], "sh")
    if survivors := report.of(Outcome.SURVIVED):
        yield f"### {len(survivors)} survived"
        for one in survivors:
            yield f"**{escaped(one.fault.name)}** {escaped(one.fault.place)}"
            yield fenced(report.diff(one).splitlines(), "diff")
    if weak := report.weakest:
        yield "### Weakest files"
        yield _table(["file", "score"], [[one.file, str(one.score)] for one in weak])
    matrix = report.matrix
    if matrix.rows:
        yield "### Kill matrix"
        rows = [[name, *(str(one or "") for one in row), str(sum(row))] for name, row in matrix.rows.items()]
        yield _table(["scenario", *matrix.operators, "all"], rows)
    if report.idle:
        yield f"### {report.idle_title[0].upper()}{escaped(report.idle_title[1:])}"
        yield escaped(", ".join(report.idle))
    if patches := report.patches():
        yield "### Patches"
        yield _table(["patch", "outcome"], [list(one) for one in patches])
    if report.flaky:
        yield "### Red once, and green when repeated"
        yield _table(["cell", "fault"], [list(one) for one in report.flaky])
    yield from _told("Equivalent", report.of(Outcome.EQUIVALENT))
    yield from _told("Undecided", report.of(Outcome.UNDECIDED))


def _told(title: str, judgements: Sequence[Judgement]) -> Iterator[str]:
    if judgements:
        yield f"### {title}"
        yield _table(["fault", "place", "why"], [[one.fault.name, one.fault.place, one.why] for one in judgements])


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    if not rows:
        return ""
    kept = [[escaped(word) for word in row] for row in rows[:_MOST_ROWS]]
    if len(rows) > _MOST_ROWS:
        kept.append([f"and {len(rows) - _MOST_ROWS} more: see the page", *[""] * (len(head) - 1)])
    lines = [[escaped(word) for word in head], ["---"] * len(head), *kept]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
