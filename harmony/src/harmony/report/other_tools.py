"""What tools of others know of a cell: whether it passed, is red or was skipped; moments; its steps. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from harmony.logs import moment
from harmony.model import Verdict
from harmony.report.outcome import Outcome
from harmony.verdict.events import CellFinished, CellStarted, Event, RunStarted, StepFinished
from harmony.verdict.verdicts import is_red


class Standing(StrEnum):
    """How a cell stands to a tool that knows three ways to end."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


def standing(verdict: Verdict) -> Standing:
    """Return how a cell stands: what is red has failed; what else did not pass was skipped."""
    if verdict is Verdict.PASSED:
        return Standing.PASSED
    return Standing.FAILED if is_red(verdict) else Standing.SKIPPED


def beside(outcome: Outcome) -> list[str]:
    """Return what makes a run red beside its cells: a tool that sees cells alone would take it for green."""
    return [*outcome.problems, *outcome.lacking]


def milliseconds(at: str) -> int:
    """Return a moment since 1970; 0 of a text that is none."""
    return round(moment(at) * 1000)


def began(cell: CellFinished) -> int:
    """Return when a cell began, in milliseconds since 1970."""
    return max(0, milliseconds(cell.at) - round(cell.seconds * 1000))


def surroundings(outcome: Outcome, events: Iterable[Event]) -> dict[str, str]:
    """Return what a run ran with, of what is known: project, seed, commit, machine, versions."""
    first = next((event for event in events if isinstance(event, RunStarted)), None)
    if first is None:
        return {}
    told = {"project": first.project, "seed": str(first.seed), "commit": first.commit, "machine": first.machine}
    versions = {f"version of {one.platform}": str(one) for one in outcome.implementations}
    return {**{name: value for name, value in told.items() if value}, **versions}


def steps_of(events: Iterable[Event]) -> dict[str, list[StepFinished]]:
    """Return the steps of each cell, of its last run; a late verdict has none of its own."""
    found: dict[str, list[StepFinished]] = {}
    ended: set[str] = set()
    for event in events:
        match event:
            case CellStarted():
                found[event.cell] = []
            case StepFinished():
                if event.cell in ended:
                    ended.discard(event.cell)
                    found[event.cell] = []
                found.setdefault(event.cell, []).append(event)
            case CellFinished():
                ended.add(event.cell)
            case _:
                pass
    return found
