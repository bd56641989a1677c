"""Sentences of features/07-system-resources.feature: what the system refuses, and what it gets back."""

from __future__ import annotations

import resource

from harmony import ByteSize, ScenarioContext, expect_equal, given, step, then
from step_definitions import processes
from step_definitions.held_resources import HeldResources
from step_definitions.observer import Part
from step_definitions.patterns import Pattern, Payload
from step_definitions.port import Driver
from step_definitions.role import Role
from step_definitions.sentences import acting, stating
from step_definitions.verification import verify_frame

_SMALL = Payload(Pattern.SIMPLE, 100)


class SystemResourceSteps:
    """Obstacles and limits; what comes and goes."""

    def __init__(self, role: Role, driver: Driver, context: ScenarioContext, held: HeldResources) -> None:
        self._role = role
        self._driver = driver
        self._held = held
        self._context = context
        self._limits: list[tuple[int, int, tuple[int, int]]] = []

    @given(stating(r"an obstacle stands in the place of the '(?P<part>[^']+)' of buffer '(?P<base>[^']+)'"))
    @step(
        stating(
            r"a (?P<obstacle>directory|FIFO|symbolic link) stands in the place of the '(?P<part>[^']+)' "
            r"of buffer '(?P<base>[^']+)'"
        )
    )
    def obstruct(self, part: Part, base: str, obstacle: str = "directory") -> None:
        """Put a directory, or something else, where an object of the buffer is or would be."""
        view = self._role.planted(base)
        view.obstruct(part, obstacle)
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

    @step(acting(r"may make no file larger than '(?P<size>[^']+)'"))
    async def limit_files(self, size: ByteSize) -> None:
        """Limit the size of the files that the process makes."""
        self._limit(await self._role.pid(), resource.RLIMIT_FSIZE, size)

    @step(stating(r"the limits of the '[^']+' process are lifted"))
    def lift(self) -> None:
        """Take every limit back."""
        for number, kind, before in self._limits:
            resource.prlimit(number, kind, before)
        self._limits.clear()

    @step(acting(r"creates and closes buffer '(?P<base>[^']+)' '(?P<times>\d+)' times"))
    async def come_and_go(self, base: str, times: int) -> None:
        """Create and close, again and again."""
        for _ in range(times):
            await self._role.create(base, 64, 4096)
            await self._role.close(base)
            await self._held.note()

    @step(acting(r"connects to buffer '(?P<base>[^']+)', writes a frame and leaves, '(?P<times>\d+)' times"))
    async def visit(self, base: str, times: int) -> None:
        """Connect, write a frame and close, again and again."""
        for _ in range(times):
            await self._role.connect(base)
            await self._role.write(_SMALL)
            await self._role.close(base)
            await self._held.note()

    @step(acting(r"reads '(?P<count>\d+)' frames, each the first one of its writer"))
    async def read_visitors(self, count: int) -> None:
        """Read and release frames, and compare number and bytes of each."""
        for _ in range(count):
            frame = await self._role.read()
            expect_equal(1, frame.sequence, "sequence of the frame")
            await verify_frame(self._driver, frame, _SMALL)
            await self._role.release_all()
            await self._held.note()

    @step(
        acting(r"closes both sides of buffer '(?P<base>[^']+)' with a frame and a place lent, '(?P<times>\d+)' times")
    )
    async def close_lent(self, base: str, times: int) -> None:
        """Create and connect, read a frame and request a place, and close all with both of them out."""
        for _ in range(times):
            await self._role.create(base, 64, 4096)
            await self._role.connect(base)
            await self._role.write(_SMALL)
            await self._role.read(hold=True)
            await self._driver.acquire(self._role.endpoints.writer(), _SMALL.size)
            await self._role.close(base)
            await self._held.note()

    @step(
        acting(
            r"is refused buffer '(?P<base>[^']+)' as a (?P<side>reader|writer) "
            r"with '(?P<code>[^']+)', '(?P<times>\d+)' times"
        )
    )
    async def refused(self, base: str, side: str, code: str, times: int) -> None:
        """Try to create a buffer, or to connect to it, again and again."""
        name, operations = self._role.view(base).name, self._role.operations
        for _ in range(times):
            connecting = side == "writer"
            work = self._driver.connect(name) if connecting else self._driver.create(name, metadata=0, payload=64)
            await operations.attempt(work)
            await operations.error([code], self._role.settings.read_timeout)
            await self._held.note()

    @step(acting(r"takes stock of its resources"))
    async def take_stock(self) -> None:
        """Count descriptors, mappings and threads."""
        await self._held.note()

    @then(acting(r"should hold no more resources than before"))
    async def nothing_more(self) -> None:
        """Compare descriptors, mappings and threads with what the process held at first."""
        await self._held.expect_no_more()

    def _limit(self, number: int, kind: int, value: int) -> None:
        if not self._limits:
            self._context.on_cleanup(self.lift)
        self._limits.append((number, kind, processes.limit(number, kind, value)))
