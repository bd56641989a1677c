"""The actor behind a driver: the project's steps in this process, an implementation in another language behind them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from harmony.errors import ConfigurationError, LeftBehindError
from harmony.logs import LEVELS
from harmony.model import StepCall, StepOutcome, Verdict
from harmony.process.child import ProcessSpec
from harmony.run.control import ProcessControl
from harmony.run.driver_process import START_TIMEOUT
from harmony.run.role_driver import DriverControl, DriverProgram, RoleDriver
from harmony.run.step_actor import StepActor
from harmony.steps.context import ScenarioContext
from harmony.steps.library import StepLibrary
from harmony.verdict.events import Subscriber
from harmony.wire.driver import client_of
from harmony.wire.link import Observer


class DriverActor(StepActor):
    """Plays one role with the steps of this project, and a driver: another one for each scenario, or one for all.

    Step classes are given it as the project's own port; a ``DriverProgram`` starts more.

    Args:
        library: The project's steps.
        spec: How the driver is started.
        show_logs: Least level of log records that also go to stderr.
        patience: Seconds until a driver must have introduced itself.
        keeps: Whether a driver plays one scenario after the other.

    Raises:
        ConfigurationError: The project has no contract, or none that says how a driver is to let go.
    """

    def __init__(
        self,
        library: StepLibrary,
        spec: ProcessSpec,
        *,
        show_logs: int = LEVELS["warning"],
        patience: float = START_TIMEOUT,
        keeps: bool = False,
    ) -> None:
        super().__init__(library, name=spec.name, show_logs=show_logs)
        if library.contract is None:
            raise ConfigurationError(
                f"{spec.name} is a driver, and the project has no contract",
                hint='set [driver] contract = "module:NAME"',
            )
        if keeps and not library.contract.reset:
            raise ConfigurationError(
                f'{spec.name} has lifetime = "session", and the contract names no verb with which a driver lets go',
                hint='Contract(…, reset="VERB"), or lifetime = "scenario"',
            )
        self._port = library.contract.port
        self._end = ""
        self.program = DriverProgram(spec, library.contract, patience=patience, keeps=keeps)

    @property
    def reusable(self) -> bool:
        """Whether another scenario may be given to it: no driver that plays on has ended by itself."""
        return all(driver.alive for driver in self.program.idle)

    @property
    def killed(self) -> Collection[int]:
        """The drivers that the scenario has killed on purpose."""
        return self.program.killed

    def given(self, context: ScenarioContext) -> Mapping[Any, Any]:
        """Return the driver of the role, under its port, and what starts and ends it."""
        strict = context.start.strict
        self.program.killed.clear()

        async def start() -> Any:
            return await self.program.start(strict=strict)

        driver = RoleDriver(start, self.program.release)
        context.on_cleanup(driver.release)
        return {
            self._port: client_of(self._port, driver),
            RoleDriver: driver,
            DriverProgram: self.program,
            ProcessControl: DriverControl(driver),
        }

    def observe(self, tell: Subscriber, observer: Observer | None) -> None:
        """Have somebody hear of its drivers and of every message to them."""
        self.program.tell = tell
        self.program.observer = observer

    async def perform(self, call: StepCall) -> StepOutcome:
        """Perform one step; one that does not end is told with where its driver stands."""
        outcome = await super().perform(call)
        if outcome.verdict is not Verdict.TIMED_OUT:
            return outcome
        self.program.give_up()
        scene = await self.stacks()
        stacks = (str(outcome.data.get("stack", "")), str(scene.get("stack", "")))
        return replace(outcome, data={**outcome.data, **scene, "stack": "\n".join(filter(None, stacks))})

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
        """Say how a driver that played on did not end in order; a scenario judges those that end with it."""
        return self._end

    async def close(self) -> None:
        """End it, and the drivers that play on."""
        self._end = self._end or await self.program.end()
        await super().close()

    async def kill(self) -> None:
        """End it."""
        await self.close()
