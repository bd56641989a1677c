"""``harmony plan``: divide a run over several machines, once for all of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from harmony.cli.options import ProjectOption, SetOption, SuiteOption, named_project
from harmony.plan.durations import DURATIONS_FILE, read_durations
from harmony.plan.pairing import PairingRequest, parse_roles
from harmony.plan.platforms import NamedPlatforms, strength_of
from harmony.plan.shards import divide, write_plan
from harmony.plan.words import Words
from harmony.run.local_mode import LocalMode
from harmony.run.matrix_mode import MatrixMode, MatrixRequest
from harmony.run.mode import Mode
from harmony.run.project_run import Choice, ProjectRun


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("plan")(plan_command)


def plan_command(  # noqa: PLR0917 - typer passes options by name
    words: Annotated[
        list[str] | None, typer.Argument(help="As for a run: scenarios, pairings, `matrix`; all scenarios if none.")
    ] = None,
    shards: Annotated[int, typer.Option("--shards", min=1, help="How many parts.")] = 1,
    output: Annotated[Path, typer.Option("--output", "-o", help="File to write.")] = Path("plan.json"),
    platform: Annotated[
        list[str] | None, typer.Option("--platform", help="As for a run: NAME or NAME=COMMAND.")
    ] = None,
    role: Annotated[list[str] | None, typer.Option("--role", help="As for a run: ROLE=PLATFORM.")] = None,
    pairwise: Annotated[bool, typer.Option("--pairwise", help="As for a run.")] = False,
    all_pairings: Annotated[bool, typer.Option("--all-pairings", help="As for a run.")] = False,
    with_tag: Annotated[list[str] | None, typer.Option("--with-tag", help="As for a run.")] = None,
    durations: Annotated[
        Path | None, typer.Option("--durations-file", help=f"Past durations; the project's {DURATIONS_FILE}.")
    ] = None,
    project: ProjectOption = None,
    suite: SuiteOption = "",
    set_: SetOption = None,
) -> None:
    """Divide a run over several machines, into a file that all take (`--shard 2/5 --plan FILE`)."""
    found = named_project(project, suite, set_)
    named = NamedPlatforms.of(platform or (), Path.cwd())
    loaded = replace(found, settings=named.added_to(found.settings))
    platforms = loaded.settings.platforms
    said = Words.of(words or (), platforms)
    run = ProjectRun(loaded, Choice(said.scenarios, with_tag or ()))
    mode: Mode = LocalMode(run)
    if said.matrix or said.pairings or role or pairwise or all_pairings or platform:
        roles = parse_roles(role or (), platforms)
        few = strength_of(loaded.settings, few=pairwise, every=all_pairings)
        request = PairingRequest(said.pairings, roles, few, named.chosen, tuple(named.brought))
        mode = MatrixMode(run, MatrixRequest(request))
    past = read_durations(durations or loaded.home / DURATIONS_FILE)
    division = divide([cell.key for cell in mode.cells(run.choose())], shards, past)
    write_plan(output, division)
    for index, part in enumerate(division.parts, 1):
        known = sum(past.get(key, 0.0) for key in part)
        typer.echo(f"{index}/{shards}: {len(part)} cells" + (f", {known:.0f} s when they last ran" if known else ""))
    for name, reason in sorted(mode.unavailable.items()):
        typer.echo(f"not available, so not planned: {name}: {reason}")
    typer.echo(f"{output}: plan {division.fingerprint}")
