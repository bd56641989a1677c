"""``harmony history``: the runs that are kept, and what they say over time."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

from harmony.cli.options import ProjectOption
from harmony.cli.writing import width_for
from harmony.errors import ConfigurationError
from harmony.history.sources import Found, runs_at
from harmony.history.store import HISTORY
from harmony.history.telling import history_lines
from harmony.history.trends import over_time
from harmony.project_file import where_left

_FEW: Final = 20

RunsArgument = Annotated[
    list[Path] | None,
    typer.Argument(
        help="Files of --events, or directories of them, such as a downloaded artefact; the project's runs."
    ),
]


class Form(StrEnum):
    """How runs are told."""

    TEXT = "text"
    JSON = "json"


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("history")(history_command)


def history_command(
    paths: RunsArgument = None,
    project: ProjectOption = None,
    form: Annotated[Form, typer.Option("--format", help="text; json: all of it, for a program.")] = Form.TEXT,
    every: Annotated[bool, typer.Option("--all", help=f"Each run, not only the newest {_FEW}.")] = False,
) -> None:
    """List the runs that are kept: what is red since when, what is flaky, how platforms fare."""
    found = kept_runs(paths, project)
    if not found.runs:
        raise ConfigurationError("no run is kept here", hint="run scenarios first, or give files of --events")
    if form is Form.JSON:
        typer.echo(json.dumps(over_time(found.runs).document, indent=1))
        return
    for line in history_lines(over_time(found.runs), len(found.runs) if every else _FEW, width_for(None)):
        typer.echo(line)


def kept_runs(paths: list[Path] | None, project: Path | None) -> Found:
    """Return the runs of files and directories, or those of the project; say what was passed over."""
    own = where_left(project, HISTORY)
    found = runs_at(paths or ([own] if own.is_dir() else []))
    for said in found.passed_over:
        typer.echo(said, err=True)
    return found
