"""Ending a role's process on purpose."""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol, runtime_checkable

from harmony.actor import StepOutcome


class ProcessAction(StrEnum):
    """What a scenario may do to a process."""

    KILL = "kill"
    CRASH = "crash"
    SHUTDOWN = "shutdown"


class ProcessControl(Protocol):
    """The process behind a role in local mode. Each method returns when the process is gone."""

    async def kill(self) -> None:
        """End it with SIGKILL."""

    async def crash(self) -> None:
        """Have it die by its own fault, without any clean-up."""

    async def shut_down(self) -> None:
        """Ask it to release everything and exit."""


@runtime_checkable
class Controllable(Protocol):
    """An actor whose process can be ended on purpose."""

    async def control(self, action: ProcessAction) -> StepOutcome:
        """Do it, and return when the process is gone."""


@runtime_checkable
class Settling(Protocol):
    """An actor whose steps may go on in the background."""

    async def settle(self, timeout: float) -> StepOutcome:
        """Wait for what still runs in the background and report how it ended."""
