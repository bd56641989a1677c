"""One scenario over the actors of its roles. The same for steps in this process, step workers and drivers."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeVar

from harmony.errors import HarmonyError
from harmony.excerpt import Excerpt
from harmony.model import Phase, ScenarioStart, StepCall, StepOutcome, Verdict
from harmony.network.scenario_network import ScenarioNetwork
from harmony.run import interruption
from harmony.run.actor import Actor, Controllable, Networked, Settling
from harmony.run.telemetry import Telemetry
from harmony.spec.gherkin import Step
from harmony.spec.routing import Doing, RoutedStep, ScenarioPlan, Target, replaced_key, role_of
from harmony.values import ScenarioValues
from harmony.verdict.patience import Limit
from harmony.verdict.result import ScenarioResult, StepResult, decisive

T = TypeVar("T")
Spawn = Callable[[str], Awaitable[Actor]]
HARMONY: Final = "harmony"
"""Stands for harmony itself where there are names of actors."""

_SEVERITY: Final = {verdict: rank for rank, verdict in enumerate(Verdict)} | {Verdict.CRASHED: len(Verdict)}


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How a scenario runs.

    Attributes:
        step_timeout: Seconds a step may take.
        tag_timeouts: Seconds a step may take in a scenario with a tag, where that is longer.
        limits: How long a step of a role may take that is not given the whole limit.
        setup_timeout: Seconds an actor may take to begin a scenario.
        cleanup_timeout: Seconds it may take to end one.
        grace: Seconds an actor gets beyond a deadline that it should have kept by itself.
        separate_processes: Whether each role is a process of its own.
        strict: Whether every word of a driver must be as its contract says.
        telemetry: Where spans go.
    """

    step_timeout: float = 30.0
    tag_timeouts: Mapping[str, float] = field(default_factory=dict)
    limits: Mapping[str, Limit] = field(default_factory=dict)
    setup_timeout: float = 30.0
    cleanup_timeout: float = 15.0
    grace: float = 5.0
    separate_processes: bool = False
    strict: bool = False
    telemetry: Telemetry = field(default_factory=Telemetry)

    def limit_for(self, tags: Sequence[str], role: str) -> Limit:
        """Return how long a step of a role may take, in a scenario with these tags."""
        whole = Limit(max(self.step_timeout, *(self.tag_timeouts.get(tag, 0.0) for tag in tags), 0.0))
        return self.limits.get(role, whole).within(whole.seconds)


def scenario_starts(
    plan: ScenarioPlan,
    platforms: Mapping[str, str],
    *,
    host_pid: int,
    feature_id: int,
    seed: int,
    strict: bool = False,
    known: bool = False,
) -> dict[str, ScenarioStart]:
    """Return what each role's actor learns before the first step."""
    values = ScenarioValues()
    return {
        role: ScenarioStart(
            role=role,
            platform=platforms[role],
            scenario=plan.scenario.id,
            host_pid=host_pid,
            feature_id=feature_id,
            seed=seed,
            tags=tuple(plan.scenario.tags),
            roles=tuple(plan.roles),
            actions=tuple(plan.actions_of(role)),
            strict=strict,
            known=known,
            values=values,
        )
        for role in plan.roles
    }


async def run_scenario(
    plan: ScenarioPlan,
    actors: Mapping[str, Actor],
    starts: Mapping[str, ScenarioStart],
    *,
    spawn: Spawn | None = None,
    own: Callable[[], Actor] | None = None,
    options: RunOptions | None = None,
    begins: Callable[[Step], None] = lambda _: None,
    observe: Callable[[StepResult], None] = lambda _: None,
) -> ScenarioResult:
    """Run a scenario: start its actors, perform its steps until one does not pass, release everything.

    Args:
        plan: The scenario, routed.
        actors: An actor for each role. They stay the caller's, who closes them.
        starts: What each role's actor learns, see :func:`scenario_starts`.
        spawn: Makes another actor for a role, for "a second" and "a new" process. Such actors are closed here.
        own: Makes the actor of the steps that are about the network, and about nobody's process.
        options: How it runs.
        begins: Told of each step as it begins.
        observe: Told of each result as it comes.
    """
    start = next(iter(starts.values()))
    network = ScenarioNetwork(start.test_run_id, start.seed, plan.roles)
    state = _Run(plan, dict(actors), starts, spawn, own, network, options or RunOptions(), begins, observe)
    with state.options.telemetry.scenario(plan.scenario) as report:
        result = await state.run()
        report(result.verdict, result.failure.error if result.failure else "")
    return result


