"""``harmony mutate``: small faults in the sources of a platform, one at a time, and which of them a scenario finds."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from harmony.cli.interruption import until_asked
from harmony.cli.options import ProjectOption, SetOption
from harmony.config_sources import overrides_of
from harmony.errors import ConfigurationError, ExitCode
from harmony.mutate.campaign import Campaign, Scale
from harmony.mutate.fault import Patch, Planted
from harmony.mutate.finding import find_faults
from harmony.mutate.progress import Progress
from harmony.mutate.record import MUTANTS, Record
from harmony.mutate.target import Target
from harmony.project import load_project
from harmony.text import visible


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("mutate")(mutate_command)


def mutate_command(  # noqa: PLR0917 - typer passes options by name
    platform: Annotated[str, typer.Argument(help="In whose sources faults are planted.")],
    sample: Annotated[
        int | None,
        typer.Option("--sample", metavar="N", help="So many of the faults, by chance; all if absent.", min=1),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", metavar="S", help="Of the sample.")] = 1,
    since: Annotated[
        str, typer.Option("--since", metavar="REV", help="Only in lines that have changed since a revision of git.")
    ] = "",
    files: Annotated[
        list[str] | None, typer.Option("--files", metavar="GLOB", help="Only in these files; may be repeated.")
    ] = None,
    operators: Annotated[
        str, typer.Option("--operators", metavar="A,B", help="Only these classes of faults, such as boundary,lock.")
    ] = "",
    patches: Annotated[
        Path | None, typer.Option("--patches", metavar="DIR", help="The patches of this directory, in place of faults.")
    ] = None,
    list_: Annotated[bool, typer.Option("--list", help="Only list the faults; plant none.")] = False,
    whole: Annotated[
        bool, typer.Option("--whole", help="Each fault meets every cell: which scenarios find what, in full.")
    ] = False,
    partners: Annotated[
        str,
        typer.Option(
            "--partners",
            metavar="A,B",
            help="Which platforms play with it, or all; by default the first other one that can play here.",
        ),
    ] = "",
    with_tag: Annotated[
        list[str] | None,
        typer.Option("--with-tag", metavar="TAG", help="Also scenarios of a tag that runs on request only."),
    ] = None,
    jobs: Annotated[
        int | None, typer.Option("-j", "--jobs", metavar="N", help="How many copies at a time; one a core.", min=1)
    ] = None,
    workshop: Annotated[
        Path | None, typer.Option("--workshop", metavar="DIR", help="Where the copies stand while it runs.")
    ] = None,
    anew: Annotated[bool, typer.Option("--anew", help="Forget what is judged already.")] = False,
    project: ProjectOption = None,
    set_: SetOption = None,
) -> None:
    """Plant small faults in a platform, one at a time in a copy, and count those that a scenario finds."""
    loaded = load_project(project, overrides_of(set_ or ()))
    named = [name for name in partners.split(",") if name]
    target = Target.of(loaded, platform, named, tags=with_tag or (), assignments=set_ or (), whole=whole)
    chosen: list[Planted] = [*(_patches(patches) if patches else find_faults(_sources(target)))]
    directory = loaded.home / MUTANTS / platform
    others = f", with {', '.join(target.partners)}" if target.partners else ", with nobody else"
    _say(f"{platform}: {len(chosen)} faults{others}")
    interrupted = False
    with Record.opened(directory, target.state, anew=anew) as record:
        if record.forgotten:
            _say(f"{record.forgotten} judgements of other sources, features or words are forgotten")
        scale = Scale(jobs or os.cpu_count() or 1, workshop)
        with _screen() as screen:
            interrupted = asyncio.run(until_asked(Campaign(target, record, scale, screen).run(chosen)))
        judged = [found for fault in chosen if (found := record.of(fault)) is not None]
    if interrupted:
        _say(f"{len(judged)} of {len(chosen)} are judged; the same command goes on from there")
        raise typer.Exit(ExitCode.INTERRUPTED)


def _sources(target: Target) -> dict[str, bytes]:
    return {name: (target.project.root / name).read_bytes() for name in target.sources}


def _patches(directory: Path) -> list[Patch]:
    """Return the patches of a directory, by their names.

    Raises:
        ConfigurationError: There are none, or one is no patch.
    """
    files = sorted(file for file in directory.iterdir() if file.suffix in {".diff", ".patch"})
    if not files:
        raise ConfigurationError(f"{directory} has no *.patch and no *.diff", hint="write one with `git diff`")
    return [Patch.of(file.stem, file.read_text("utf-8")) for file in files]


@contextlib.contextmanager
def _screen() -> Iterator[Progress]:
    """Write lines; on a terminal with a line below them that says what goes on."""
    if not sys.stdout.isatty():
        yield Progress(_say, lambda _: None)
        return
    from rich.console import Console  # noqa: PLC0415 - takes long to load

    console = Console()
    with console.status("") as status:
        yield Progress(
            lambda text: console.print(visible(text), markup=False, highlight=False, soft_wrap=True),
            lambda text: status.update(visible(text)),
        )


def _say(text: str) -> None:
    sys.stdout.write(f"{visible(text)}\n")
    sys.stdout.flush()
