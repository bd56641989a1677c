"""One role of one scenario: its driver, and the buffers that it reads and writes.

The step classes of all features share it. It knows nothing of other roles, because in the matrix they are other
processes.
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Sequence

from harmony import (
    DriverProcess,
    DriverProgram,
    Identity,
    Logger,
    Naming,
    RoleDriver,
    ScenarioContext,
    ScenarioStart,
    UnsupportedError,
    client_of,
    until,
)
from step_definitions.child_driver import HERE, ChildDriver, Placement
from step_definitions.endpoints import Endpoints
from step_definitions.frame_history import FrameHistory, WrittenFrame
from step_definitions.library import load
from step_definitions.local_driver import LocalDriver
from step_definitions.observer import BufferView, locked_or_alive
from step_definitions.patterns import Payload
from step_definitions.pending_operations import PendingOperations
from step_definitions.port import CONTRACT, Driver, FrameInfo, Transfer
from step_definitions.processes import DeathWatch
from step_definitions.settings import StepSettings


class Role:
    """What a step class works with.

    Attributes:
        player: What plays the role at the moment; another one after a kill.
        driver: The verbs of the implementation, whatever plays.
        settings: Deadlines and sizes.
        naming: Makes names unique.
        logger: Bound to scenario and role.
        operations: Operations whose outcome a later step asks for.
        endpoints: The readers and writers that are open.
        history: The frames read.
        watch: Notes the death of the other side's process, once :meth:`watch_peer` was called.
    """

    def __init__(
        self,
        context: ScenarioContext,
        start: ScenarioStart,
        naming: Naming,
        logger: Logger,
        program: DriverProgram | None = None,
    ) -> None:
        self.player = RoleDriver(lambda: self._new_driver(process=self.wants_process))
        self.driver = client_of(Driver, self.player)
        self.settings = StepSettings.of_environment()
        self.naming = naming
        self.logger = logger
        self.operations = PendingOperations()
        self.endpoints = Endpoints()
        self.history = FrameHistory()
        self.watch: DeathWatch | None = None
        self._start = start
        self._program = program
        self._performance = context.performance
        self._siblings: list[Driver] = []
        self._processes: list[DriverProcess] = []
        self._names: set[str] = set()
        self._created: set[str] = set()
        self._planted: set[str] = set()
        context.on_cleanup(self._close)
        context.on_failure("buffers", self.describe)

    @property
    def tags(self) -> frozenset[str]:
        """The tags of the scenario, without ``@``."""
        return frozenset(self._start.tags)

    @property
    def wants_process(self) -> bool:
        """Whether this role must be a process that can be killed, limited or halted."""
        return bool(self._start.actions) or "process" in self.tags

    async def sibling(self, placement: Placement = HERE, *, process: bool = False) -> Driver:
        """Return another driver of the same implementation, ended with the scenario.

        Args:
            placement: Where it is; anywhere but here it is a process of its own.
            process: Whether it must be a process of its own.
        """
        driver = await self._new_driver(placement, process=process or self.wants_process or placement != HERE)
        self._siblings.append(driver)
        return driver

    async def _new_driver(self, placement: Placement = HERE, *, process: bool) -> Driver:
        driver = await self._started(placement, process=process)
        if isinstance(driver, DriverProcess):
            self._processes.append(driver)
        return driver

    async def _started(self, placement: Placement, *, process: bool) -> Driver:
        strict = self._start.strict
        if self._program is not None:
            return await ChildDriver.of_platform(self._program, placement, strict=strict)
        commands = self.settings.drivers
        command = commands.get(self._start.role) or commands.get(self._start.platform) or commands.get("*", ())
        if command:
            return await ChildDriver.launch(command, placement, strict=strict)
        library = self.settings.library
        if not process:
            return client_of(Driver, LocalDriver(load(library)))
        return await ChildDriver.start(library, placement, strict=strict)

    async def identity(self) -> Identity:
        """Ask the driver who it is."""
        return await self.driver.hello()

    async def pid(self) -> int:
        """Return the process that owns this role's buffers."""
        return (await self.identity()).pid

    async def require_capabilities(self) -> None:
        """Refuse a scenario whose tags ask for what the implementation does not claim.

        Raises:
            UnsupportedError: It does not.
        """
        missing = (self.tags & CONTRACT.capabilities.keys()) - set((await self.identity()).capabilities)
        if missing:
            raise UnsupportedError(f"this implementation does not claim {', '.join(sorted(missing))} on this platform")

    def view(self, base: str) -> BufferView:
        """Return a buffer as the harness itself sees it."""
        name = self.naming.name(base)
        self._names.add(name)
        return BufferView(name)

    def view_exactly(self, name: str) -> BufferView:
        """Return a buffer by its full name."""
        self._names.add(name)
        return BufferView(name)

    def planted(self, base: str) -> BufferView:
        """Return a buffer of which a step itself makes or spoils objects; they are removed with the scenario."""
        view = self.view(base)
        self._planted.add(view.name)
        return view

    def owns(self, name: str) -> None:
        """Note a buffer that this role's driver has created, and so must remove."""
        self._names.add(name)
        self._created.add(name)

    async def poll(self, condition: Callable[[], bool], what: str, *, timeout: float | None = None) -> None:
        """Look again and again until something is so."""
        await until(condition, timeout=timeout or self.settings.read_timeout, what=what)

    async def create(self, base: str, metadata: int, payload: int, *, name: str | None = None) -> None:
        """Create a buffer and become its reader."""
        full = name or self.view(base).name
        handle = await self.driver.create(full, metadata=metadata, payload=payload)
        self.owns(full)  # not before: a name that is refused may be no name of a file
        self.endpoints.add_reader(base, handle)

    async def connect(self, base: str, *, name: str | None = None) -> None:
        """Become the writer of a buffer."""
        handle = await self.driver.connect(name or self.view(base).name, timeout=self.settings.read_timeout)
        self.endpoints.add_writer(base, handle)

    async def close(self, base: str) -> None:
        """Close this role's side of a buffer."""
        handles = self.endpoints.take(base)
        self.history.held.clear()
        for handle in handles:
            await self.driver.close(handle)

    @property
    def current_view(self) -> BufferView:
        """The buffer that this role used last."""
        return self.view(self.endpoints.last)

    @property
    def written_view(self) -> BufferView:
        """The buffer that this role wrote last."""
        return self.view(self.endpoints.last_writer)

    async def write(self, payload: Payload, base: str | None = None, *, timeout: float | None = None) -> int:
        """Write one frame and return its sequence."""
        with self._performance.measure("write"):
            done = await self.driver.write(
                self.endpoints.writer(base), payload, timeout=timeout or self.settings.read_timeout
            )
        return done.last

    async def write_noted(self, payload: Payload) -> None:
        """Write one frame, and note where it must stand in memory."""
        view = self.written_view
        position = view.field("payload_write_pos") % view.field("payload_size")
        self.history.written = WrittenFrame(position, await self.write(payload), payload)

    async def read(self, base: str | None = None, *, timeout: float | None = None, hold: bool = False) -> FrameInfo:
        """Read one frame; unless ``hold`` is set, frames held before are released first."""
        handle = self.endpoints.reader(base)
        if not hold:
            await self.release_all()
        with self._performance.measure("read"):
            frame = await self.driver.read(handle, timeout=timeout or self.settings.read_timeout)
        self.history.frames.append(frame)
        self.history.held.append(frame)
        return frame

    async def read_many(
        self, count: int | None = None, *, delay: float = 0.0, look: bool = True, timeout: float | None = None
    ) -> Transfer:
        """Read many frames."""
        await self.release_all()
        done = await self.driver.read_many(
            self.endpoints.reader(),
            count=count,
            delay=delay,
            idle=self.settings.idle_timeout,
            look=look,
            timeout=timeout or self.settings.bulk_timeout,
        )
        self.history.transfers.append(done)
        return done

    async def release_all(self) -> int:
        """Release every held frame and return how many there were."""
        held, self.history.held = self.history.held, []
        for frame in held:
            await self.driver.release(frame.frame)
        return len(held)

    def expect_within(self, seconds: float, milliseconds: float, since: str) -> None:
        """Fail if something took longer than it may, and than a shared machine excuses.

        Raises:
            AssertionError: It did.
        """
        slack = self.settings.slack
        self.logger.info("noticed", milliseconds=round(seconds * 1000, 3), since=since)
        if seconds > milliseconds / 1000 + slack:
            raise AssertionError(
                f"noticed {seconds * 1000:.0f} ms after {since}, expected at most {milliseconds:g} ms "
                f"(and {slack * 1000:.0f} ms of slack)"
            )

    async def watch_peer(self, number: int) -> None:
        """Note the moment at which the other side's process ends, unless it is this role's own."""
        if self.watch is None and number != await self.pid():
            self.watch = DeathWatch(number)

    async def restart(self) -> None:
        """Kill the driver and forget what it had open. The next step starts another driver."""
        self.operations.drop()
        self.history = FrameHistory()
        self.endpoints.clear()
        await self.player.kill()

    def describe(self) -> str:
        """Return the state of every buffer this role has dealt with."""
        return "\n".join(BufferView(name).describe() for name in sorted(self._names)) or "no buffer yet"

    async def _close(self) -> None:
        causes: list[Exception] = []
        steps: Sequence[Awaitable[object]] = (
            self.operations.close(self.settings.read_timeout),
            *(driver.end() for driver in (self.driver, *self._siblings)),
        )
        for step in steps:
            try:
                await step
            except Exception as error:  # noqa: BLE001 - the rest must be ended, too; the first is raised below
                causes.append(error)
        if self.watch is not None:
            self.watch.close()
        # Nobody else can remove what a killed process leaves. What one leaves that has ended in order is its fault.
        lost = any(process.child.killed for process in self._processes)
        for name in self._names if lost else self._planted:
            _sweep_dead(BufferView(name))
        for view in map(BufferView, sorted(self._created)):
            if left := _sweep_dead(view):
                said = f"the driver of {self._start.role!r} has left buffer {view.name} behind (removed now): {left}"
                causes.append(AssertionError(said))
        if causes:
            raise causes[0]


def _sweep_dead(view: BufferView) -> str:
    """Remove what is left of a buffer, unless a living process uses it; return what that was."""
    left = ""
    with contextlib.suppress(FileNotFoundError):
        if not locked_or_alive(view):
            left = ", ".join(view.existing())
            view.sweep()
    return left
