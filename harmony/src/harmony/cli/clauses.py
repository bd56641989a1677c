"""``harmony clauses``: which scenarios prove which clause of the project's specification."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from harmony.cli.options import ProjectOption
from harmony.cli.published import renew
from harmony.errors import ConfigurationError, ExitCode
from harmony.project import Project, load_project
from harmony.spec.clauses import Clause, as_json, as_markdown, problems, wrong_citations


class Form(StrEnum):
    """How the table is shown."""

    MARKDOWN = "markdown"
    JSON = "json"


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("clauses")(clauses_command)


def clauses_command(
    form: Annotated[Form, typer.Option("--format", help="How it is printed.")] = Form.MARKDOWN,
    write: Annotated[bool, typer.Option("--write", help="Renew the table that the project publishes.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Fail if the published table is stale.")] = False,
    project: ProjectOption = None,
) -> None:
    """Show which scenarios cite which clause; a citation of what does not exist fails."""
    loaded = load_project(project)
    document = _document(loaded)
    clauses, wrong = _read(loaded, document)
    for problem in wrong:
        typer.echo(problem, err=True)
    if write or check:
        stale = _publish(loaded, as_markdown(clauses, document), check=check)
    else:
        stale = False
        typer.echo(as_json(clauses, document) if form is Form.JSON else as_markdown(clauses, document), nl=False)
    if wrong or stale:
        raise typer.Exit(ExitCode.FAILED)


def _document(project: Project) -> str:
    document = project.settings.clauses.document
    if document is None:
        raise ConfigurationError(
            f"{project.file}: clauses: no document is named", hint='write document = "docs/protocol.md" under [clauses]'
        )
    return document.as_posix()


def _read(project: Project, document: str) -> tuple[list[Clause], list[str]]:
    features, errors = project.features()
    if errors:
        raise errors[0]
    scenarios = [scenario for feature in features for scenario in feature.scenarios]
    tag = project.settings.clauses.tag
    clauses = project.clauses(scenarios)
    cited = [f"{place}: {said}" for place, said in wrong_citations(clauses, scenarios, tag, document)]
    missing = [
        f"{document}:{one.line}: {one.number} is checked by {path}, which is not there"
        for one in clauses
        for path in one.tests
        if not (project.root / path).exists()
    ]
    return clauses, [*problems(clauses, document), *cited, *missing]


def _publish(project: Project, text: str, *, check: bool) -> bool:
    """Write the table, or say whether what stands there is stale."""
    table = project.settings.clauses.table
    if table is None:
        raise ConfigurationError(f"{project.file}: clauses: no table is named", hint="name clauses.table")
    otherwise = "is not what document and scenarios say: run `harmony clauses --write`"
    stale = renew({project.root / table: text}, project.root, check=check, otherwise=otherwise)
    if not stale:
        typer.echo(f"{table.as_posix()} is what document and scenarios say")
    return check and bool(stale)
