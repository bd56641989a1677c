"""``harmony mutate``: small faults in the sources of a platform, one at a time, and which of them a scenario finds."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import textwrap
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Final

import typer

from harmony.cli.interruption import until_asked
from harmony.cli.options import ProjectOption, SetOption
from harmony.config_sources import overrides_of
from harmony.errors import ConfigurationError, ExitCode
from harmony.mutate.campaign import Campaign, Scale
from harmony.mutate.choice import Choice
from harmony.mutate.diffs import touched
from harmony.mutate.equivalents import MUTANTS_FILE, Equivalents
from harmony.mutate.fault import Fault, Patch, Planted
from harmony.mutate.finding import find_faults
from harmony.mutate.judgement import Judgement, Outcome
from harmony.mutate.markdown import markdown
from harmony.mutate.page import page
from harmony.mutate.progress import Progress
from harmony.mutate.record import MUTANTS, Record
from harmony.mutate.report import Report, as_json, terminal
from harmony.mutate.score import operator_of
from harmony.mutate.target import Target
from harmony.plan.cells import scenario_of
from harmony.project import load_project
from harmony.state import write_whole
from harmony.text import visible

_SHOWN: Final = 40


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
    sources = {name: (loaded.root / name).read_bytes() for name in target.sources}
    found: list[Planted]
    chosen: list[Planted]
    reasons: Mapping[str, str] = {}
    if patches is not None:
        found = chosen = _patches(patches)
    else:
        faults = find_faults(sources)
        reasons = _reasons(loaded.root / MUTANTS_FILE, platform, faults)
        touched_lines = _touched(loaded.root, since) if since else None
        classes = [name for name in operators.split(",") if name]
        choice = Choice(tuple(files or ()), classes, touched_lines, sample or 0, seed)
        fitting = choice.fitting(faults)
        found, chosen = [*fitting], [*choice.of(fitting)]
    if list_:
        _list(chosen)
        return
    options: dict[str, Sequence[object]] = {
        "--sample": [sample] if sample else [],
        "--seed": [seed] if sample else [],
        "--since": [since] if since else [],
        "--files": files or [],
        "--operators": [operators] if operators else [],
        "--patches": [patches] if patches else [],
        "--partners": [partners] if partners else [],
        "--with-tag": with_tag or [],
        "--set": set_ or [],
    }
    said = [f"{name}={value}" for name, values in options.items() for value in values]
    command = ["harmony", "mutate", platform, *said, *(["--whole"] if whole else [])]
    seeded = f" (seed {seed})" if sample else ""
    others = ", ".join(target.partners) or "nobody else"
    _say(f"{platform}: {len(chosen)} of {len(found)} faults{seeded}, with {others}")
    directory = loaded.home / MUTANTS / platform / ("patches" if patches else "")
    cores = os.cpu_count() or 1
    with Record.opened(directory, target.state, anew=anew) as record:
        if record.forgotten:
            _say(f"{record.forgotten} judgements of other sources, features or words are forgotten")
        with _screen() as screen:
            scale = Scale(jobs or cores, cores, workshop.resolve() if workshop else None)
            campaign = Campaign(target, record, scale, screen)
            work = campaign.run([fault for fault in chosen if fault.name not in reasons])
            interrupted = asyncio.run(until_asked(work))
        equal = (Judgement(one, Outcome.EQUIVALENT, why=reasons[one.name]) for one in chosen if one.name in reasons)
        known = {one.fault.name: one for one in (*filter(None, map(record.of, chosen)), *equal)}
        report = Report(
            platform=platform,
            judgements=[known[fault.name] for fault in chosen if fault.name in known],
            found=len(found),
            asked=len(chosen),
            sources=sources,
            scenarios=sorted({scenario_of(cell) for cell in record.cells}),
            whole=whole,
            command=command,
            facts={"played with": others, "cells": str(len(record.cells)), **({"seed": str(seed)} if sample else {})},
        )
        _tell(report, directory)
    if interrupted:
        raise typer.Exit(ExitCode.INTERRUPTED)


def _reasons(file: Path, platform: str, faults: Sequence[Fault]) -> Mapping[str, str]:
    """Return why some faults are judged equivalent, by their names."""
    return Equivalents.read(file.read_text("utf-8"), file.name).reasons(platform, faults) if file.is_file() else {}


def _touched(root: Path, revision: str) -> Mapping[str, frozenset[int]]:
    """Return the lines of each file that have changed since a revision.

    Raises:
        ConfigurationError: Git cannot say.
    """
    words = ["git", "diff", "-U0", "--no-color", "--no-ext-diff", "--relative", "--end-of-options", revision, "--"]
    try:
        told = subprocess.run(words, cwd=root, capture_output=True, check=False, timeout=600)
    except OSError as error:
        raise ConfigurationError(f"--since: git: {error.strerror}", hint="install git") from error
    if told.returncode != 0:
        why = told.stderr.decode("utf-8", "replace").strip().partition("\n")[0]
        raise ConfigurationError(f"--since {revision}: {why}", hint="name a revision of this repository, such as main")
    return touched(told.stdout.decode("utf-8", "replace"))


def _patches(directory: Path) -> list[Planted]:
    """Return the patches of a directory, by their names.

    Raises:
        ConfigurationError: There are none, or one is no patch.
    """
    files = sorted(file for file in directory.iterdir() if file.suffix in {".diff", ".patch"})
    if not files:
        raise ConfigurationError(f"{directory} has no *.patch and no *.diff", hint="write one with `git diff`")
    return [Patch.of(file.stem, file.read_text("utf-8")) for file in files]


def _list(chosen: Sequence[Planted]) -> None:
    """Say which faults there are, and how many of each class and in each file."""
    for one in chosen:
        if isinstance(one, Fault):
            change = f"{_in_short(one.before)} -> {_in_short(one.after) or 'nothing'}"
            _say(f"{one.name:<18} {one.place}  {change}")
        else:
            _say(f"{one.name}  {one.place}")
    for counts in (Counter(map(operator_of, chosen)), Counter(file for one in chosen for file in one.files)):
        _say("")
        for name, count in counts.most_common():
            _say(f"{count:>6}  {name}")


def _in_short(text: str) -> str:
    """Return a text in one line, not a long one."""
    return textwrap.shorten(visible(text), _SHOWN, placeholder=" …")


def _tell(report: Report, directory: Path) -> None:
    """Show a report, and write it in all its forms."""
    if not report.judgements:
        return
    for name, text in {
        "report.md": markdown(report),
        "report.json": as_json(report),
        "report.html": page(report),
    }.items():
        write_whole(directory / name, text)
    _say("")
    for line in terminal(report):
        _say(line)
    _say(f"report: {os.path.relpath(directory / 'report.html')}")


@contextlib.contextmanager
def _screen() -> Iterator[Progress]:
    """Write lines; on a terminal with a line below them that says what goes on."""
    if not sys.stdout.isatty():
        yield Progress(_say)
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
