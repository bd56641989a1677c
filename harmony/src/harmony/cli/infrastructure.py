"""``harmony up``, ``harmony down`` and ``harmony with-workers``: workers that outlive a run."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Annotated

import typer

from harmony.cli.options import ProjectOption
from harmony.errors import ExitCode
from harmony.project import Project, load_project
from harmony.serve import infrastructure
from harmony.serve.infrastructure import ENVIRONMENT_FILE, Running
from harmony.state import STATE_DIRECTORY

PlatformsArgument = Annotated[list[str] | None, typer.Argument(help="Platforms; all that can listen if none is named.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command("up")(up_command)
    app.command("down")(down_command)
    app.command("with-workers", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(
        with_workers_command
    )


def up_command(platforms: PlatformsArgument = None, project: ProjectOption = None) -> None:
    """Start workers that listen, wait until they are healthy, and write the environment to attach to them."""
    loaded = load_project(project)
    for one in _up(loaded, platforms or []):
        typer.echo(f"{one.platform}: pid {one.pid}, {one.socket}")
    typer.echo(f"environment: {_directory(loaded) / ENVIRONMENT_FILE}")


def down_command(project: ProjectOption = None) -> None:
    """End the workers that are up."""
    ended = infrastructure.down(_directory(load_project(project)))
    typer.echo(f"ended: {', '.join(one.platform for one in ended) or 'nothing was up'}")


def with_workers_command(context: typer.Context, project: ProjectOption = None) -> None:
    """Start workers, run a command that attaches to them, and end them: `harmony with-workers -- harmony run`."""
    if not context.args:
        typer.echo("harmony with-workers: name a command after --", err=True)
        raise typer.Exit(ExitCode.USAGE)
    loaded = load_project(project)
    state = _up(loaded, [])
    try:
        code = subprocess.run(
            context.args, env={**os.environ, **infrastructure.endpoints(state)}, check=False
        ).returncode
    finally:
        infrastructure.down(_directory(loaded))
    raise typer.Exit(code if code >= 0 else 128 - code)


def _up(project: Project, names: list[str]) -> list[Running]:
    chosen = infrastructure.select_platforms(project.settings.platforms, names)
    return infrastructure.up(chosen, project.home, _directory(project))


def _directory(project: Project) -> Path:
    return project.home / STATE_DIRECTORY
