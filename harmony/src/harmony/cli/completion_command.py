"""The command ``harmony completion``: prints the script that a shell reads."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from harmony.cli.completion import SCRIPTS

Shell = StrEnum("Shell", {name.upper(): name for name in SCRIPTS})  # type: ignore[misc]


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("completion")(completion_command)


def completion_command(
    shell: Annotated[Shell, typer.Argument(help='Whose script: `eval "$(harmony completion bash)"`.')],
) -> None:
    """Print what completes commands, options, scenarios and platforms in a shell."""
    typer.echo(SCRIPTS[shell.value], nl=False)
