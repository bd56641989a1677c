"""Sentences of features/17-death.feature."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any

from harmony import ByteSize, ScenarioContext, UnsupportedError, expect_equal, step, then
from step_definitions import processes
from step_definitions.child_driver import HERE, ChildDriver, Placement
from step_definitions.patterns import Pattern, Payload
from step_definitions.port import Driver, DriverError
from step_definitions.role import Role
from step_definitions.sentences import acting

_SIZE = 1000
_METADATA = 10


@dataclass(slots=True)
class _Other:
    """Another process of the same implementation, by the name that a scenario gives it.

    Attributes:
        driver: What it is told.
        handle: What it has open.
        pid: Its number, once it halts.
        deed: What it halts in.
    """

    driver: Driver
    handle: int = 0
    pid: int = 0
    deed: asyncio.Task[int] | None = None


class DeathSteps:
    """Where a process stands when it dies, and what the survivor still gets."""

    def __init__(self, role: Role, driver: Driver, context: ScenarioContext) -> None:
        self._role = role
        self._driver = driver
        self._context = context
        self._halted = 0
        self._others: dict[str, _Other] = {}

    @step(acting(r"goes on until it (?P<deed>[a-z ]+)"))
    async def go_on_until(self, deed: str) -> None:
        """Bring the role to a named point."""
        deeds: Mapping[str, Callable[[], Awaitable[object]]] = {
            "has written a frame": lambda: self._role.write(Payload(Pattern.FRAME, _SIZE)),
            "has requested a frame": self._acquire,
            "has filled half of a frame": lambda: self._fill(_SIZE // 2),
            "has filled a frame": lambda: self._fill(_SIZE),
            "has committed a frame": self._commit,
            "has abandoned a frame": self._abandon,
            "has written metadata": self._metadata,
            "has wrapped": self._wrap,
            "has read and released all": lambda: self._role.read_many(2),
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
        timeout = self._role.settings.attempt_timeout
        await self._role.operations.attempt(self._role.read(timeout=timeout), patience=timeout)
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
            r"starts process '(?P<name>[^']+)', which connects to buffer '(?P<base>[^']+)' "
            r"and writes '(?P<count>\d+)' frames of size '(?P<size>[^']+)'"
        )
    )
    async def other_writes(self, name: str, base: str, count: int, size: ByteSize) -> None:
        """Start another process of the same implementation and have it write."""
        await self._write_as(await self._start(name), base, count, size)

    @step(
        acting(
            r"starts process '(?P<name>[^']+)' in a pid namespace of its own, "
            r"which connects to buffer '(?P<base>[^']+)' and writes '(?P<count>\d+)' frames of size '(?P<size>[^']+)'"
        )
    )
    async def distant_other_writes(self, name: str, base: str, count: int, size: ByteSize) -> None:
        """Start a process that has the number 1 and knows nobody here, and have it write."""
        if os.geteuid() != 0 or shutil.which("unshare") is None:
            raise UnsupportedError("a pid namespace needs the rights of root, and unshare (Debian: util-linux)")
        await self._write_as(await self._start(name, Placement(namespace=True)), base, count, size)

    @step(
        acting(
            r"starts process '(?P<name>[^']+)', which creates buffer '(?P<base>[^']+)' "
            r"with metadata size '(?P<metadata>[^']+)' and payload size '(?P<payload>[^']+)'"
        )
    )
    async def other_creates(self, name: str, base: str, metadata: ByteSize, payload: ByteSize) -> None:
        """Start another process of the same implementation and have it create a buffer."""
        other = await self._start(name)
        other.handle = await other.driver.create(self._role.view(base).name, metadata=metadata, payload=payload)

    @step(acting(r"has '(?P<name>[^']+)' killed"))
    async def other_is_killed(self, name: str) -> None:
        """End a process that was started without a word."""
        match self._other(name).driver:
            case ChildDriver() as victim:
                await victim.kill()
            case _:
                raise AssertionError(f"{name!r} is no process of its own")

    @step(acting(r"has '(?P<name>[^']+)' die at '(?P<point>[^']+)' of a (?P<operation>write|read)"))
    async def other_dies(self, name: str, point: str, operation: str) -> None:
        """Arm the point, begin the operation, and see the process die of it."""
        other = self._other(name)
        await other.driver.arm(point, 1)
        try:
            if operation == "write":
                await other.driver.write(other.handle, Payload(Pattern.FRAME, _SIZE))
            else:
                await self._take(other)
        except DriverError as error:
            if error.code != "dead":
                raise
            # Its end of the pipe closes a moment before it is gone.
            await other.driver.end()
        else:
            raise AssertionError(f"the {operation} came to its end without passing {point!r}")

    @step(
        acting(
            r"starts process '(?P<name>[^']+)', which halts at '(?P<point>[^']+)' "
            r"of a connection to buffer '(?P<base>[^']+)'"
        )
    )
    async def other_halts_in_connection(self, name: str, point: str, base: str) -> None:
        """Start another process of the same implementation and have it stop on its way into a buffer."""
        other = await self._start(name)
        await self._halt_in(other, point, self._join(other.driver, self._role.view(base).name))

    @step(
        acting(
            r"starts process '(?P<name>[^']+)', which halts at '(?P<point>[^']+)' of the creation of buffer "
            r"'(?P<base>[^']+)' with metadata size '(?P<metadata>[^']+)' and payload size '(?P<payload>[^']+)'"
        )
    )
    async def other_halts_in_creation(
        self, name: str, point: str, base: str, metadata: ByteSize, payload: ByteSize
    ) -> None:
        """Start another process of the same implementation and have it stop while it makes a buffer."""
        other = await self._start(name)
        full = self._role.view(base).name
        await self._halt_in(other, point, other.driver.create(full, metadata=metadata, payload=payload))

    @step(acting(r"lets '(?P<name>[^']+)' go on, and does not wait for it"))
    def other_goes_on(self, name: str) -> None:
        """Let a halted operation go on while other things happen; a later sentence tells what it comes to."""
        processes.go_on(self._other(name).pid)

    @step(acting(r"lets '(?P<name>[^']+)' go on, which may fail"))
    async def other_may_fail(self, name: str) -> None:
        """Let the operation come to its end, or learn why it failed."""
        await self._role.operations.attempt(self._go_on(name))

    @step(acting(r"lets '(?P<name>[^']+)' go on, which then has its buffer"))
    async def other_has_created(self, name: str) -> None:
        """Let the creation come to its end."""
        self._other(name).handle = await self._go_on(name)

    @step(acting(r"has '(?P<name>[^']+)' halt at '(?P<point>[^']+)' of (?P<operation>a read|a write|its metadata)"))
    async def other_halts(self, name: str, point: str, operation: str) -> None:
        """Have a process that was started stop in the middle of an operation."""
        other = self._other(name)
        operations = {"a read": self._take, "a write": self._put, "its metadata": self._describe}
        await self._halt_in(other, point, operations[operation](other))

    @step(acting(r"lets '(?P<name>[^']+)' go on, which then writes '(?P<count>\d+)' frames of size '(?P<size>[^']+)'"))
    async def other_has_connected(self, name: str, count: int, size: ByteSize) -> None:
        """Let the connection come to its end, and use it."""
        handle = await self._go_on(name)
        await self._other(name).driver.write(handle, Payload(Pattern.FRAME, size), count=count)

    @step(acting(r"lets '(?P<name>[^']+)' go on, which then has (?:written )?frame '(?P<sequence>\d+)'"))
    async def other_has_frame(self, name: str, sequence: int) -> None:
        """Let the read or the write come to its end."""
        expect_equal(sequence, await self._go_on(name), "sequence of the frame")

    @step(acting(r"lets '(?P<name>[^']+)' go on, which then has written its metadata"))
    async def other_has_described(self, name: str) -> None:
        """Let the metadata come to its end."""
        await self._go_on(name)

    @step(acting(r"has '(?P<name>[^']+)' read '(?P<count>\d+)' frames from '(?P<first>\d+)' on, and no further"))
    async def other_reads(self, name: str, count: int, first: int) -> None:
        """Have a process that was started read until nothing comes."""
        other = self._other(name)
        done = await other.driver.read_many(other.handle, idle=self._role.settings.idle_timeout)
        expect_equal((count, first, first + count - 1), (done.frames, done.first, done.last), "frames, first, last")

    async def _start(self, name: str, placement: Placement = HERE) -> _Other:
        other = self._others[name] = _Other(await self._role.sibling(placement, process=True))
        return other

    def _other(self, name: str) -> _Other:
        if name not in self._others:
            raise AssertionError(f"no process is called {name!r}")
        return self._others[name]

    async def _write_as(self, other: _Other, base: str, count: int, size: ByteSize) -> None:
        other.handle = await other.driver.connect(self._role.view(base).name)
        await other.driver.write(other.handle, Payload(Pattern.FRAME, size), count=count)

    async def _halt_in(self, other: _Other, point: str, work: Coroutine[Any, Any, int]) -> None:
        number = other.pid = (await other.driver.hello()).pid
        await other.driver.arm(point, 1, then="halt")
        deed = other.deed = asyncio.create_task(work)

        async def let_go() -> None:
            processes.go_on(number)
            deed.cancel()
            await asyncio.gather(deed, return_exceptions=True)

        self._context.on_cleanup(let_go)
        if not await processes.stands(number, deed):
            raise AssertionError(f"it did not halt at {point!r}: {deed!r}")

    async def _go_on(self, name: str) -> int:
        other = self._other(name)
        if other.deed is None:
            raise AssertionError(f"{name!r} does not halt")
        processes.go_on(other.pid)
        return await other.deed

    async def _take(self, other: _Other) -> int:
        frame = await other.driver.read(other.handle)
        await other.driver.release(frame.frame)
        return frame.sequence

    async def _put(self, other: _Other) -> int:
        return (await other.driver.write(other.handle, Payload(Pattern.FRAME, _SIZE))).last

    async def _describe(self, other: _Other) -> int:
        await other.driver.write_metadata(other.handle, Payload(Pattern.SIMPLE, _METADATA))
        return 0

    async def _join(self, driver: Driver, name: str) -> int:
        """Connect; a writer may notice that all has changed, and leave it to its user to try again."""
        deadline = asyncio.get_running_loop().time() + self._role.settings.read_timeout
        while True:
            try:
                return await driver.connect(name)
            except DriverError as error:
                if error.code not in {"not_found", "reader_dead"} or asyncio.get_running_loop().time() >= deadline:
                    raise

    async def _acquire(self) -> int:
        return await self._driver.acquire(self._role.endpoints.writer(), _SIZE)

    async def _fill(self, length: int) -> int:
        slot = await self._acquire()
        await self._driver.put(slot, Payload(Pattern.FRAME, length))
        return slot

    async def _commit(self) -> None:
        await self._driver.commit(await self._fill(_SIZE))

    async def _abandon(self) -> None:
        await self._driver.abandon(await self._fill(_SIZE))

    async def _metadata(self) -> None:
        await self._driver.write_metadata(self._role.endpoints.writer(), Payload(Pattern.SIMPLE, 100))

    async def _wrap(self) -> None:
        # In a ring of 10240 bytes, after one frame of 1000, the second of these has room only at the start.
        await self._driver.write(
            self._role.endpoints.writer(), Payload(Pattern.FRAME, 9000), count=2, sizes=[9000, 500]
        )

    async def _hold(self, count: int) -> None:
        for _ in range(count):
            await self._role.read(hold=True)

    async def _release(self) -> None:
        await self._hold(1)
        await self._role.release_all()
