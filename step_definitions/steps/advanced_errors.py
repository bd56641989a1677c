"""Sentences of features/10-advanced-errors.feature."""

from __future__ import annotations

import os

from harmony.errors import UnsupportedError
from harmony.registry import step
from step_definitions.role import Role
from step_definitions.sentences import acting

_NOBODY = 65534


class AdvancedErrorSteps:
    """Another user."""

    def __init__(self, role: Role) -> None:
        self._role = role

    @step(acting(r"of another user tries to connect to buffer '(?P<base>[^']+)'"))
    async def try_connect_as_nobody(self, base: str) -> None:
        """Connect from a process that belongs to nobody."""
        if os.geteuid() != 0:
            raise UnsupportedError("becoming another user needs the rights of root")
        stranger = await self._role.sibling(user=_NOBODY)
        await self._role.attempts.make(stranger.connect(self._role.view(base).name))
