"""What the process of a role holds of the system, compared with what it held at first."""

from __future__ import annotations

from typing import Final

from step_definitions.processes import Holdings
from step_definitions.role import Role

_LEEWAY: Final = 2
"""Of each kind: a runtime opens something of its own now and then."""


class HeldResources:
    """Descriptors, mappings of shared memory and threads. The step classes of a role share it."""

    def __init__(self, role: Role) -> None:
        self._role = role
        self._before: Holdings | None = None

    async def note(self) -> None:
        """Count, if nothing was counted before: after the first turn of what is done many times."""
        self._before = self._before or Holdings.of(await self._role.pid())

    async def expect_no_more(self) -> None:
        """Compare what is held with what was held at first, and give what ends by itself the time to end.

        Raises:
            AssertionError: There is more, or nothing has been counted.
        """
        if self._before is None:
            raise AssertionError("nothing has been counted before")
        before, number = self._before, await self._role.pid()
        growth: dict[str, int] = {}

        def no_more() -> bool:
            growth.update(_growth(before, Holdings.of(number)))
            return all(value <= _LEEWAY for value in growth.values())

        try:
            await self._role.poll(no_more, "what was opened given back", timeout=self._role.settings.attempt_timeout)
        except AssertionError as error:
            raise AssertionError(f"held more than before: {growth}") from error


def _growth(before: Holdings, now: Holdings) -> dict[str, int]:
    return {name: getattr(now, name) - getattr(before, name) for name in ("descriptors", "mappings", "threads")}
