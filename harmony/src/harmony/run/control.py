"""Ending a role's process on purpose."""

from __future__ import annotations

from typing import Protocol


class ProcessControl(Protocol):
    """The process behind a role in local mode. Each method returns when the process is gone."""

    async def kill(self) -> None:
        """End it with SIGKILL."""

    async def crash(self) -> None:
        """Have it die by its own fault, without any clean-up."""

    async def shut_down(self) -> None:
        """Ask it to release everything and exit."""
