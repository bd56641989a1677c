"""``harmony lint``, ``harmony steps``, ``harmony scaffold`` and ``harmony scenarios``: for those who write features."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

from harmony.cli.options import ProjectOption, SetOption
from harmony.config_sources import overrides_of
from harmony.errors import ConfigurationError, ExitCode
from harmony.project import Project, load_project
from harmony.run.project_run import ProjectRun
from harmony.spec.selection import select
from harmony.steps.catalogue import Entry, as_json, as_markdown, as_text, catalogue
from harmony.steps.lint import report, usages
from harmony.steps.scaffold import scaffold, write_draft
from harmony.wire.driver_contract import Contract


class Format(StrEnum):
    """How the catalogue is written."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"


_WRITERS: Final[dict[Format, Callable[[list[Entry]], str]]] = {
    Format.TEXT: as_text,
    Format.JSON: as_json,
    Format.MARKDOWN: as_markdown,
}


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command("lint")(lint_command)
    app.command("steps")(steps_command)
    app.command("scaffold")(scaffold_command)
    app.command("scenarios")(scenarios_command)


def _run(project: Path | None, assignments: list[str] | None) -> ProjectRun:
    return ProjectRun(load_project(project, overrides_of(assignments or ())))


def lint_command(project: ProjectOption = None, set_: SetOption = None) -> None:
    """Check that features and steps fit together; run nothing."""
    run = _run(project, set_)
    _check_names(run.project)
    problems = run.problems()
    if problems:
        typer.echo(report(problems), err=True)
        raise typer.Exit(ExitCode.LINT)
    for name, reason in run.catalogues.silent.items():
        typer.echo(f"{name} says not what it knows, so no sentence is looked for: {reason}")
    typer.echo(f"{len(run.features)} features, {len(run.scenarios)} scenarios, no problem.")


def _check_names(project: Project) -> None:
    """See that everything exists which the project file names, whoever needs it.

    Raises:
        ConfigurationError: Something does not.
    """
    from harmony.doctor.driver_checks import DriverChecks  # noqa: PLC0415 - most projects have none
    from harmony.perf.case import PerfCases  # noqa: PLC0415

    driver = project.settings.driver
    named: tuple[tuple[str, str, type], ...] = (
        ("driver.contract", driver.contract, Contract),
        ("driver.checks", driver.checks, DriverChecks),
        ("driver.cases", driver.cases, PerfCases),
    )
    for setting, name, kind in named:
        if name:
            project.named(setting, name, kind)


def steps_command(
    project: ProjectOption = None,
    set_: SetOption = None,
    format_: Annotated[Format, typer.Option("--format", help="How it is written.")] = Format.TEXT,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write; the terminal by default.")
    ] = None,
) -> None:
    """List every sentence that has a meaning: pattern, types, where defined, where used."""
    run = _run(project, set_)
    text = _WRITERS[format_](catalogue(usages(run.features, run.library), run.project.root))
    if output is None:
        typer.echo(text)
    else:
        output.write_text(f"{text.rstrip()}\n", encoding="utf-8")


def scaffold_command(
    project: ProjectOption = None,
    set_: SetOption = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Directory for the files; the terminal by default.")
    ] = None,
) -> None:
    """Write step methods for the sentences that have no meaning yet."""
    run = _run(project, set_)
    if not run.project.settings.steps:
        raise ConfigurationError(
            "only the workers know the sentences of this project (steps = []), so there is nothing to draft in Python",
            hint="`harmony lint` names each sentence that no worker announces: give a worker a step definition for it; "
            'for steps in Python, name a module, steps = ["steps"]',
        )
    drafts = scaffold(run.features, run.library.registry)
    if not drafts:
        typer.echo("every sentence has a meaning already.")
    for draft in drafts:
        if output is None:
            typer.echo(f"# ---- {draft.module}\n{draft.source}")
        else:
            typer.echo(f"{write_draft(draft, output)}: {draft.count} sentences of {draft.feature.path.name}")


def scenarios_command(
    words: Annotated[list[str] | None, typer.Argument(help="Numbers, features, patterns, names.")] = None,
    project: ProjectOption = None,
    set_: SetOption = None,
) -> None:
    """List the scenarios that some words name."""
    run = _run(project, set_)
    for scenario in select(run.scenarios, words) if words else run.scenarios:
        tags = " ".join(f"@{tag}" for tag in scenario.tags)
        typer.echo(f"{scenario.id}  {tags}".rstrip())
