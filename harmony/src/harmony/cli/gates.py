"""``harmony gates``: whether what runs have left reaches what the project asks for."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harmony.cli.options import ProjectOption, SetOption
from harmony.config_sources import overrides_of
from harmony.errors import ConfigurationError, ExitCode
from harmony.mutate.record import MUTANTS
from harmony.project import load_project
from harmony.report.files import LAST_RUN
from harmony.verdict import measurements
from harmony.verdict.gates import STAGES, gates


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("gates")(gates_command)


def gates_command(
    files: Annotated[
        list[Path] | None, typer.Argument(help="What --events has written, such as one file per shard; the last run's.")
    ] = None,
    project: ProjectOption = None,
    set_: SetOption = None,
) -> None:
    """Hold coverage, found faults and pass rate to what [gates] asks for; what is unknown is never met."""
    loaded = load_project(project, overrides_of(set_ or ()))
    settings = loaded.settings.gates
    runs = [(str(file), file) for file in files or ()] or [(str(LAST_RUN), loaded.home / LAST_RUN)]
    report, mutants = settings.coverage_file, loaded.home / MUTANTS
    known = {
        "coverage": measurements.coverage(loaded.home / report if report else None, str(report)),
        "mutation": measurements.mutation({one.parent.name: one for one in mutants.glob("*/report.json")}),
        "pass_rate": measurements.cells(runs),
    }
    asked = gates(settings, known)
    if not any(gate.wanted for gate in asked):
        raise ConfigurationError(
            f"{loaded.file}: [gates] asks for nothing", hint=f'write stage = "…" below it: {", ".join(STAGES)}'
        )
    if settings.stage:
        typer.echo(f"stage      {settings.stage}")
    for gate in asked:
        typer.echo(str(gate))
    if not all(gate.met for gate in asked):
        raise typer.Exit(ExitCode.GATES)
