"""The actor behind a driver: the project's steps in this process, an implementation in another language behind them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from harmony.actor import ScenarioStart
from harmony.local import LocalActor, StepLibrary

DRIVER = "driver"
"""Where the steps find the command of the driver: in the `scratch` of the scenario's start."""


class DriverActor(LocalActor):
    """Plays one role with the steps of this project, and a driver that the steps start for each scenario.

    Args:
        library: The project's steps.
        name: Of the platform.
        command: Program and arguments of the driver.
    """

    def __init__(self, library: StepLibrary, name: str, command: Sequence[str]) -> None:
        super().__init__(library, name=name)
        self._command = tuple(command)

    @property
    def reusable(self) -> bool:
        """Whether another scenario may be given to it; what hung has been replaced by then."""
        return True

    async def start(self, scenario: ScenarioStart) -> None:
        """Begin a scenario with a driver of its own."""
        await super().start(replace(scenario, scratch={**scenario.scratch, DRIVER: self._command}))

    def rest(self) -> None:
        """Nothing of a scenario runs on: its driver has ended with it."""

    async def abandon(self) -> None:
        """End it."""
        await self.close()
