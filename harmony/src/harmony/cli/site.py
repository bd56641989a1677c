"""``harmony badge`` and ``harmony site``: what came of runs, for a README and for a web server."""

from __future__ import annotations

import shutil
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated, Final

import typer

from harmony.cli.history import RunsArgument, kept_runs
from harmony.cli.options import ProjectOption
from harmony.cli.writing import tell
from harmony.errors import ConfigurationError, ExitCode, HarmonyError
from harmony.history.badge import Badge
from harmony.history.site import RUN, Given, latest, site
from harmony.history.sources import Found, find_run, runs_at
from harmony.project_file import where_left
from harmony.report.files import LAST_RUN
from harmony.state import write_whole

_INDEX: Final = "index.html"
_RUNS: Final = "runs"


class ForeignSiteError(HarmonyError):
    """A directory has files, and is no site that harmony has made.

    Way out: name a directory that is empty or not there, or the one of the site before.
    """

    code = "foreign_site"
    exit_code = ExitCode.USAGE


class Picture(StrEnum):
    """What a badge is written as."""

    SVG = "svg"
    JSON = "json"


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command("badge")(badge_command)
    app.command("site")(site_command)


def badge_command(  # noqa: PLR0917 - typer passes options by name
    run: Annotated[
        str, typer.Argument(help="A number of `harmony history`, last, a commit, a file of --events, a directory.")
    ] = "last",
    project: ProjectOption = None,
    platform: Annotated[str, typer.Option("--platform", help="Only the cells in which it plays.")] = "",
    label: Annotated[str, typer.Option("--label", help="The words at the left.")] = "",
    form: Annotated[Picture, typer.Option("--format", help="svg; json: for an endpoint of shields.io.")] = Picture.SVG,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write into a file.")] = None,
) -> None:
    """Write a badge of a run: how many cells passed, green only if all is well and it was a whole run."""
    badge = Badge.of(find_run(run, kept_runs(None, project).runs), label, platform)
    told = badge.svg if form is Picture.SVG else badge.shields
    tell(told, output)


def site_command(
    paths: RunsArgument = None,
    project: ProjectOption = None,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Directory; a site that is there keeps its runs and gets new ones.")
    ] = Path("site"),
    title: Annotated[str, typer.Option("--title", help="The heading.")] = "Conformance",
    keep: Annotated[
        int, typer.Option("--keep", min=1, help="How many runs the site has; older ones are removed.")
    ] = 100,
) -> None:
    """Make a static site of many runs: the newest, each run, each implementation; for any web server."""
    made = _made(output)
    found = kept_runs(paths, project)
    if not paths:
        # Of the last run there is more than what is kept of all.
        last = where_left(project, LAST_RUN)
        if last.is_file():
            _add(found, runs_at([last]))
    _add(found, made)
    if not found.runs:
        raise ConfigurationError("no run is kept here", hint="run scenarios first, or give files of --events")
    found.runs.sort(key=lambda run: run.name, reverse=True)
    left = found.runs[:keep]
    if (newest := latest(found.runs)) not in left:
        left = [*left[:-1], newest]
    names = {run.name for run in left}
    there = frozenset(run.name for run in made.runs)
    events = {name: partial(found.events, name) for name in found.files}
    for path, text in site(Given(left, events, there, title)):
        write_whole(output / path, text)
    shutil.copyfile(output / _RUNS / latest(left).name / _INDEX, output / "latest" / _INDEX)
    for old in there - names:
        shutil.rmtree(output / _RUNS / old)
    typer.echo(f"{output / _INDEX}: {len(left)} runs")


def _made(output: Path) -> Found:
    """Return the runs of a site that is there.

    Raises:
        ForeignSiteError: It is none, and not empty.
    """
    files = sorted((output / _RUNS).glob(f"*/{RUN}"))
    if not files and output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise ForeignSiteError(f"{output} is not empty, and no site of harmony", hint="name another directory")
    return runs_at(files)


def _add(found: Found, more: Found) -> None:
    for run in more.runs:
        found.add(run, more.files.get(run.name, ()))
