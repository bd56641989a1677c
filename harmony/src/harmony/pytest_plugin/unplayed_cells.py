"""Cells that have not played to their end: their process has died, or nobody needs to play them any more."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from harmony.model import Verdict
from harmony.plan.cells import Cell
from harmony.plan.seeds import seed_of
from harmony.run.mode import Mode
from harmony.run.project_run import ProjectRun
from harmony.spec.routing import route
from harmony.text import visible
from harmony.verdict.event_factory import cell_finished, cell_started, step_finished
from harmony.verdict.events import Event, Subscriber
from harmony.verdict.result import ScenarioResult, not_played


def cell_at(run: ProjectRun, mode: Mode, nodeid: str, root: Path) -> Cell | None:
    """Return the cell that pytest calls so; none if it is another test.

    Args:
        run: The project.
        mode: Gives cells their names.
        nodeid: Such as ``features/01-basic.feature::1.1 Basic[reader=python,writer=cpp]``.
        root: The directory that its file is relative to.
    """
    file, _, name = nodeid.partition("::")
    path = visible(str((root / file).resolve()))
    there = [one for one in run.scenarios if visible(str(one.place.file.resolve())) == path]
    scenarios = [one for one in there if name.startswith(one.id)]
    return next((cell for cell in mode.cells(scenarios) if mode.title(cell) == name), None)


def crash_events(run: ProjectRun, mode: Mode, cell: Cell, said: str, *, begun: bool) -> list[Event]:
    """Return what is told of a cell whose process has died.

    Args:
        run: The project.
        mode: Judges cells.
        cell: What the process ran.
        said: What is known of its end.
        begun: Whether it had told that the cell began.
    """
    seed = seed_of(run.seed, cell.scenario)
    error = f"the process that ran this cell has died, with all that it had not told: {said}"
    played = not_played(route(cell.scenario), Verdict.CRASHED, error, seed)
    result = mode.judge(cell, played)
    beginning = [] if begun else [cell_started(cell, seed)]
    return [*beginning, step_finished(cell, played.results[0]), cell_finished(cell, result, mode.repeat(cell))]


@dataclass(frozen=True, slots=True)
class Unplayed:
    """What comes of a cell that is not played.

    Attributes:
        verdict: How it ends.
        why: Why nobody plays it.
    """

    verdict: Verdict
    why: str

    def told(self, run: ProjectRun, mode: Mode, cell: Cell, tell: Subscriber) -> ScenarioResult:
        """Return, and tell, what comes of the cell, in the light of what is claimed."""
        seed = seed_of(run.seed, cell.scenario)
        result = not_played(route(cell.scenario), self.verdict, self.why, seed)
        if self.verdict is not Verdict.NOT_RUN:
            result = mode.judge(cell, result)
        tell(cell_started(cell, seed))
        tell(cell_finished(cell, result, mode.repeat(cell)))
        return result
