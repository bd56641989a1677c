"""Cells whose own process has died: what pytest-xdist knows of them becomes their result, and the others go on."""

from __future__ import annotations

from pathlib import Path

from harmony.model import Phase, StepOutcome, Verdict
from harmony.plan.cells import Cell
from harmony.plan.seeds import seed_of
from harmony.run.mode import Mode
from harmony.run.project_run import ProjectRun
from harmony.spec.routing import route
from harmony.verdict.event_factory import cell_finished, cell_started, step_finished
from harmony.verdict.events import Event
from harmony.verdict.result import ScenarioResult, StepResult


def cell_at(run: ProjectRun, mode: Mode, nodeid: str, root: Path) -> Cell | None:
    """Return the cell that pytest calls so; none if it is another test.

    Args:
        run: The project.
        mode: Gives cells their names.
        nodeid: Such as ``features/01-basic.feature::1.1 Basic[reader=python,writer=cpp]``.
        root: The directory that its file is relative to.
    """
    file, _, name = nodeid.partition("::")
    path = (root / file).resolve()
    scenarios = [one for one in run.scenarios if one.place.file.resolve() == path and name.startswith(one.id)]
    return next((cell for cell in mode.every_cell(scenarios) if mode.title(cell) == name), None)


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
    outcome = {"harmony": StepOutcome(Verdict.CRASHED, error)}
    end = StepResult(None, Phase.RUN, outcome, Verdict.CRASHED, 0.0)
    routed = route(cell.scenario)
    steps = tuple(one.step for one in routed.steps)
    result = mode.judge(cell, ScenarioResult(routed, Verdict.CRASHED, (end,), not_run=steps, seed=seed))
    beginning = [] if begun else [cell_started(cell, seed)]
    return [*beginning, step_finished(cell, end), cell_finished(cell, result, mode.repeat(cell))]
