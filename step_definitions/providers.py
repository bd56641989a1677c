"""What harmony injects on behalf of this project."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from harmony import ProcessControl, provider
from step_definitions.observer import objects_of_run, owner_of
from step_definitions.port import Driver
from step_definitions.role import Role


class RoleProcess(ProcessControl):
    """The process behind a role in local mode."""

    def __init__(self, role: Role) -> None:
        self._role = role

    async def kill(self) -> None:
        """End it with SIGKILL."""
        await self._role.restart()

    async def crash(self) -> None:
        """End it without any clean-up."""
        await self._role.restart()

    async def shut_down(self) -> None:
        """Have it release everything and exit."""
        await self._role.driver.end()
        await self._role.restart()


@provider
def driver(role: Role) -> Driver:
    """The implementation that plays the role."""
    return role.driver


@provider
def process_control(role: Role) -> ProcessControl:
    """Control over the child process of a role."""
    return RoleProcess(role)


def leaked_objects(run_id: str) -> Iterable[tuple[str, int]]:
    """Name every segment, semaphore and lock file of a run that still exists, and the reader that has to remove it."""
    return [(path, owner_of(Path(path))) for path in objects_of_run(f"_{run_id}")]
