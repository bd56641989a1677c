"""Scenarios in this process: an actor per role, everything compared before and after."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from harmony.logs import LEVELS
from harmony.model import Phase, Verdict
from harmony.plan.seeds import seed_of
from harmony.process import places
from harmony.process.child import ProcessSpec
from harmony.process.remains import excuse_of
from harmony.process.resources import ResourceMonitor, ResourceUse
from harmony.process.transcript import Written
from harmony.run import interruption
from harmony.run.actor import Actor
from harmony.run.driver_actor import DriverActor
from harmony.run.run_id import RunId
from harmony.run.scenario_run import HARMONY, RunOptions, run_scenario, scenario_starts
from harmony.run.step_actor import StepActor
from harmony.spec.gherkin import Scenario, Step
from harmony.spec.routing import route
from harmony.steps.library import StepLibrary
from harmony.steps.performance import Statistics
from harmony.verdict.result import ScenarioResult, StepResult, merged, with_stderr

PLATFORM: Final = "local"


@dataclass(frozen=True, slots=True)
class LocalRun:
    """What one local run of a scenario gave.

    Attributes:
        result: Verdict and steps.
        run_id: What the names of this run end with.
        timings: Durations of named operations, per role.
        usage: Resources used; ``None`` if nobody looked.
    """

    result: ScenarioResult
    run_id: RunId
    timings: Mapping[str, Statistics] = field(default_factory=dict)
    usage: ResourceUse | None = None


@dataclass(frozen=True, slots=True)
class LocalRunner:
    """Runs scenarios with every role in this process.

    Attributes:
        library: The project's steps.
        options: How scenarios run.
        monitor: Looks for leaks; ``None`` to look away.
        seed: The seed of the run.
        show_logs: Least level that goes to stderr.
        driver: Starts the driver that plays every role; the steps' own providers play them without.
    """

    library: StepLibrary
    options: RunOptions = field(default_factory=RunOptions)
    monitor: ResourceMonitor | None = None
    seed: int = 0
    show_logs: int = LEVELS["warning"]
    driver: ProcessSpec | None = None

    def run(
        self,
        scenario: Scenario,
        observe: Callable[[StepResult], None] = lambda _: None,
        begins: Callable[[Step], None] = lambda _: None,
    ) -> LocalRun:
        """Run a scenario to its end."""
        run_id = RunId.of_cell(scenario)
        before = self.monitor.snapshot(str(run_id)) if self.monitor else None
        with places.lent(str(run_id)) as left:
            result, made = asyncio.run(self._run(scenario, run_id, observe, begins))
        for text in left:
            result = merged(result, Verdict.FAILED, Phase.LEAKS, f"cannot be removed: {text}")
        timings = {name: timing for actor in made for name, timing in actor.timings.items()}
        if self.monitor is None or before is None:
            return LocalRun(result, run_id, timings)
        killed = {pid for actor in made for pid in actor.killed}
        usage = self.monitor.compare(before, str(run_id), excuse_of(killed, deadly=result.plan.deadly))
        if usage.leaks:
            result = merged(result, Verdict.FAILED, Phase.LEAKS, "\n".join(usage.leaks))
        return LocalRun(result, run_id, timings, usage)

    def _actor(self, role: str) -> StepActor:
        if self.driver is not None:
            return DriverActor(self.library, self.driver, show_logs=self.show_logs)
        return StepActor(self.library, name=role, show_logs=self.show_logs)

    async def _run(
        self,
        scenario: Scenario,
        run_id: RunId,
        observe: Callable[[StepResult], None],
        begins: Callable[[Step], None],
    ) -> tuple[ScenarioResult, list[StepActor]]:
        planned = route(scenario)
        made: list[tuple[str, StepActor]] = []

        async def spawn(role: str) -> Actor:
            actor = self._actor(role)
            made.append((role, actor))
            return actor

        actors = {role: await spawn(role) for role in planned.roles}
        starts = scenario_starts(
            planned,
            dict.fromkeys(planned.roles, PLATFORM),
            host_pid=run_id.host_pid,
            feature_id=run_id.feature_id,
            seed=seed_of(self.seed, scenario),
            strict=self.options.strict,
        )
        with interruption.once():
            try:
                result = await run_scenario(
                    planned,
                    actors,
                    starts,
                    spawn=spawn,
                    own=lambda: StepActor(self.library, name=HARMONY, show_logs=self.show_logs),
                    options=self.options,
                    begins=begins,
                    observe=observe,
                )
            finally:
                for _, actor in made:
                    await actor.close()
        stderr: dict[str, Written] = {}
        for role, actor in made:
            stderr[role] = Written.together([stderr.get(role, Written()), actor.take_stderr()])
        return with_stderr(result, stderr), [actor for _, actor in made]
