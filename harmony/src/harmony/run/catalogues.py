"""What the step workers of a project announce: each is started, asked and ended."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from harmony.errors import HarmonyError
from harmony.project import Project
from harmony.run.pool import WorkerPool
from harmony.run.run_id import RunId
from harmony.run.step_worker import StepWorker
from harmony.wire.step_contract import Discovery


@dataclass(frozen=True, slots=True)
class Catalogues:
    """What is known of what the workers know.

    Attributes:
        announced: Of each platform whose worker announces something.
        silent: The other platforms with workers, and why nothing is known of them.
    """

    announced: Mapping[str, Discovery]
    silent: Mapping[str, str]


def ask_workers(project: Project) -> Catalogues:
    """Ask the workers of all platforms at once."""
    return asyncio.run(_ask(project))


async def _ask(project: Project) -> Catalogues:
    platforms = {
        name: one for name, one in project.settings.platforms.items() if one.contract == "steps" and not one.opt_in
    }
    pool = WorkerPool(platforms, project.home, 0)
    try:
        found = dict(zip(platforms, await asyncio.gather(*(_discovery(pool, name) for name in platforms)), strict=True))
    finally:
        await pool.close()
    announced = {name: one for name, one in found.items() if isinstance(one, Discovery)}
    return Catalogues(announced, {name: one for name, one in found.items() if isinstance(one, str)})


async def _discovery(pool: WorkerPool, name: str) -> Discovery | str:
    try:
        worker = await pool.acquire(name, RunId.new(0))
        discovery = worker.state.discovery if isinstance(worker, StepWorker) else Discovery()
        await pool.release(worker, name)
    except HarmonyError as error:
        return error.message
    return discovery if discovery.steps else "its worker announces nothing"
