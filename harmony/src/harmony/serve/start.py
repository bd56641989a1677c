"""The start of a worker: a run starts hundreds, so nothing is loaded that this does not need."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from harmony.process.transcript import pass_on
from harmony.project import load_project
from harmony.serve.conversation import Host, SessionOptions
from harmony.serve.project_host import hosts_of, options_of
from harmony.serve.streams import StandardStreams
from harmony.serve.worker import leave, serve_socket, serve_streams
from harmony.wire.step_contract import DEFAULT_TIMEOUT


def serve(
    project: Path | None = None,
    listen: Path | None = None,
    replay: Path | None = None,
    step_timeout: float | None = None,
) -> None:
    """Serve until the end, and leave.

    Args:
        project: Project file or directory; found from the working directory upwards by default.
        listen: Unix socket to listen on, instead of stdin and stdout.
        replay: The recording whose worker it plays, instead of the steps of the project.
        step_timeout: Seconds a step may take; what the project says by default.
    """
    # Taken first: even the import of a step module may print.
    wire = StandardStreams() if listen is None else None
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
