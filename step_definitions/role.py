"""One role of one scenario: its driver, what it has open, what it has read, what it has attempted.

The step classes of all features share it. It knows nothing of other roles: elsewhere they are other processes.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from harmony.errors import UnsupportedError
from harmony.logs import Logger
from harmony.model import ScenarioStart
from harmony.run.driver_actor import DRIVER
from harmony.steps.context import ScenarioContext
from harmony.steps.naming import Naming
from harmony.wire.driver_contract import Identity
from step_definitions.attempts import Attempts
from step_definitions.child_driver import ChildDriver
from step_definitions.library import load
from step_definitions.local_driver import LocalDriver
from step_definitions.observer import BufferView, Part, locked_or_alive
from step_definitions.patterns import Payload, digest, expected_chain, first_difference, sizes_of
from step_definitions.port import Driver, FrameInfo, Transfer
from step_definitions.processes import DeathWatch
from step_definitions.settings import StepSettings

CAPABILITY_TAGS: Final = frozenset({"duplex", "linux", "points", "windows"})
_PEEK: Final = 4096
_LOOK: Final = 0.002


@dataclass(slots=True)
class Memory:
    """What a role remembers of its frames.

    Attributes:
        frames: Single frames read, in order.
        transfers: Series read, in order.
        held: Frames that are not released yet.
        written: The last series written.
    """

    frames: list[FrameInfo] = field(default_factory=list)
    transfers: list[Transfer] = field(default_factory=list)
    held: list[FrameInfo] = field(default_factory=list)
    written: Transfer | None = None

    def sequences(self) -> tuple[int, int, int]:
        """Return first sequence, last sequence and number of breaks over everything read."""
        spans = [(one.first, one.last, one.breaks) for one in self.transfers if one.frames]
        spans += [(one.sequence, one.sequence, 0) for one in self.frames]
        breaks = sum(span[2] for span in spans)
        breaks += sum(after[0] != before[1] + 1 for before, after in itertools.pairwise(spans))
        return (spans[0][0], spans[-1][1], breaks) if spans else (0, 0, 0)


class Role:
    """What a step class works with.

    Attributes:
        settings: Deadlines and sizes.
        naming: Makes names unique.
        logger: Bound to scenario and role.
        attempts: Operations whose outcome is asked for later.
        memory: Frames read and written.
    """

    def __init__(self, context: ScenarioContext, start: ScenarioStart, naming: Naming, logger: Logger) -> None:
        self.settings = StepSettings()
        self.naming = naming
        self.logger = logger
        self.attempts = Attempts()
        self.memory = Memory()
        self.readers: dict[str, int] = {}
        self.writers: dict[str, int] = {}
        self.watch: DeathWatch | None = None
        self._start = start
        self._performance = context.performance
        self._driver: Driver | None = None
        self._siblings: list[Driver] = []
        self._last_reader = ""
        self._last_writer = ""
        self._names: set[str] = set()
        self._killed = False
        context.on_cleanup(self._close)
        context.on_failure("buffers", self.describe)

    @property
    def tags(self) -> frozenset[str]:
        """The tags of the scenario, without ``@``."""
        return frozenset(str(tag).removeprefix("@") for tag in self._start.scratch.get("tags", ()))

    @property
    def wants_process(self) -> bool:
        """Whether this role must be a process that can be killed, limited or halted."""
        return bool(self._start.scratch.get("actions")) or "process" in self.tags

    async def driver(self) -> Driver:
        """Return the driver of this role, started now if this is its first use."""
        if self._driver is None:
            self._driver = await self._new_driver(process=self.wants_process)
        return self._driver

    async def sibling(self, *, user: int | None = None, process: bool = False, namespace: bool = False) -> Driver:
        """Return another driver of the same implementation, ended with the scenario.

        Args:
            user: Number of the user it belongs to; this one by default.
            process: Whether it must be a process of its own.
            namespace: Whether that process is the first of a new pid namespace.
        """
        process = process or self.wants_process or user is not None
        driver = await self._new_driver(process=process, user=user, namespace=namespace)
        self._siblings.append(driver)
        return driver

    async def _new_driver(self, *, process: bool, user: int | None = None, namespace: bool = False) -> Driver:
        strict = bool(self._start.scratch.get("strict"))
        program = self._start.scratch.get(DRIVER)
        if program is not None:
            return await ChildDriver.of_platform(program, user=user, namespace=namespace, strict=strict)
        commands = self.settings.drivers
        command = commands.get(self._start.role) or commands.get(self._start.platform) or commands.get("*", ())
        if command:
            return await ChildDriver.launch(command, user=user, namespace=namespace, strict=strict)
        library = self.settings.library
        if not process:
            return LocalDriver(load(library))
        return await ChildDriver.start(library, user=user, namespace=namespace, strict=strict)

    async def identity(self) -> Identity:
        """Ask the driver who it is."""
        return await (await self.driver()).hello()

    async def pid(self) -> int:
        """Return the process that owns this role's buffers."""
        return (await self.identity()).pid

    async def require_capabilities(self) -> None:
        """Refuse a scenario whose tags ask for what the implementation does not claim.

        Raises:
            UnsupportedError: It does not.
        """
        missing = (self.tags & CAPABILITY_TAGS) - set((await self.identity()).capabilities)
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

    async def poll(self, condition: Callable[[], bool], what: str, *, timeout: float | None = None) -> None:
        """Look again and again until something is so.

        Raises:
            AssertionError: It is not so in time.
        """
        deadline = time.monotonic() + (timeout or self.settings.read_timeout)
        while not condition():
            if time.monotonic() >= deadline:
                raise AssertionError(f"not {what} within {timeout or self.settings.read_timeout:g} s")
            await asyncio.sleep(_LOOK)

    async def settled_semaphore(self, name: str, *, at_least: int) -> int:
        """Return the value of a data semaphore once it has stopped rising."""
        view = self.view_exactly(name)
        await self.poll(lambda: view.semaphore(Part.DATA) >= at_least, f"{at_least} on the semaphore")
        before = -1
        while (now := view.semaphore(Part.DATA)) != before:
            before = now
            await asyncio.sleep(self.settings.blocked_for)
        return now

    def long_name(self, length: int) -> str:
        """Return a unique name of exactly this length."""
        suffix = self.naming.name("")
        return "n" * (length - len(suffix)) + suffix

    async def create(self, base: str, metadata: int, payload: int, *, name: str | None = None) -> None:
        """Create a buffer and become its reader."""
        full = name or self.view(base).name
        driver = await self.driver()
        self.readers[base] = await driver.create(full, metadata=metadata, payload=payload)
        self._names.add(full)
        self._last_reader = base

    async def connect(self, base: str, *, name: str | None = None) -> None:
        """Become the writer of a buffer."""
        driver = await self.driver()
        self.writers[base] = await driver.connect(name or self.view(base).name, timeout=self.settings.read_timeout)
        self._last_writer = base
        self.memory.written = None

    async def close(self, base: str) -> None:
        """Close this role's side of a buffer."""
        handles = [side.pop(base) for side in (self.readers, self.writers) if base in side]
        if not handles:
            raise AssertionError(f"this role has nothing open on buffer {base!r}")
        self.memory.held.clear()
        for handle in handles:
            await (await self.driver()).close(handle)

    def reader(self, base: str | None = None) -> int:
        """Return the handle of a reader; the one used last by default."""
        self._last_reader = base or self._last_reader
        return _handle(self.readers, self._last_reader, "reader")

    def writer(self, base: str | None = None) -> int:
        """Return the handle of a writer; the one used last by default."""
        self._last_writer = base or self._last_writer
        return _handle(self.writers, self._last_writer, "writer")

    @property
    def current_view(self) -> BufferView:
        """The buffer that this role used last."""
        return self.view(self._last_reader or self._last_writer)

    async def write(self, payload: Payload, base: str | None = None, *, timeout: float | None = None) -> int:
        """Write one frame and return its sequence."""
        driver = await self.driver()
        with self._performance.measure("write"):
            done = await driver.write(self.writer(base), payload, timeout=timeout or self.settings.read_timeout)
        return done.last

    async def read(self, base: str | None = None, *, timeout: float | None = None, hold: bool = False) -> FrameInfo:
        """Read one frame; unless ``hold`` is set, frames held before are released first."""
        driver = await self.driver()
        handle = self.reader(base)
        if not hold:
            await self.release_all()
        with self._performance.measure("read"):
            frame = await driver.read(handle, timeout=timeout or self.settings.read_timeout)
        self.memory.frames.append(frame)
        self.memory.held.append(frame)
        return frame

    async def read_many(
        self, count: int | None = None, *, delay: float = 0.0, look: bool = True, timeout: float | None = None
    ) -> Transfer:
        """Read many frames."""
        driver = await self.driver()
        await self.release_all()
        done = await driver.read_many(
            self.reader(),
            count=count,
            delay=delay,
            idle=self.settings.idle_timeout,
            look=look,
            timeout=timeout or self.settings.bulk_timeout,
        )
        self.memory.transfers.append(done)
        return done

    async def release_all(self) -> int:
        """Release every held frame and return how many there were."""
        driver = await self.driver()
        held, self.memory.held = self.memory.held, []
        for frame in held:
            await driver.release(frame.frame)
        return len(held)

    async def verify(self, frame: FrameInfo, payload: Payload) -> None:
        """Compare every byte of a held frame with a recipe.

        Raises:
            AssertionError: They differ; the message names the first offset.
        """
        expected = payload.content(frame.sequence)
        what = f"frame {frame.sequence}"
        if frame.size != len(expected):
            raise AssertionError(f"{what} has {frame.size} bytes, expected {len(expected)}")
        if frame.digest == digest(expected):
            return
        driver = await self.driver()
        for offset in range(0, frame.size, _PEEK):
            seen = await driver.peek(frame.frame, offset=offset, length=_PEEK)
            different = first_difference(expected[offset : offset + _PEEK], seen)
            if different is not None:
                at = offset + different
                value = seen[different] if different < len(seen) else None
                raise AssertionError(f"{what}, byte {at} of {frame.size}: expected {expected[at]}, seen {value}")
        raise AssertionError(f"{what} reads as expected now, but its digest was that of other bytes")

    def verify_series(self, done: Transfer, *, first: int | None = None) -> None:
        """Compare the bytes of many frames, by digest, with the pattern of their size and sequence."""
        sizes = list(sizes_of(done.runs))
        if len(sizes) != done.frames or sum(sizes) != done.bytes:
            raise AssertionError(f"{done.frames} frames of {done.bytes} bytes do not go with their sizes")
        if done.digest != expected_chain(sizes, done.first if first is None else first):
            raise AssertionError(f"the bytes of frames {done.first} to {done.last} are not their pattern")

    async def watch_peer(self, number: int) -> None:
        """Note the moment at which the other side's process ends, if it is another one."""
        if self.watch is None and number != await self.pid():
            self.watch = DeathWatch(number)

    async def restart(self) -> None:
        """Forget the driver that was killed: the next step starts another."""
        driver, self._driver = self._driver, None
        self._killed = True
        self.attempts.drop()
        self.memory = Memory()
        self.readers.clear()
        self.writers.clear()
        if isinstance(driver, ChildDriver):
            await driver.kill()

    def describe(self) -> str:
        """Return the state of every buffer this role has dealt with."""
        return "\n".join(BufferView(name).describe() for name in sorted(self._names)) or "no buffer yet"

    async def _close(self) -> None:
        causes: list[Exception] = []
        steps: Sequence[Awaitable[object]] = (
            self.attempts.close(self.settings.read_timeout),
            *(driver.end() for driver in (self._driver, *self._siblings) if driver is not None),
        )
        for step in steps:
            try:
                await step
            except Exception as error:  # noqa: BLE001 - the rest must be ended, too; the first is raised below
                causes.append(error)
        if self.watch is not None:
            self.watch.close()
        for name in self._names:
            _sweep_dead(BufferView(name))
        if causes:
            raise causes[0]


def _handle(side: dict[str, int], base: str, what: str) -> int:
    if base not in side:
        raise AssertionError(f"this role has no {what} of buffer {base!r}")
    return side[base]


def _sweep_dead(view: BufferView) -> None:
    """Remove what a process that was killed on purpose left, unless somebody lives in it."""
    with contextlib.suppress(FileNotFoundError):
        if not locked_or_alive(view):
            view.sweep()
