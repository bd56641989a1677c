"""For those who write features: ``lint``, ``steps``, ``new-feature``, ``scaffold`` and ``scenarios``."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

from harmony.cli.options import ProjectOption, SetOption, SuiteOption, named_project
from harmony.errors import ConfigurationError, ExitCode
from harmony.project import Project
from harmony.run.local_mode import possible_cells
from harmony.run.project_run import ProjectRun
from harmony.spec.selection import select
from harmony.steps.catalogue import (
    Entry,
    announced_entries,
    as_json,
    as_markdown,
    as_text,
    catalogue,
    matching,
    own_sentences,
)
from harmony.steps.glue import as_glue
from harmony.steps.lint import Problem, report, usages
from harmony.steps.new_feature import new_feature
from harmony.steps.scaffold import scaffold, write_draft
from harmony.wire.driver_contract import Contract

_MOST_USES: Final = 5


class Format(StrEnum):
    """How the catalogue is written."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"
    GLUE = "glue"


_WRITERS: Final[dict[Format, Callable[[list[Entry]], str]]] = {
    Format.JSON: as_json,
    Format.MARKDOWN: as_markdown,
    Format.GLUE: as_glue,
}


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command("lint")(lint_command)
    app.command("steps")(steps_command)
    app.command("new-feature")(new_feature_command)
    app.command("scaffold")(scaffold_command)
    app.command("scenarios")(scenarios_command)


def _run(project: Path | None, assignments: list[str] | None, suite: str = "") -> ProjectRun:
    return ProjectRun(named_project(project, suite, assignments))


def lint_command(project: ProjectOption = None, suite: SuiteOption = "", set_: SetOption = None) -> None:
    """Check that features, steps and what is expected fit together; run nothing."""
    run = _run(project, set_, suite)
    _check_names(run.project)
    problems = run.problems()
    if not any(one.code == "syntax" for one in problems):  # an expectation may be of what could not be read
        problems += _wrong_expectations(run)
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
    from harmony.doctor.check_context import DriverChecks  # noqa: PLC0415 - most projects have none
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


def _wrong_expectations(run: ProjectRun) -> list[Problem]:
    """Return the expectations that name what there is not."""
    wrong = run.expectations.unmatched(possible_cells(run))
    hint = "correct or remove it"
    return [Problem(entry.place, "expectation", why, hint, cause=why) for entry, why in wrong if entry.place]


def steps_command(
    words: Annotated[
        list[str] | None, typer.Argument(help="Only sentences with all of these words, with the places of their use.")
    ] = None,
    project: ProjectOption = None,
    set_: SetOption = None,
    format_: Annotated[Format, typer.Option("--format", help="How it is written; glue: for editors.")] = Format.TEXT,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write; the terminal by default.")
    ] = None,
) -> None:
    """List the sentences that have a meaning, or those with some words: types, places, uses."""
    run = _run(project, set_)
    entries = catalogue(usages(run.features, run.library), run.project.root)
    announced = announced_entries(run.catalogues.announced)
    if words:
        entries = matching([*entries, *announced], words)
    else:
        entries += announced
    if format_ is Format.TEXT:
        text = as_text(entries, _MOST_USES) if words else f"{as_text(entries)}\n{own_sentences()}"
    else:
        text = _WRITERS[format_](entries)
    if output is None:
        typer.echo(text.strip())
    else:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(f"{text.strip()}\n", encoding="utf-8")


def new_feature_command(
    title: Annotated[str, typer.Argument(help="What it is about.")],
    project: ProjectOption = None,
    set_: SetOption = None,
) -> None:
    """Write a feature with one scenario to start from, under the next number."""
    run = _run(project, set_)
    settings, directory = run.project.settings, run.project.features_directory
    directory.mkdir(parents=True, exist_ok=True)
    made = new_feature(
        title,
        run.features,
        {file.name for file in directory.rglob("*.feature")},
        numbers=re.compile(settings.number) if settings.numbered else None,
        roles=settings.roles,
        capabilities=settings.capabilities,
    )
    file = directory / made.name
    with file.open("x", encoding="utf-8") as stream:
        stream.write(made.text)
    typer.echo(f"{os.path.relpath(file)}: scenario {made.scenario}")
    typer.echo(f"Next: write its sentences, then `harmony lint` and `harmony run {shlex.quote(made.scenario)}`")


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