@dataclass(slots=True)
class _Run:
    """The state of one scenario run."""

    plan: ScenarioPlan
    actors: dict[str, Actor]
    starts: Mapping[str, ScenarioStart]
    spawn: Spawn | None
    own: Callable[[], Actor] | None
    network: ScenarioNetwork
    options: RunOptions
    begins: Callable[[Step], None]
    observe: Callable[[StepResult], None]
    results: list[StepResult] = field(default_factory=list)
    logs: defaultdict[str, Excerpt] = field(default_factory=lambda: defaultdict(Excerpt))
    spawned: list[Actor] = field(default_factory=list)
    replaced: list[tuple[str, Actor]] = field(default_factory=list)
    of_network: Actor | None = None

    async def run(self) -> ScenarioResult:
        begin = time.monotonic()
        done = 0
        patience: float | None = None
        try:
            await self._together(
                Phase.START, {role: self._begin(role, role, self.actors[role]) for role in self.plan.roles}
            )
            for routed in self.plan.steps:
                if self._stopped:
                    break
                done += 1
                await self._step(routed)
            if not self._stopped:
                settling = {
                    key: self._settled(key, actor) for key, actor in self._everyone if isinstance(actor, Settling)
                }
                await self._together(Phase.SETTLE, settling)
            if not self._stopped:
                await self._together(Phase.SETTLE, {HARMONY: self._network_settled()})
        except asyncio.CancelledError:
            # A process that is busy would answer late; it is ended all the same.
            patience = interruption.PATIENCE if self.options.separate_processes else None
            raise
        finally:
            self.network.abandon()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(patience):
                    await self._together(Phase.FINISH, {key: self._finished(actor) for key, actor in self._everyone})
            await self.network.close()
        failure = decisive(self.results)
        start = next(iter(self.starts.values()))
        return ScenarioResult(
            plan=self.plan,
            verdict=failure.verdict if failure else Verdict.PASSED,
            results=tuple(self.results),
            not_run=tuple(routed.step for routed in self.plan.steps[done:]),
            logs={key: kept.records() for key, kept in self.logs.items()},
            network=self.network.told(),
            seconds=time.monotonic() - begin,
            seed=start.seed,
        )

    @property
    def _stopped(self) -> bool:
        return any(result.verdict is not Verdict.PASSED for result in self.results)

    @property
    def _everyone(self) -> list[tuple[str, Actor]]:
        own = [] if self.of_network is None else [(HARMONY, self.of_network)]
        return [*self.actors.items(), *self.replaced, *own]

    async def _step(self, routed: RoutedStep) -> None:
        self.begins(routed.step)
        self.network.begins(str(routed.step))
        with self.options.telemetry.step(routed.step) as report:
            if routed.doing is Doing.WAIT:
                await self._together(Phase.STEP, {HARMONY: self._wait(routed.seconds)}, routed.step)
            elif routed.doing is Doing.REQUIRE_PROCESSES:
                await self._together(Phase.STEP, {HARMONY: self._require_processes()}, routed.step)
            elif routed.doing is Doing.NETWORK:
                await self._together(Phase.STEP, {HARMONY: self._on_network(routed)}, routed.step)
            else:
                work = {target.key: self._act(target, routed) for target in routed.targets}
                await self._together(Phase.STEP, work, routed.step)
            report(self.results[-1].verdict, self.results[-1].error)

    async def _together(
        self, phase: Phase, work: Mapping[str, Awaitable[StepOutcome]], step: Step | None = None
    ) -> None:
        """Do something with several actors at once and keep the worst outcome."""
        begin = time.monotonic()
        outcomes = dict(zip(work, await asyncio.gather(*(_never_raises(one) for one in work.values())), strict=True))
        for key, outcome in outcomes.items():
            for record in outcome.logs:
                self.logs[key].append(record)
        verdict = max((outcome.verdict for outcome in outcomes.values()), key=_severity, default=Verdict.PASSED)
        result = StepResult(step, phase, outcomes, verdict, time.monotonic() - begin)
        told = step is not None or any(outcome.attachments for outcome in outcomes.values())
        if told or verdict is not Verdict.PASSED:
            self.results.append(result)
            self.observe(result)

    async def _act(self, target: Target, routed: RoutedStep) -> StepOutcome:
        actor = await self._actor(target)
        if routed.action is not None:
            if not isinstance(actor, Controllable):
                return StepOutcome(Verdict.ERRORED, f"the process of {target.key!r} cannot be controlled")
            return await self._bounded(actor.control(routed.action), self.options.setup_timeout, routed.step.text)
        return await self._perform(actor, routed, target.key, target.role)

    async def _on_network(self, routed: RoutedStep) -> StepOutcome:
        """Perform a step that is about the network between two roles, and so about nobody's process."""
        if self.of_network is None:
            if self.own is None:
                raise HarmonyError("nobody performs steps about the network", hint="this run was given no `own`")
            self.of_network = self.own()
            self.spawned.append(self.of_network)
            await self._begin(HARMONY, "", self.of_network)
        return await self._perform(self.of_network, routed, HARMONY, HARMONY)

    async def _perform(self, actor: Actor, routed: RoutedStep, key: str, role: str) -> StepOutcome:
        limit = self._limit(key)
        call = StepCall(
            type=routed.step.type,
            text=routed.step.text,
            role=role,
            table=routed.step.table,
            doc_string=routed.step.doc_string,
            broadcast=routed.broadcast,
            timeout=limit.seconds,
        )
        return limit.told(await self._bounded(actor.perform(call), call.timeout, routed.step.text))

    async def _actor(self, target: Target) -> Actor:
        existing = self.actors.get(target.key)
        # A role whose process the scenario has ended goes on with a new one.
        if existing is not None and not target.replaces and not existing.ended:
            return existing
        if self.spawn is None:
            raise HarmonyError(f"no second actor can be made for {target.role!r}", hint="this run was given no `spawn`")
        if existing is not None:
            self.replaced.append((replaced_key(target.key, [key for key, _ in self.replaced]), existing))
        actor = await self.spawn(target.role)
        self.spawned.append(actor)
        self.actors[target.key] = actor
        begun = await self._begin(target.role, target.key, actor)
        if begun.verdict is not Verdict.PASSED:
            raise HarmonyError(f"another {target.role!r} could not be started: {begun.error}")
        return actor

    async def _begin(self, role: str, key: str, actor: Actor) -> StepOutcome:
        if isinstance(actor, Networked):
            actor.join(self.network.of(key))
        start = self.starts.get(role) or replace(next(iter(self.starts.values())), role=role, platform=HARMONY)
        return await self._bounded(_passed(actor.start(start)), self.options.setup_timeout, "start")

    async def _settled(self, key: str, actor: Settling) -> StepOutcome:
        limit = self._limit(key)
        return limit.told(await self._bounded(actor.settle(limit.seconds), limit.seconds, "the background"))

    def _limit(self, key: str) -> Limit:
        return self.options.limit_for(self.plan.scenario.tags, role_of(key))

    async def _finished(self, actor: Actor) -> StepOutcome:
        outcome = await self._bounded(_passed(actor.finish()), self.options.cleanup_timeout, "clean-up")
        if actor in self.spawned:
            closed = await self._bounded(_passed(actor.close()), self.options.cleanup_timeout, "closing")
            outcome = max(outcome, closed, key=lambda one: _severity(one.verdict))
        return outcome

    async def _wait(self, seconds: float) -> StepOutcome:
        await asyncio.sleep(seconds)
        return StepOutcome(Verdict.PASSED, seconds=seconds)

    async def _network_settled(self) -> StepOutcome:
        complaints = self.network.complaints()
        hint = (
            {"hint": "make it happen before the scenario ends, and wait for it; docs/network.md"} if complaints else {}
        )
        return StepOutcome(Verdict.FAILED if complaints else Verdict.PASSED, "\n".join(complaints), hint)

    async def _require_processes(self) -> StepOutcome:
        if self.options.separate_processes:
            return StepOutcome(Verdict.PASSED)
        return StepOutcome(Verdict.UNSUPPORTED, "the roles of this run are not processes of their own")

    async def _bounded(self, work: Awaitable[StepOutcome], seconds: float, what: str) -> StepOutcome:
        """Hold an actor to a deadline that it should have kept by itself."""
        try:
            async with asyncio.timeout(seconds + self.options.grace) as limit:
                return await work
        except TimeoutError as error:
            if not limit.expired():
                return _raised(error)
            return StepOutcome(Verdict.TIMED_OUT, f"{what}: the actor did not answer within {seconds:g} s")


async def _passed(work: Awaitable[None]) -> StepOutcome:
    await work
    return StepOutcome(Verdict.PASSED)


async def _never_raises(work: Awaitable[StepOutcome]) -> StepOutcome:
    try:
        return await work
    except Exception as error:  # noqa: BLE001 - an actor that breaks is an outcome of this scenario, not the end of the run
        return _raised(error)


def _raised(error: Exception) -> StepOutcome:
    text = str(error) if isinstance(error, HarmonyError) else f"{type(error).__name__}: {error}"
    details: dict[str, Any] = {"code": error.code} if isinstance(error, HarmonyError) else {}
    # An error of a worker knows whether it crashed or hung.
    return StepOutcome(getattr(error, "verdict", Verdict.ERRORED), text, details)


def _severity(verdict: Verdict) -> int:
    return _SEVERITY[verdict]
