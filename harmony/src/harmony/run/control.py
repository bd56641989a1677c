"""Ending or halting a role's process on purpose."""

from __future__ import annotations

from typing import Protocol

from harmony.errors import UnsupportedError


class ProcessControl(Protocol):
    """The process behind a role in local mode. Each method returns when it is gone, halted, or going on."""

    async def kill(self) -> None:
        """End it with SIGKILL."""

    async def crash(self) -> None:
        """Have it die by its own fault, without any clean-up."""

    async def shut_down(self) -> None:
        """Ask it to release everything and exit."""

    async def freeze(self) -> None:
        """Halt it, with all that it has started; what it is sent waits."""
        raise UnsupportedError("the process of this role cannot be frozen: its control has no `freeze`")

    async def thaw(self) -> None:
        """Have it go on."""
        raise UnsupportedError("the process of this role cannot be thawed: its control has no `thaw`")
