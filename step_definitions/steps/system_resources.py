"""Sentences of features/07-system-resources.feature: what the system refuses."""

from __future__ import annotations

import resource

from harmony import ByteSize, ScenarioContext, expect_equal, given, step, then
from step_definitions import processes
from step_definitions.observer import Part
from step_definitions.role import Role
from step_definitions.sentences import acting, stating


class SystemResourceSteps:
    """Obstacles and limits."""

    def __init__(self, role: Role, context: ScenarioContext) -> None:
        self._role = role
        self._context = context
        self._limits: list[tuple[int, int, tuple[int, int]]] = []

    @given(stating(r"an obstacle stands in the place of the '(?P<part>[^']+)' of buffer '(?P<base>[^']+)'"))
    def obstruct(self, part: Part, base: str) -> None:
        """Put a directory where an object of the buffer would be."""
        view = self._role.planted(base)
        view.obstruct(part)
        self._context.on_cleanup(view.clear)

    @step(stating(r"the obstacles of buffer '(?P<base>[^']+)' are removed"))
    def clear(self, base: str) -> None:
        """Remove the obstacles."""
        self._role.view(base).clear()

    @step(
        acting(
            r"tries to create buffer '(?P<base>[^']+)' with metadata size '(?P<metadata>[^']+)' "
            r"and payload size '(?P<payload>[^']+)'"
        )
    )
    async def try_create(self, base: str, metadata: ByteSize, payload: ByteSize) -> None:
        """Create a buffer, or learn why not."""
        await self._role.operations.attempt(self._role.create(base, metadata, payload))

    @then(stating(r"every object of buffer '(?P<base>[^']+)' should exist"))
    def everything_there(self, base: str) -> None:
        """Look for segment, semaphores and lock file."""
        expect_equal([part.value for part in Part], self._role.view(base).existing(), "objects of the buffer")

    @step(acting(r"may use at most '(?P<size>[^']+)' more of address space"))
    async def limit_address_space(self, size: ByteSize) -> None:
        """Limit the address space of the process."""
        number = await self._role.pid()
        self._limit(number, resource.RLIMIT_AS, processes.address_space(number) + size)

    @step(acting(r"may open no further descriptor"))
    async def limit_descriptors(self) -> None:
        """Limit the descriptors of the process to those it has."""
        await self.limit_further_descriptors(0)

    @step(acting(r"may open at most '(?P<count>\d+)' further descriptors"))
    async def limit_further_descriptors(self, count: int) -> None:
        """Limit the descriptors of the process."""
        number = await self._role.pid()
        self._limit(number, resource.RLIMIT_NOFILE, processes.first_free_descriptor(number) + count)

    @step(stating(r"the limits of the '[^']+' process are lifted"))
    def lift(self) -> None:
        """Take every limit back."""
        for number, kind, before in self._limits:
            resource.prlimit(number, kind, before)
        self._limits.clear()

    def _limit(self, number: int, kind: int, value: int) -> None:
        if not self._limits:
            self._context.on_cleanup(self.lift)
        self._limits.append((number, kind, processes.limit(number, kind, value)))
