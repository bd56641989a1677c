"""Who performs the steps of one role.

Three kinds of actor stand behind one interface: steps in this process, a step worker (another process that speaks
the step contract), and a driver (a small program in any language that speaks the driver contract, with the steps
bound on our side). The runner knows only this module.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

from harmony.model import ProcessAction, ScenarioStart, StepCall, StepOutcome

if TYPE_CHECKING:
    from harmony.network.scenario_network import Network  # a worker is given none


class Actor(Protocol):
    """Performs the steps of one role of one scenario at a time."""

    @property
    def ended(self) -> bool:
        """Whether the scenario has ended its process on purpose: the role goes on with another actor."""

    async def start(self, scenario: ScenarioStart) -> None:
        """Begin a scenario with a fresh context."""

    async def perform(self, call: StepCall) -> StepOutcome:
        """Perform one step; a failing step is an outcome, never an exception."""

    async def finish(self) -> None:
        """End the scenario and release all it held, whatever happened."""

    async def close(self) -> None:
        """End the actor itself and everything it started."""


@runtime_checkable
class Controllable(Protocol):
    """An actor whose process can be ended or halted on purpose."""

    async def control(self, action: ProcessAction) -> StepOutcome:
        """Do it, and return when that is done: the process is gone, halted, or going on."""


@runtime_checkable
class Networked(Protocol):
    """An actor whose steps can be given the network between the roles: they run in this process."""

    def join(self, network: Network) -> None:
        """Take what its steps are given from the next scenario on."""


@runtime_checkable
class Settling(Protocol):
    """An actor whose steps may go on in the background."""

    async def settle(self, timeout: float) -> StepOutcome:
        """Wait for what still runs in the background and report how it ended."""
