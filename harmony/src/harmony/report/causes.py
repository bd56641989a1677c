"""Why a run is red, in lines for a person. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from harmony.model import Verdict
from harmony.text import shown
from harmony.verdict.blame import Blame, Cause, verdicts

_MOST_BLAMES: Final = 5
_MOST_CAUSES: Final = 3
_LONGEST: Final = 160


def headline(blame: Blame) -> str:
    """Return who and what, on one line."""
    cells = blame.cells
    if len(cells) == 1:
        common = f": {cells[0].cell}"
    elif not blame.who:
        common = ""
    else:
        beside = "" if blame.of == len(cells) else f", as have {blame.of - len(cells)} others"
        who = ", ".join(one if "=" in one or " " in one else f"{one} in some role" for one in blame.who)
        common = f": all {len(cells)} have {who}{beside}"
    which = "first cause" if len(blame.causes) > 1 else "cause"
    return f"{verdicts(cells)}{common}; {which}: {said(blame.causes[0])}"


def lines(blames: Sequence[Blame]) -> list[str]:
    """Return each headline with its causes, and the command that shows each again."""
    told: list[str] = []
    for blame in blames[:_MOST_BLAMES]:
        told.append(headline(blame))
        for cause in blame.causes[:_MOST_CAUSES]:
            if len(blame.cells) > 1:
                told.append(f"    {detail(cause)}")
            if cause.verdict is not Verdict.NOT_RUN:
                told.append(f"        repeat with: {cause.first.repeat}")
        told += _more(len(blame.causes) - _MOST_CAUSES, "cause", "    ")
    return told + _more(len(blames) - _MOST_BLAMES, "group", "")


def detail(cause: Cause) -> str:
    """Return how often a cause was met, where first, and in which step."""
    first = cause.first
    step = f": {first.step}" if first.step else ""
    return f"{len(cause.cells)} {cause.verdict}, first {first.cell}{step}: {said(cause)}"


def said(cause: Cause) -> str:
    """Return what the first cell of a cause says."""
    first = cause.first
    return shown(first.said, _LONGEST) or str(cause.verdict)


def _more(left: int, what: str, indent: str) -> list[str]:
    return [f"{indent}and {left} more {what}{'s' if left > 1 else ''}"] if left > 0 else []
