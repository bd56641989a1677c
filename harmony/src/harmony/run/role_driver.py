"""What plays a role: made by the harness, and one object whatever process answers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from harmony.errors import UnsupportedError
from harmony.process.child import ProcessSpec
from harmony.process.stacks import scene_of
from harmony.run.control import ProcessControl
from harmony.run.driver_process import START_TIMEOUT, DriverProcess
from harmony.steps.library import StepLibrary
from harmony.wire.driver_contract import Contract
from harmony.wire.link import Observer
from harmony.wire.verb import Carrier

if TYPE_CHECKING:
    from harmony.verdict.events import Subscriber  # a worker publishes none

_WITHOUT: Final = (
    "this project has drivers only: name a pairing, such as `pytest {pairing}`, or say whose driver plays the roles of "
    'a run without pairings ([driver] local = "{platform}"), or add a @provider'
)


@dataclass
class DriverProgram:
    """What is started for a role, as often as it is needed, and who hears of it.

    Attributes:
        spec: What is started.
        contract: What its processes speak.
        tell: Hears of each process that starts and ends.
        observer: Hears every message.
        patience: Seconds until one must have introduced itself.
        keeps: Whether a process plays one scenario after the other, where it can.
        running: The processes that play.
        idle: Those that play nothing at the moment.
        killed: Those that have been killed on purpose.
    """

    spec: ProcessSpec
    contract: Contract
    tell: Subscriber = field(default=lambda _: None)
    observer: Observer | None = None
    patience: float = START_TIMEOUT
    keeps: bool = False
    running: list[DriverProcess] = field(default_factory=list)
    idle: list[DriverProcess] = field(default_factory=list)
    killed: set[int] = field(default_factory=set)

    async def start(self, *, strict: bool = False) -> DriverProcess:
        """Return a process that has introduced itself: one that plays nothing at the moment, or else a new one."""
        if self.idle:
            driver = self.idle.pop()
            driver.join()
            self.running.append(driver)
            return driver
        return await DriverProcess.begin(self.spec, self.contract, strict=strict, listener=self, patience=self.patience)

    async def release(self, driver: Carrier) -> None:
        """Take a process back from its scenario: it lets go of all and plays on, or it ends."""
        if not self.keeps or not isinstance(driver, DriverProcess):
            await driver.end()
            return
        try:
            plays_on = await driver.reset()
        except BaseException:
            await driver.end_at_once()
            raise
        if plays_on:
            self.running.remove(driver)
            self.idle.append(driver)
        else:
            await driver.end()

    async def end(self) -> str:
        """End those that play nothing, and say how the first of them that did not end in order did."""
        idle, self.idle = self.idle, []
        self.running += idle  # until they have left
        ends = await asyncio.gather(*(driver.end() for driver in idle), return_exceptions=True)
        return next((str(end) for end in ends if end is not None), "")

    def joined(self, driver: DriverProcess) -> None:
        """Note a process that has introduced itself."""
        from harmony.verdict.events import WorkerStarted  # noqa: PLC0415 - see above

        self.running.append(driver)
        who = driver.identity
        name, version, language = (who.implementation, who.version, who.language) if who else ("", "", "")
        self.tell(
            WorkerStarted(
                platform=self.spec.name, pid=driver.pid, implementation=name, version=version, language=language
            )
        )

    def killing(self, driver: DriverProcess) -> None:
        """Note a process that is about to be killed on purpose."""
        self.killed.add(driver.pid)

    def left(self, driver: DriverProcess, how: str) -> None:
        """Note how a process has ended."""
        from harmony.verdict.events import WorkerEnded  # noqa: PLC0415 - see above

        if driver in self.running:
            self.running.remove(driver)
            self.tell(WorkerEnded(platform=self.spec.name, pid=driver.pid, how=how))

    def give_up(self) -> None:
        """Grant its processes less time to end: a step has not ended in time."""
        for driver in self.running:
            driver.hung = True

    async def stacks(self) -> dict[str, Any]:
        """Return where its processes stand, and with which verb; see `scene_of`. Never raises."""
        texts: list[str] = []
        begun: list[tuple[float, str]] = []
        for driver in list(self.running):
            text, requests = await driver.scene()
            texts.append(text)
            begun += [(time.monotonic() - one.seconds, one.verb) for one in requests if one.verb != "dump"]
        return scene_of("\n".join(texts), begun)


class RoleDriver(Carrier):
    """Carries verbs to one driver after the other: the first from when it is asked something, the next after an end.

    A driver that ends by itself is not replaced: what asks it next hears that it is dead.

    Args:
        start: Starts a driver.
        release: Takes the last one back when the scenario has ended; ends it, if none is given.
    """

    def __init__(
        self,
        start: Callable[[], Awaitable[Carrier]],
        release: Callable[[Carrier], Awaitable[None]] = lambda driver: driver.end(),
    ) -> None:
        self._start = start
        self._release = release
        self._current: Carrier | None = None
        self._one_at_a_time = asyncio.Lock()

    async def current(self) -> Carrier:
        """Return the driver that answers now."""
        async with self._one_at_a_time:
            if self._current is None:
                self._current = await self._start()
            return self._current

    async def call(self, verb: str, params: Mapping[str, Any], timeout: float) -> Any:
        """Carry a verb to the driver that answers now."""
        return await (await self.current()).call(verb, params, timeout)

    async def end(self) -> None:
        """End the driver in order, if one was started."""
        current, self._current = self._current, None
        if current is not None:
            await current.end()

    async def release(self) -> None:
        """Give the driver back at the end of the scenario, if one was started."""
        current, self._current = self._current, None
        if current is not None:
            await self._release(current)

    async def kill(self) -> None:
        """End the driver without asking it, if it is a process."""
        current, self._current = self._current, None
        if isinstance(current, DriverProcess):
            await current.kill()
        elif current is not None:
            await current.end()


class DriverControl(ProcessControl):
    """Ends the driver of a role, which goes on with another one; or halts it."""

    def __init__(self, driver: RoleDriver) -> None:
        self._driver = driver

    async def kill(self) -> None:
        """End it with SIGKILL."""
        await self._driver.kill()

    async def crash(self) -> None:
        """End it without any clean-up."""
        await self.kill()

    async def shut_down(self) -> None:
        """Have it release everything and exit."""
        await self._driver.end()

    async def freeze(self) -> None:
        """Halt it, and all that it has started in its group."""
        (await self._process()).freeze()

    async def thaw(self) -> None:
        """Have it go on."""
        (await self._process()).thaw()

    async def _process(self) -> DriverProcess:
        current = await self._driver.current()
        if not isinstance(current, DriverProcess):
            raise UnsupportedError("the driver of this role is no process of its own, so it cannot be frozen")
        return current


def with_drivers(library: StepLibrary, platforms: Sequence[str] = ()) -> StepLibrary:
    """Return a library whose step classes may ask for the driver of their role, and what starts and ends it.

    Args:
        library: Of the project.
        platforms: Those with a driver, for whoever names none.
    """
    if library.contract is None:
        return library
    types_ = (library.contract.port, RoleDriver, DriverProgram)
    without = _WITHOUT.format(pairing="_".join(platforms[:2]) or "matrix", platform=next(iter(platforms), "PLATFORM"))
    return replace(library, providers=library.providers.promising(types_, without))
