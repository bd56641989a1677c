"""``harmony compare``: what is different from one run to another, and whether that is worse."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

from harmony.cli.history import kept_runs
from harmony.cli.options import ProjectOption
from harmony.cli.writing import tell, width_for
from harmony.errors import ExitCode, HarmonyError
from harmony.history.comparison import GATES, Kind, compare
from harmony.history.sources import find_run
from harmony.history.telling import comparison_document, comparison_lines, comparison_markdown
from harmony.suggestion import did_you_mean

_NONE: Final = "none"


class NothingToCompareError(HarmonyError):
    """Two runs have no cell in common.

    Way out: compare runs of one project; name with `--map OLD=NEW` what is called otherwise in the other one.
    """

    code = "nothing_to_compare"
    exit_code = ExitCode.USAGE


class Form(StrEnum):
    """How a comparison is told."""

    TEXT = "text"
    MARKDOWN = "markdown"
    JSON = "json"


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("compare")(compare_command)


def compare_command(  # noqa: PLR0917 - typer passes options by name
    old: Annotated[
        str,
        typer.Argument(help="A number of `harmony history`, last, a name, a commit, a file of --events, a directory."),
    ] = "2",
    new: Annotated[str, typer.Argument(help="The same.")] = "last",
    project: ProjectOption = None,
    history: Annotated[
        list[Path] | None,
        typer.Option("--history", metavar="DIR", help="Runs that say what is noise; may be repeated. The project's."),
    ] = None,
    names: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="OLD=NEW", help="Compare a platform of OLD with one of NEW; may be repeated."),
    ] = None,
    fail_on: Annotated[
        str,
        typer.Option("--fail-on", metavar="KINDS", help=f"What is worse, with commas: {', '.join(GATES)}; or none."),
    ] = Kind.NEWLY_RED,
    form: Annotated[
        Form, typer.Option("--format", help="text; markdown: for a comment; json: all of it, for a program.")
    ] = Form.TEXT,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write into a file.")] = None,
) -> None:
    """Compare two runs: newly red or green, red for another cause, slower, gone; end red if it is worse."""
    failing = _kinds(fail_on)
    pairs = dict(_pair(text) for text in names or ())
    past = kept_runs(history, project).runs
    before, now = find_run(old, past), find_run(new, past)
    for name in pairs:
        if name not in before.platforms:
            raise typer.BadParameter(
                f"{name} does not play in OLD; {did_you_mean(name, before.platforms)}", param_hint="--map"
            )
    found = compare(before, now, past, pairs)
    if not found.old.cells.keys() & found.new.cells.keys():
        raise NothingToCompareError(
            f"no cell is in both {before.name} and {now.name}",
            hint="compare runs of one project; see --map for versions",
        )
    match form:
        case Form.MARKDOWN:
            told = comparison_markdown(found, failing)
        case Form.JSON:
            told = json.dumps(comparison_document(found, failing), indent=1) + "\n"
        case Form.TEXT:
            told = "".join(f"{line}\n" for line in comparison_lines(found, width_for(output)))
    tell(told, output)
    # Of a run that was broken off nobody knows whether it is worse.
    if any(change.kind in failing for change in found.changes) or (failing and not now.complete):
        raise typer.Exit(ExitCode.WORSE)


def _kinds(text: str) -> frozenset[Kind]:
    words = [word.strip() for word in text.split(",") if word.strip()]
    for word in words:
        if word not in GATES and word != _NONE:
            raise typer.BadParameter(
                f"{word!r} is none of {', '.join(GATES)}; {did_you_mean(word, GATES)}", param_hint="--fail-on"
            )
    return frozenset(Kind(word) for word in words if word != _NONE)


def _pair(text: str) -> tuple[str, str]:
    old, is_, new = text.partition("=")
    if not (old and is_ and new):
        raise typer.BadParameter(f"{text!r}: write --map OLD=NEW", param_hint="--map")
    return old, new
