"""Sentences of features/17-death.feature."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any

from harmony.errors import UnsupportedError
from harmony.steps.context import ScenarioContext
from harmony.steps.conversion import ByteSize
from harmony.steps.registry import step, then
from harmony.verdict.comparison import expect_equal
from step_definitions import processes
from step_definitions.child_driver import ChildDriver, Placement
from step_definitions.patterns import Pattern, Payload
from step_definitions.port import Driver, DriverError
from step_definitions.role import Role
from step_definitions.sentences import acting

_SIZE = 1000


class DeathSteps:
    """Where a process stands when it dies, and what the survivor still gets."""

    def __init__(self, role: Role, context: ScenarioContext) -> None:
        self._role = role
        self._context = context
        self._halted = 0
        self._victim: Driver | None = None
        self._handle = 0
        self._deed: asyncio.Task[int] | None = None

    @step(acting(r"goes on until it (?P<deed>[a-z ]+)"))
    async def go_on_until(self, deed: str) -> None:
        """Bring the role to a named point."""
        deeds: Mapping[str, Callable[[], Awaitable[object]]] = {
            "has written one frame": self._nothing,
            "has requested a frame": self._acquire,
            "has filled half of a frame": lambda: self._fill(_SIZE // 2),
            "has filled a frame": lambda: self._fill(_SIZE),
            "has committed a frame": self._commit,
            "has abandoned a frame": self._abandon,
            "has written metadata": self._metadata,
            "has wrapped": self._wrap,
            "has read nothing": self._nothing,
            "holds a frame": lambda: self._hold(1),
            "holds two frames": lambda: self._hold(2),
            "has released a frame": self._release,
        }
        if deed not in deeds:
            raise AssertionError(f"no point is called {deed!r}; there are {', '.join(deeds)}")
        await deeds[deed]()

    @then(acting(r"should read '(?P<count>\d+)' frames and then get error '(?P<code>[^']+)'"))
    async def read_then_error(self, count: int, code: str) -> None:
        """Read what was committed, then learn of the death."""
        done = await self._role.read_many(count)
        expect_equal(count, done.frames, "frames read")
        await self._role.operations.attempt(self._role.read(timeout=self._role.settings.attempt_timeout))
        await self._role.operations.error([code], self._role.settings.read_timeout)

    @step(acting(r"has the writer of buffer '(?P<base>[^']+)' halted"))
    def halt(self, base: str) -> None:
        """Stop the process that the header names, without ending it: nobody can do that to itself and answer."""
        number = self._halted = self._role.view(base).field("writer_pid")
        processes.halt(number)
        self._context.on_cleanup(lambda: processes.go_on(number))

    @step(acting(r"lets the writer of buffer '[^']+' go on"))
    def resume(self) -> None:
        """Let the halted process go on."""
        processes.go_on(self._halted)

    @step(
        acting(
            r"has another one connect to buffer '(?P<base>[^']+)' and write '(?P<count>\d+)' frames "
            r"of size '(?P<size>[^']+)'"
        )
    )
    async def victim_writes(self, base: str, count: int, size: ByteSize) -> None:
        """Start another process of the same implementation and have it write."""
        self._victim = await self._role.sibling(process=True)
        self._handle = await self._victim.connect(self._role.view(base).name)
        await self._victim.write(self._handle, Payload(Pattern.FRAME, size), count=count)

    @step(
        acting(
            r"has another one create buffer '(?P<base>[^']+)' with metadata size '(?P<metadata>[^']+)' "
            r"and payload size '(?P<payload>[^']+)'"
        )
    )
    async def victim_creates(self, base: str, metadata: ByteSize, payload: ByteSize) -> None:
        """Start another process of the same implementation and have it create a buffer."""
        self._victim = await self._role.sibling(process=True)
        self._handle = await self._victim.create(self._role.view(base).name, metadata=metadata, payload=payload)

    @step(
        acting(
            r"has another one in a pid namespace of its own connect to buffer '(?P<base>[^']+)' "
            r"and write '(?P<count>\d+)' frames of size '(?P<size>[^']+)'"
        )
    )
    async def distant_victim_writes(self, base: str, count: int, size: ByteSize) -> None:
        """Start a process that has the number 1 and knows nobody here, and have it write."""
        if os.geteuid() != 0 or shutil.which("unshare") is None:
            raise UnsupportedError("a pid namespace needs the rights of root, and unshare (Debian: util-linux)")
        self._victim = await self._role.sibling(Placement(namespace=True))
        self._handle = await self._victim.connect(self._role.view(base).name)
        await self._victim.write(self._handle, Payload(Pattern.FRAME, size), count=count)

    @step(acting(r"has the other one killed"))
    async def victim_is_killed(self) -> None:
        """End the other process without a word."""
        match self._other():
            case ChildDriver() as victim:
                await victim.kill()
            case _:
                raise AssertionError("the other one is no process of its own")

    @step(acting(r"has the other one die at '(?P<point>[^']+)' of a (?P<operation>write|read)"))
    async def victim_dies(self, point: str, operation: str) -> None:
        """Arm the point, begin the operation, and see the process die of it."""
        victim = self._other()
        await victim.arm(point, 1)
        try:
            if operation == "write":
                await victim.write(self._handle, Payload(Pattern.FRAME, _SIZE))
            else:
                await self._take(victim)
        except DriverError as error:
            if error.code != "dead":
                raise
            # Its end of the pipe closes a moment before it is gone.
            await victim.end()
        else:
            raise AssertionError(f"the {operation} came to its end without passing {point!r}")

    @step(acting(r"has another one halt at '(?P<point>[^']+)' of a connection to buffer '(?P<base>[^']+)'"))
    async def victim_halts_in_connection(self, point: str, base: str) -> None:
        """Start another process of the same implementation and have it stop on its way into a buffer."""
        victim = self._victim = await self._role.sibling(process=True)
        await self._halt_in(victim, point, self._join(victim, self._role.view(base).name))

    @step(acting(r"has the other one halt at '(?P<point>[^']+)' of a read"))
    async def victim_halts_in_read(self, point: str) -> None:
        """Have the other process stop in the middle of a read."""
        victim = self._other()
        await self._halt_in(victim, point, self._take(victim))

    @step(acting(r"lets the other one go on, which then writes '(?P<count>\d+)' frames of size '(?P<size>[^']+)'"))
    async def victim_connects(self, count: int, size: ByteSize) -> None:
        """Let the connection come to its end, and use it."""
        await self._other().write(await self._go_on(), Payload(Pattern.FRAME, size), count=count)

    @step(acting(r"lets the other one go on, which then has frame '(?P<sequence>\d+)'"))
    async def victim_has_read(self, sequence: int) -> None:
        """Let the read come to its end."""
        expect_equal(sequence, await self._go_on(), "sequence of the frame")

    @step(acting(r"has the other one read '(?P<count>\d+)' frames from '(?P<first>\d+)' on, and no further"))
    async def victim_reads(self, count: int, first: int) -> None:
        """Have the other process read until nothing comes."""
        done = await self._other().read_many(self._handle, idle=self._role.settings.idle_timeout)
        expect_equal((count, first, first + count - 1), (done.frames, done.first, done.last), "frames, first, last")

    def _other(self) -> Driver:
        if self._victim is None:
            raise AssertionError("there is no other process")
        return self._victim

    async def _halt_in(self, victim: Driver, point: str, work: Coroutine[Any, Any, int]) -> None:
        number = self._halted = (await victim.hello()).pid
        await victim.arm(point, 1, then="halt")
        deed = self._deed = asyncio.create_task(work)

        async def let_go() -> None:
            processes.go_on(number)
            deed.cancel()
            await asyncio.gather(deed, return_exceptions=True)

        self._context.on_cleanup(let_go)
        if not await processes.stands(number, deed):
            raise AssertionError(f"it did not halt at {point!r}: {deed!r}")

    async def _go_on(self) -> int:
        if self._deed is None:
            raise AssertionError("no other process halts")
        processes.go_on(self._halted)
        return await self._deed

    async def _take(self, victim: Driver) -> int:
        frame = await victim.read(self._handle)
        await victim.release(frame.frame)
        return frame.sequence

    async def _join(self, driver: Driver, name: str) -> int:
        try:
            return await driver.connect(name)
        except DriverError as error:
            # A writer may also notice that all has changed and leave it to its user to try again.
            if error.code not in {"not_found", "reader_dead"}:
                raise
            return await driver.connect(name)

    async def _nothing(self) -> None:
        if not await self._role.pid():
            raise DriverError("dead", "the process is gone before its time")

    async def _acquire(self) -> int:
        return await (await self._role.driver()).acquire(self._role.endpoints.writer(), _SIZE)

    async def _fill(self, length: int) -> int:
        slot = await self._acquire()
        await (await self._role.driver()).put(slot, Payload(Pattern.FRAME, length))
        return slot

    async def _commit(self) -> None:
        await (await self._role.driver()).commit(await self._fill(_SIZE))

    async def _abandon(self) -> None:
        await (await self._role.driver()).abandon(await self._fill(_SIZE))

    async def _metadata(self) -> None:
        driver = await self._role.driver()
        await driver.write_metadata(self._role.endpoints.writer(), Payload(Pattern.SIMPLE, 100))

    async def _wrap(self) -> None:
        # In a ring of 10240 bytes, after one frame of 1000, the second of these has room only at the start.
        driver = await self._role.driver()
        await driver.write(self._role.endpoints.writer(), Payload(Pattern.FRAME, 9000), count=2, sizes=[9000, 500])

    async def _hold(self, count: int) -> None:
        for _ in range(count):
            await self._role.read(hold=True)

    async def _release(self) -> None:
        await self._hold(1)
        await self._role.release_all()
