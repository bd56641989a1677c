"""Sentences of features/18-hostile-memory.feature."""

from __future__ import annotations

import struct

from harmony import step, then
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

    @then(acting(r"should have got error '(?P<code>[^']+)', or frame '(?P<sequence>\d+)'"))
    async def error_or_frame(self, code: str, sequence: int) -> None:
        """The last attempt failed with this code, or read this frame: a reader may keep its position to itself."""
        outcome = await self._role.operations.outcome(self._role.settings.read_timeout)
        seen = outcome.error.code if outcome.error else outcome.result.sequence
        if seen not in {code, sequence}:
            raise AssertionError(f"expected the error {code!r} or frame {sequence}, seen {seen!r}")

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

    @step(
        stating(
            r"the (?P<part>segment|data semaphore|space semaphore) of buffer '(?P<base>[^']+)' "
            r"is cut to '(?P<length>\d+)' bytes"
        )
    )
    def cut(self, part: Part, base: str, length: int) -> None:
        """Shorten an object."""
        self._role.view(base).cut(part, length)

    @step(
        stating(
            r"the word at '(?P<offset>\d+)' of the (?P<part>data semaphore|space semaphore) of buffer "
            r"'(?P<base>[^']+)' is overwritten with '(?P<value>\d+)'"
        )
    )
    def spoil(self, offset: int, part: Part, base: str, value: int) -> None:
        """Write what no semaphore holds."""
        self._role.view(base).spoil(part, offset, value)
