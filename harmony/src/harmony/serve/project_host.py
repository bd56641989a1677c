"""What `harmony serve` offers: the steps of a project, as an actor with a catalogue."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

from harmony.config import Settings
from harmony.logs import LEVELS
from harmony.model import ScenarioStart, StepCall, StepOutcome, StepType, Verdict
from harmony.process import places
from harmony.process.marks import RUN_VARIABLE
from harmony.run.step_performer import StepPerformer
from harmony.serve.conversation import Host, OfferedStep, SessionOptions
from harmony.spec.sentence import requires_processes
from harmony.steps.library import StepLibrary
from harmony.steps.naming import FEATURE_ID_VARIABLE, HOST_PID_VARIABLE, SEED_VARIABLE


class ProjectHost(StepPerformer):
    """Plays roles with the step classes of a project, and lists them as a worker announces them.

    That roles are processes of their own is true of whoever is driven so, and no step of a project.
    """

    _run_id = ""

    async def start(self, scenario: ScenarioStart) -> None:
        """Begin a scenario."""
        self._run_id = scenario.test_run_id
        await super().start(scenario)

    async def close(self) -> None:
        """End, and remove what roles have shared, unless an orchestrator of ours does that when all have ended."""
        await super().close()
        if self._run_id and RUN_VARIABLE not in os.environ:
            places.clear(self._run_id)

    async def perform(self, call: StepCall) -> StepOutcome:
        """Perform one step."""
        if requires_processes(call.text):
            return StepOutcome(Verdict.PASSED)
        return await super().perform(call)

    def offered(self) -> Sequence[OfferedStep]:
        """Return each pattern once per step type it answers to."""
        return [
            OfferedStep(type_.value, definition.pattern)
            for definition in self.catalogue()
            for type_ in StepType
            if type_ in definition.types
        ]


def hosts_of(library: StepLibrary, log_level: str = "warning") -> Callable[[], Host]:
    """Return what makes an actor for each peer."""
    return lambda: ProjectHost(library, name="worker", show_logs=LEVELS[log_level])


def options_of(settings: Settings, step_timeout: float | None = None) -> SessionOptions:
    """Return how a worker behaves, from the project and the environment.

    Names are made from the environment where it gives both numbers, so that they agree with workers of other
    languages, which know no other way.
    """
    host_pid, feature_id = os.environ.get(HOST_PID_VARIABLE, ""), os.environ.get(FEATURE_ID_VARIABLE, "")
    named = host_pid.isdecimal() and feature_id.isdecimal()
    seed = os.environ.get(SEED_VARIABLE, "")
    return SessionOptions(
        step_timeout=step_timeout or settings.timeouts.step,
        seed=int(seed) if seed.isdecimal() else 0,
        host_pid=int(host_pid) if named else None,
        feature_id=int(feature_id) if named else None,
    )
