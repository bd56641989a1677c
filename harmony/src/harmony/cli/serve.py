"""``harmony serve``: this project's steps as a worker for any orchestrator."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from harmony.cli.options import ProjectOption
from harmony.process.transcript import pass_on
from harmony.project import load_project
from harmony.serve.conversation import Host, SessionOptions
from harmony.serve.project_host import hosts_of, options_of
from harmony.serve.streams import StandardStreams
from harmony.serve.worker import leave, log_to_stderr, serve_socket, serve_streams
from harmony.wire.step_contract import DEFAULT_TIMEOUT


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
        float | None, typer.Option("--step-timeout", min=0.001, help="Seconds a step may take; 30 by default.")
    ] = None,
) -> None:
    """Speak the step contract on stdin and stdout, or on a Unix socket."""
    # Taken first: even the import of a step module may print.
    wire = StandardStreams() if listen is None else None
    log_to_stderr()
    pass_on(2)
    if replay is not None:
        factory: Callable[[], Host] = _replaying(replay)
        options = SessionOptions(step_timeout or DEFAULT_TIMEOUT)
    else:
        loaded = load_project(project)
        factory = hosts_of(loaded.library(), loaded.settings.log_level)
        options = options_of(loaded.settings, step_timeout)
    if wire is not None:
        leave(serve_streams(wire, factory, options))
    if listen is not None:
        leave(serve_socket(listen, factory, options))


def _replaying(file: Path) -> Callable[[], Host]:
    # A worker with steps of its own needs neither YAML nor all of an orchestrator to start.
    from harmony.run.recording import load  # noqa: PLC0415
    from harmony.serve.replay import ReplayingHost  # noqa: PLC0415

    recording = load(file)
    return lambda: ReplayingHost(recording)
