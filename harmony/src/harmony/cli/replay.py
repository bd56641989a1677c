"""``harmony replay``: hold workers to recordings."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from harmony.cli.options import ProjectOption
from harmony.errors import ConfigurationError, ExitCode
from harmony.process import places
from harmony.project import Project, load_project
from harmony.run.pool import WorkerPool
from harmony.run.recording import Recording, load_all
from harmony.run.run_id import RunId
from harmony.run.step_worker import StepWorker
from harmony.serve.replay import Difference, feature_id_in, replay_together
from harmony.text import shown, visible
from harmony.wire.link import LinkError


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("replay")(replay_command)


def replay_command(  # noqa: PLR0917 - typer passes options by name
    place: Annotated[Path, typer.Argument(help="A recording, or a directory of them.")],
    platform: Annotated[str, typer.Option("--platform", help="Whose worker is held to them.")],
    role: Annotated[str, typer.Option("--role", help="Only this role; the recorded platforms play the others.")] = "",
    seconds: Annotated[float, typer.Option("--timeout", min=0.001, help="Seconds an answer may take.")] = 31.0,
    min_pass_rate: Annotated[float, typer.Option("--min-pass-rate", min=0, max=1, help="Forgive up to this.")] = 1.0,
    project: ProjectOption = None,
) -> None:
    """Ask workers what was recorded, and compare their answers but for the noise.

    The roles of one cell are played together, each by a worker of its own: a writer needs its reader.
    """
    recordings = load_all(place)
    if role and all(role != one.role.partition("#")[0] for one in recordings):
        raise ConfigurationError(f"there is no recording of the role {role!r} in {place}")
    cells: dict[str, list[Recording]] = {}
    for recording in recordings:
        cells.setdefault(recording.cell, []).append(recording)
    told = asyncio.run(_replay(load_project(project), list(cells.values()), platform, role, seconds))
    failed = {name for name, found in told.items() if not all(one.better for one in found)}
    passed = len(told) - len(failed)
    for name, found in told.items():
        typer.echo(visible(f"{'FAILED' if name in failed else 'passed'} {name}"))
        for difference in found:
            typer.echo(shown(f"  {difference}"))
    typer.echo(f"{passed} of {len(told)} recordings passed")
    if passed / len(told) < min_pass_rate:
        raise typer.Exit(ExitCode.FAILED)


async def _replay(
    project: Project, cells: Sequence[Sequence[Recording]], platform: str, role: str, seconds: float
) -> dict[str, list[Difference]]:
    """Return how the platform differs from each recording that it was held to."""
    pool = WorkerPool(project.settings.platforms, project.home, 0)
    told: dict[str, list[Difference]] = {}
    try:
        for recordings in cells:
            players = [(one, not role or one.role.partition("#")[0] == role) for one in recordings]
            differences = await _cell(
                pool, [(one, platform if held else one.platform) for one, held in players], seconds
            )
            for recording, held in players:
                if held:
                    told[str(recording.file)] = differences[recording.role]
    finally:
        await pool.close()
    return told


async def _cell(
    pool: WorkerPool, players: Sequence[tuple[Recording, str]], seconds: float
) -> dict[str, list[Difference]]:
    run_id = RunId.new(next((number for one, _ in players if (number := feature_id_in(one)) is not None), 1))
    workers: list[tuple[StepWorker, str]] = []
    try:
        for _, platform in players:
            worker = await pool.acquire(platform, run_id)
            if not isinstance(worker, StepWorker):
                await worker.close()
                raise ConfigurationError(f"{platform} speaks no step contract", hint="recordings are of step workers")
            workers.append((worker, platform))
        parts = [(worker.link, recording) for (worker, _), (recording, _) in zip(workers, players, strict=True)]
        found = await replay_together(parts, seconds, run_id)
        for worker, _ in workers:
            await worker.finish()
    except LinkError as error:
        return {recording.role: [Difference(0, "-", "", "an answer", str(error))] for recording, _ in players}
    finally:
        for worker, platform in workers:
            await pool.release(worker, platform)
        places.clear(str(run_id))
    return found
