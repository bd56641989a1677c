"""A run as Markdown, for the summary of a job or a comment that the next run replaces. Pure, and bounded."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from harmony.errors import ExitCode
from harmony.report import squares
from harmony.report.causes import lines
from harmony.report.outcome import Outcome
from harmony.report.results import mild_lines
from harmony.report.terminal import is_matrix, totals
from harmony.text import shown

MARK: Final = "<!-- harmony report -->"
"""The first line, by which whoever posts a comment finds that of the run before."""
LONGEST: Final = 60_000
"""Characters: a comment may have 65,536."""
_ROOM: Final = 20_000
_LONGEST_LINE: Final = 2_000
"""Characters of a block of lines, and of a line: causes have their place, however long their words are."""
_MOST_ROWS: Final = 40
_MOST_PROBLEMS: Final = 20
_LEFT_OUT: Final = "parts more had no room: see the page"
_SPECIAL: Final = re.compile(r"([\\`*_{}\[\]<>()#+!|~@&])")


def markdown(outcome: Outcome) -> str:
    """Return verdict, counts, squares, causes with what repeats them, and what is wrong beside cells."""
    parts = [MARK, f"### {_heading(outcome)}", escaped(totals(outcome.results))]
    if outcome.rate:
        parts.append(escaped(outcome.rate))
    if outcome.blames:
        parts.append(fenced(lines(outcome.blames)))
    if is_matrix(outcome.results):
        parts += [_table(one) for one in squares.squares(outcome.results)]
    if mild := mild_lines(outcome.results):
        parts.append("\n".join(f"- {escaped(one)}" for one in mild[:_MOST_PROBLEMS]))
    if outcome.implementations:
        parts.append("\n".join(f"- {escaped(one.platform)}: {escaped(str(one))}" for one in outcome.implementations))
    told = [*outcome.problems, *outcome.lacking]
    if told:
        left = len(told) - _MOST_PROBLEMS
        more = [f"and {left} more"] if left > 0 else []
        parts.append("\n".join(f"- {escaped(one)}" for one in [*told[:_MOST_PROBLEMS], *more]))
    return "\n\n".join(bounded(parts)) + "\n"


def _heading(outcome: Outcome) -> str:
    code = outcome.code
    mark, ends = ("■", "") if code is ExitCode.OK else ("✗", f" (exit code {code:d})")
    return f"{mark} harmony: {outcome.word}{ends}"


def _table(square: squares.Square) -> str:
    head, *rows = square.table
    kept = [head, ["---"] * len(head), *rows[:_MOST_ROWS]]
    if len(rows) > _MOST_ROWS:
        kept.append([f"and {len(rows) - _MOST_ROWS} more: see the page", *[""] * (len(head) - 1)])
    made = [[word if word == "---" else escaped(word) for word in row] for row in kept]
    return "\n".join(f"| {' | '.join(row)} |" for row in made)


def fenced(told: Sequence[str], language: str = "text") -> str:
    """Return lines in which nothing is markup, whatever they hold; of many, the first, and how many more there are."""
    kept: list[str] = []
    room = _ROOM
    for line in told:
        kept.append(shown(line, _LONGEST_LINE))
        room -= len(kept[-1]) + 1
        if room < 0:
            kept[-1] = f"and {len(told) - len(kept) + 1} more lines: see the page"
            break
    text = "\n".join(kept)
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def escaped(text: str) -> str:
    """Return a text as one line in which nothing is markup, and nobody is called."""
    return _SPECIAL.sub(r"\\\1", shown(text.replace("\n", " "), 400)).replace("\\@", "@\u200b")


def bounded(parts: Sequence[str]) -> Iterator[str]:
    """Give parts as long as there is room; one that has none is left out whole, so that what follows it is sound."""
    room = LONGEST - len(_LEFT_OUT) - 20
    left = 0
    for part in parts:
        if len(part) + 2 > room:
            left += 1
            continue
        room -= len(part) + 2
        yield part
    if left:
        yield f"{left} {_LEFT_OUT}"
