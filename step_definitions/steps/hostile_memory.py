"""Sentences of features/18-hostile-memory.feature."""

from __future__ import annotations

import struct

from harmony import step
from step_definitions.observer import Part
from step_definitions.patterns import Pattern, Payload
from step_definitions.role import Role
from step_definitions.sentences import acting, stating


class HostileMemorySteps:
    """Bytes that no implementation would write."""

    def __init__(self, role: Role) -> None:
        self._role = role

    @step(acting(r"tries to connect to buffer '(?P<base>[^']+)' and to write"))
    async def try_connect_and_write(self, base: str) -> None:
        """Connect and write a frame; one of the two may fail."""

        async def work() -> None:
            await self._role.connect(base)
            await self._role.write(Payload(Pattern.FRAME, 100), timeout=self._role.settings.attempt_timeout)

        await self._role.operations.attempt(work())

    @step(
        stating(r"the '8' bytes at '(?P<offset>\d+)' of buffer '(?P<base>[^']+)' are overwritten with '(?P<value>\d+)'")
    )
    def overwrite(self, offset: int, base: str, value: int) -> None:
        """Overwrite a number anywhere in the segment."""
        self._role.view(base).write(offset, struct.pack("<Q", value))

    @step(stating(r"the data semaphore of buffer '(?P<base>[^']+)' is posted once more"))
    def post(self, base: str) -> None:
        """Post a token for which there is no frame."""
        self._role.view(base).post(Part.DATA)

    @step(stating(r"the segment of buffer '(?P<base>[^']+)' is cut to '(?P<length>\d+)' bytes"))
    def cut(self, base: str, length: int) -> None:
        """Shorten the segment."""
        self._role.view(base).cut(length)
