"""The actor behind a driver: the project's steps in this process, an implementation in another language behind them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import Any, Final

from harmony.errors import LeftBehindError
from harmony.model import ScenarioStart, StepCall, StepOutcome, Verdict
from harmony.process.child import ProcessSpec
from harmony.process.stacks import stacks_of
from harmony.run.driver_process import DriverProcess
from harmony.run.step_actor import StepActor
from harmony.steps.library import StepLibrary
from harmony.verdict.events import Subscriber, WorkerEnded, WorkerStarted
from harmony.wire.client import Observer

DRIVER: Final = "driver"
"""Where the steps find the :class:`DriverProgram` of their role: in the `scratch` of the scenario's start."""


@dataclass
class DriverProgram:
    """What the steps start, as often as they need it, and who hears of it.

    Attributes:
        spec: What is started.
        tell: Hears of each process that starts and ends.
        observer: Hears every message.
        running: The processes that have not ended.
    """

    spec: ProcessSpec
    tell: Subscriber = field(default=lambda _: None)
    observer: Observer | None = None
    running: list[DriverProcess] = field(default_factory=list)

    def joined(self, driver: DriverProcess) -> None:
        """Note a process that has introduced itself."""
        self.running.append(driver)
        self.tell(WorkerStarted(platform=self.spec.name, pid=driver.pid))

    def left(self, driver: DriverProcess, how: str) -> None:
        """Note how a process has ended."""
        if driver in self.running:
            self.running.remove(driver)
            self.tell(WorkerEnded(platform=self.spec.name, pid=driver.pid, how=how))

    async def stacks(self) -> dict[str, Any]:
        """Return where the threads of its processes stand, as `stack`. Never raises."""
        texts = []
        for driver in list(self.running):
            try:
                texts.append((await driver.dump(timeout=1.0)).text())
            except Exception:  # noqa: BLE001 - whatever keeps it from telling, the kernel tells
                texts.append(await asyncio.to_thread(stacks_of, driver.pid))
        return {"stack": "\n".join(texts)} if texts else {}


class DriverActor(StepActor):
    """Plays one role with the steps of this project, and a driver that the steps start for each scenario.

    Args:
        library: The project's steps.
        spec: How the driver is started.
    """

    def __init__(self, library: StepLibrary, spec: ProcessSpec) -> None:
        super().__init__(library, name=spec.name)
        self.program = DriverProgram(spec)

    @property
    def reusable(self) -> bool:
        """Whether another scenario may be given to it; what hung has been replaced by then."""
        return True

    async def start(self, scenario: ScenarioStart) -> None:
        """Begin a scenario with a driver of its own."""
        await super().start(replace(scenario, scratch={**scenario.scratch, DRIVER: self.program}))

    def observe(self, tell: Subscriber, observer: Observer | None) -> None:
        """Have somebody hear of its drivers and of every message to them."""
        self.program.tell = tell
        self.program.observer = observer

    async def perform(self, call: StepCall) -> StepOutcome:
        """Perform one step; one that does not end is told with where its driver stands."""
        outcome = await super().perform(call)
        if outcome.verdict is not Verdict.TIMED_OUT:
            return outcome
        stacks = [str(outcome.data.get("stack", "")), *(await self.stacks()).values()]
        return replace(outcome, data={**outcome.data, "stack": "\n".join(filter(None, stacks))})

    async def stacks(self) -> dict[str, Any]:
        """Return where its driver stands, as `stack`."""
        return await self.program.stacks()

    def check_leftovers(self) -> None:
        """Check that the drivers of a scenario have ended with it.

        Raises:
            LeftBehindError: One has not; it has been ended now.
        """
        left, self.program.running = self.program.running, []
        pids = [driver.pid for driver in left]
        for driver in left:
            driver.dispose()
        if pids:
            name, numbers = self.program.spec.name, ", ".join(map(str, pids))
            raise LeftBehindError(
                f"{len(pids)} driver(s) of {name} ran on after the scenario: {numbers} (ended now)",
                hint="a step class ends its drivers in the scenario's clean-up",
            )

    def crash(self) -> str:
        """Say nothing: its drivers end with each scenario, which judges them."""
        return ""

    async def kill(self) -> None:
        """End it."""
        await self.close()
