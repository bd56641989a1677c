"""``harmony build``: make what the platforms of a project run."""

from __future__ import annotations

from typing import Annotated

import typer

from harmony.cli.options import ProjectOption
from harmony.errors import ConfigurationError, ExitCode
from harmony.project import load_project
from harmony.run import building
from harmony.run.pool import unavailable
from harmony.run.preparation import build_platform


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("build")(build_command)


def build_command(
    platforms: Annotated[list[str] | None, typer.Argument(help="Platforms; all if none is named.")] = None,
    project: ProjectOption = None,
) -> None:
    """Run the build command of each platform. Without names, one without its tool is passed over, visibly."""
    loaded = load_project(project)
    known = loaded.settings.platforms
    for name in platforms or []:
        if name not in known:
            raise ConfigurationError(f"there is no platform {name!r}", hint=f"known are: {', '.join(sorted(known))}")
    failed = False
    for name, platform in known.items():
        if platforms and name not in platforms:
            continue
        if platform.opt_in and not platforms:
            typer.echo(f"{name}: on request: harmony build {name}")
            continue
        if platform.build and (trouble := build_platform(name, platform, loaded, typer.echo)):
            typer.echo(trouble, err=True)
            # Without names, a tool that is not here is no failure: the matrix shows the platform as not built.
            failed = failed or bool(platforms) or not building.missing_tools(platform)
            continue
        reason = unavailable(name, platform, loaded.home)
        failed = failed or bool(reason and (platform.build or platforms))
        typer.echo(f"{name}: {reason or 'ready'}")
    if failed:
        raise typer.Exit(ExitCode.FAILED)
