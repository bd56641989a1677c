"""Sentences of features/06-synchronisation.feature."""

from __future__ import annotations

from harmony import then
from step_definitions.port import Transfer
from step_definitions.role import Role
from step_definitions.sentences import acting


class SynchronisationSteps:
    """How the writer is held to the pace of the reader."""

    def __init__(self, role: Role) -> None:
        self._role = role

    @then(acting(r"should have needed at least '(?P<milliseconds>\d+)' ms for its frames"))
    async def needed_at_least(self, milliseconds: int) -> None:
        """What was written in the background took its time: the reader's pace is what held it."""
        outcome = await self._role.operations.finished(self._role.settings.bulk_timeout)
        if outcome.error is not None:
            raise outcome.error
        done: Transfer = outcome.result
        if done.seconds * 1000 < milliseconds:
            raise AssertionError(
                f"{done.frames} frames took {done.seconds * 1000:.0f} ms, at least {milliseconds} expected"
            )
