"""``harmony serve``: this project's steps as a worker for any orchestrator."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harmony.cli.options import ProjectOption
from harmony.cli.worker_words import SHORTEST_TIMEOUT
from harmony.serve.start import serve


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("serve")(serve_command)


def serve_command(
    project: ProjectOption = None,
    listen: Annotated[
        Path | None, typer.Option("--listen", help="Unix socket to listen on, instead of stdin and stdout.")
    ] = None,
    replay: Annotated[
        Path | None, typer.Option("--replay", help="Play the worker of this recording instead of the project's steps.")
    ] = None,
    step_timeout: Annotated[
        float | None,
        typer.Option("--step-timeout", min=SHORTEST_TIMEOUT, help="Seconds a step may take; 30 by default."),
    ] = None,
) -> None:
    """Speak the step contract on stdin and stdout, or on a Unix socket."""
    serve(project, listen, replay, step_timeout)
