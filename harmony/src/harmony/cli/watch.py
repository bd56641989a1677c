"""``harmony watch``: what a change touches is built and run again, and a table shows how each cell stands."""

from __future__ import annotations

import asyncio
import sys
from typing import Annotated

import typer

from harmony.cli.interruption import until_asked
from harmony.cli.options import ProjectOption, SetOption
from harmony.config_sources import overrides_of
from harmony.errors import ExitCode
from harmony.project import Project, load_project
from harmony.text import visible
from harmony.watch.board import Board
from harmony.watch.loop import Watch
from harmony.watch.screen import Lines, Panel, Screen


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("watch")(watch_command)


def watch_command(  # noqa: PLR0917 - typer passes options by name
    words: Annotated[list[str] | None, typer.Argument(help="What is watched; as for `harmony run`.")] = None,
    tag: Annotated[
        list[str] | None, typer.Option("--tag", "-m", metavar="TAG", help="Only scenarios with a tag, such as slow.")
    ] = None,
    platform: Annotated[
        list[str] | None,
        typer.Option("--platform", metavar="NAME[=COMMAND]", help="Only these platforms play; as for `harmony run`."),
    ] = None,
    jobs: Annotated[
        str, typer.Option("-j", "--jobs", help="How many cells at a time; one ends soonest.", metavar="N")
    ] = "1",
    project: ProjectOption = None,
    set_: SetOption = None,
) -> None:
    """Run what a change touches as soon as it is saved: features, steps, drivers; show how each cell stands."""

    def load() -> Project:
        return load_project(project, overrides_of(set_ or ()))

    given = {"--tag": tag or [], "--platform": platform or [], "--set": set_ or [], "--jobs": [jobs]}
    said = [*(words or ()), *(f"{name}={value}" for name, values in given.items() for value in values)]
    board = Board()
    screen: Screen = Panel(board) if sys.stdout.isatty() else Lines(_say)
    watch = Watch(load, said, board, screen)
    with screen:
        asyncio.run(until_asked(watch.run()))
    raise typer.Exit(ExitCode.INTERRUPTED)


def _say(text: str) -> None:
    sys.stdout.write(f"{visible(text)}\n")
    sys.stdout.flush()
