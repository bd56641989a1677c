"""``harmony explain``: what a scenario will do, before it does it."""

from __future__ import annotations

from typing import Annotated

import typer

from harmony.cli.options import ProjectOption, SetOption, SuiteOption, named_project
from harmony.errors import NothingSelectedError
from harmony.plan.cells import Cell, plan_cells
from harmony.plan.pairing import PairingRequest
from harmony.plan.platforms import playing
from harmony.plan.words import Words
from harmony.run.explanation import Explanation
from harmony.run.matrix_mode import MatrixMode, MatrixRequest
from harmony.run.project_run import Choice, ProjectRun
from harmony.spec.selection import select
from harmony.text import visible


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("explain")(explain_command)


def explain_command(
    words: Annotated[list[str], typer.Argument(help="Scenarios, and a pairing such as python_cpp: 1.1 python_cpp.")],
    project: ProjectOption = None,
    suite: SuiteOption = "",
    set_: SetOption = None,
) -> None:
    """Say what each sentence of a scenario will do: who performs it, and with what."""
    loaded = named_project(project, suite, set_)
    platforms = loaded.settings.platforms
    said = Words.of(words, platforms)
    run = ProjectRun(loaded, Choice(said.scenarios))
    mode = MatrixMode(run, MatrixRequest(PairingRequest(said.pairings)))
    blocks: list[str] = []
    for scenario in select(run.scenarios, said.scenarios) if said.scenarios else run.scenarios:
        request = PairingRequest(said.pairings)
        cells = plan_cells([scenario], playing(platforms, request), request)
        chosen = cells if said.pairings else _telling(cells, mode)
        blocks += ["\n".join(Explanation(run, mode, cell).lines()) for cell in chosen]
        if not said.pairings and len(cells) > 1:
            blocks[-1] += f"\n  one of {len(cells)} pairings; name another: harmony explain {scenario.number} PAIRING"
    if not blocks:
        raise NothingSelectedError(
            "nothing is selected", hint="a pairing has a platform for each role; `harmony scenarios` lists scenarios"
        )
    typer.echo(visible("\n\n".join(blocks)))


def _telling(cells: list[Cell], mode: MatrixMode) -> list[Cell]:
    """Return the pairing that tells most: of what is here, with as many platforms as there are roles."""

    def rank(cell: Cell) -> tuple[int, int]:
        names = set(cell.pairing.platforms.values())
        return len(names & mode.unavailable.keys()), -len(names)

    return sorted(cells, key=rank)[:1]
