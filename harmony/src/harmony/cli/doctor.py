"""``harmony doctor``: for the author of a driver."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from harmony.cli.options import ProjectOption, SetOption, SuiteOption, named_project
from harmony.doctor.examination import LIMIT, Examination, checks_of, open_case, select_checks
from harmony.doctor.finding import Finding
from harmony.doctor.rendering import WRITERS, Form, catalogue
from harmony.errors import ExitCode
from harmony.plan.platforms import NamedPlatforms
from harmony.text import visible


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("doctor")(doctor_command)


def doctor_command(  # noqa: PLR0917 - typer passes options by name
    platform: Annotated[
        str, typer.Argument(metavar="PLATFORM", help="Which driver, by its name; mine=./build/driver brings one.")
    ],
    role: Annotated[str, typer.Option("--role", help="As it is started for this role, where that differs.")] = "",
    only: Annotated[
        list[str] | None,
        typer.Option("--only", help="A check, the beginning of its name, or a pattern; may be repeated."),
    ] = None,
    list_: Annotated[bool, typer.Option("--list", help="Name the checks; run nothing.")] = False,
    form: Annotated[Form, typer.Option("--format", help="How it is written.")] = Form.TEXT,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write; the terminal by default.")
    ] = None,
    limit: Annotated[float, typer.Option("--limit", help="Seconds for all checks together.", min=1)] = LIMIT,
    project: ProjectOption = None,
    suite: SuiteOption = "",
    set_: SetOption = None,
) -> None:
    """Examine a driver: say what is wrong, why it matters, where it is specified, and how to see it again."""
    found = named_project(project, suite, set_)
    brought = NamedPlatforms.of([platform] if "=" in platform else [], Path.cwd())
    loaded = replace(found, settings=brought.added_to(found.settings))
    options = ["--suite", suite] if suite else ["--project", str(project.resolve())] if project else []
    options += [word for one in set_ or () for word in ("--set", one)]
    case = open_case(
        loaded,
        next(iter(brought.brought), platform),
        options=options,
        brought=next(iter(brought.brought.values()), ()),
        role=role,
    )
    checks = select_checks(checks_of(case), only or ())
    if list_:
        typer.echo(catalogue(checks))
        return
    diagnosis = asyncio.run(Examination(case, checks, limit=limit, watch=_tell).run())
    text = visible(WRITERS[form](diagnosis))
    if output is None:
        typer.echo(text)
    else:
        output.write_text(f"{text}\n", encoding="utf-8")
    if not diagnosis.healthy:
        raise typer.Exit(ExitCode.FAILED)


def _tell(number: int, total: int, finding: Finding) -> None:
    typer.echo(f"[{number}/{total}] {finding.id}: {finding.verdict} ({finding.seconds:.1f} s)", err=True)
