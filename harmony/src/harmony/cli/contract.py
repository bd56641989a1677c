"""``harmony contract``: the verbs of a project's drivers, as documentation and as JSON Schema."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Annotated

import typer

from harmony.cli.options import ProjectOption
from harmony.cli.published import renew
from harmony.errors import ConfigurationError, ExitCode
from harmony.project import Project, load_project
from harmony.wire.contract_text import json_schema, markdown
from harmony.wire.driver import GRACE


class Form(StrEnum):
    """How a contract is shown."""

    MARKDOWN = "markdown"
    SCHEMA = "schema"


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("contract")(contract_command)


def contract_command(
    form: Annotated[Form, typer.Option("--format", help="What to print.")] = Form.MARKDOWN,
    write: Annotated[bool, typer.Option("--write", help="Renew the files that the project publishes.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Fail if a published file is stale.")] = False,
    project: ProjectOption = None,
) -> None:
    """Print what a driver of this project must be able to do."""
    loaded = load_project(project)
    if not (write or check):
        typer.echo(_text(loaded, form), nl=False)
        return
    published = {
        loaded.root / path: _text(loaded, form)
        for path, form in (
            (loaded.settings.driver.documentation, Form.MARKDOWN),
            (loaded.settings.driver.schema_file, Form.SCHEMA),
        )
        if path is not None
    }
    if not published:
        raise ConfigurationError(
            f"{loaded.file}: driver: nothing is published", hint="name driver.documentation or driver.schema_file"
        )
    otherwise = "is not what the contract says: run `harmony contract --write`"
    stale = renew(published, loaded.root, check=check, otherwise=otherwise)
    if check and stale:
        raise typer.Exit(ExitCode.FAILED)
    if not stale:
        typer.echo("everything published is what the contract says")


def _text(project: Project, form: Form) -> str:
    if form is Form.SCHEMA:
        return json.dumps(json_schema(project.contract), indent=1, ensure_ascii=False) + "\n"
    return markdown(project.contract, GRACE)
