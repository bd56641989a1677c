"""What came of a scenario, step by step. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from harmony.model import FAULT, LogRecord, NetworkEvent, Phase, StepOutcome, Verdict
from harmony.process.transcript import Written
from harmony.spec.gherkin import Step
from harmony.spec.levels import Standing
from harmony.spec.routing import ScenarioPlan

_RANKS: Final = {Verdict.CRASHED: 0, Verdict.UNSUPPORTED: 2}
"""What decides before another; all else has 1."""


@dataclass(frozen=True, slots=True)
class StepResult:
    """What came of one step of a scenario.

    Attributes:
        step: The step; ``None`` for what happens before the first and after the last one.
        phase: What it is about.
        outcomes: Per actor (``writer``, ``writer#second``), what came of it.
        verdict: The worst of them.
        seconds: How long it took.
    """

    step: Step | None
    phase: Phase
    outcomes: Mapping[str, StepOutcome]
    verdict: Verdict
    seconds: float

    @property
    def error(self) -> str:
        """The errors of all actors, each with its role if there are several."""
        errors = [(key, outcome.error) for key, outcome in self.outcomes.items() if outcome.error]
        return errors[0][1] if len(errors) == 1 else "\n".join(f"{key}: {error}" for key, error in errors)

    @property
    def code(self) -> str:
        """The canonical name of the first error that has one."""
        codes = (outcome.data.get("code") for outcome in self.outcomes.values() if outcome.verdict is self.verdict)
        return next((code for code in codes if isinstance(code, str)), "")


@dataclass(frozen=True, slots=True)
class ScenarioResult:
    """What came of a scenario.

    Attributes:
        plan: The scenario, routed.
        verdict: Crashed if any process crashed, whenever that was; otherwise of the first step, or part of the
            clean-up, that went wrong; otherwise unsupported if a step was; passed if all did.
        results: What was done, in order.
        not_run: The steps after the one that did not pass.
        logs: Log records per actor.
        network: What was seen and done between the roles, with the steps in their places; nothing, if it was not used.
        stderr: What the processes of each actor have written there.
        seconds: How long it took.
        seed: The seed it ran with.
        standing: What it proves, and how much a deviation weighs; known once it is judged.
    """

    plan: ScenarioPlan
    verdict: Verdict
    results: Sequence[StepResult]
    not_run: Sequence[Step] = ()
    logs: Mapping[str, Sequence[LogRecord]] = field(default_factory=dict)
    network: Sequence[NetworkEvent] = ()
    stderr: Mapping[str, Written] = field(default_factory=dict)
    seconds: float = 0.0
    seed: int = 0
    standing: Standing = field(default_factory=Standing)

    @property
    def alarms(self) -> list[str]:
        """What is alarming on stderr, each line with its actor."""
        return [f"{key}: {alarm}" for key, written in self.stderr.items() for alarm in written.alarms]

    @property
    def deviates(self) -> bool:
        """Whether it failed as a step found something otherwise than its sentence says, and in no other way."""
        bad = [one for one in self.results if one.verdict is not Verdict.PASSED and not one.phase.judged]
        outcomes = [each for one in bad for each in one.outcomes.values() if each.verdict is not Verdict.PASSED]
        return (
            bool(outcomes)
            and all(one.phase in {Phase.STEP, Phase.SETTLE} and one.verdict is Verdict.FAILED for one in bad)
            and all(each.verdict is Verdict.FAILED and not each.data.get(FAULT) for each in outcomes)
        )

    @property
    def failure(self) -> StepResult | None:
        """What decides; see :func:`decisive`."""
        return decisive(self.results)


def not_played(plan: ScenarioPlan, verdict: Verdict, error: str, seed: int) -> ScenarioResult:
    """Return the result of a scenario of which nothing is known but why."""
    end = StepResult(None, Phase.RUN, {"harmony": StepOutcome(verdict, error)}, verdict, 0.0)
    return ScenarioResult(plan, verdict, (end,), not_run=tuple(one.step for one in plan.steps), seed=seed)


def decisive(results: Sequence[StepResult]) -> StepResult | None:
    """Return what decides: the first crash, or else what went wrong first, or else what is unsupported first."""
    told = [result for result in results if result.verdict is not Verdict.PASSED]
    return min(told, key=lambda result: _RANKS.get(result.verdict, 1), default=None)


def merged(result: ScenarioResult, verdict: Verdict, phase: Phase, error: str) -> ScenarioResult:
    """Return a result to which something found after the last step is added, such as a leak."""
    extra = StepResult(None, phase, {"harmony": StepOutcome(verdict, error)}, verdict, 0.0)
    together = replace(result, results=(*result.results, extra))
    found = together.failure
    return replace(together, verdict=found.verdict if found else verdict)


def with_stderr(result: ScenarioResult, stderr: Mapping[str, Written]) -> ScenarioResult:
    """Return a result with what has been written on stderr; an alarm fails it where there must be none."""
    every = dict(result.stderr)
    for key, written in stderr.items():
        if written.records:
            every[key] = Written.together([every.get(key, Written()), written])
    result = replace(result, stderr=every)
    alarms = [f"{key}: {alarm}" for key, written in stderr.items() if written.clean for alarm in written.alarms]
    said = "on stderr, where there must be no alarm: " + "\n".join(alarms)
    return merged(result, Verdict.FAILED, Phase.STDERR, said) if alarms else result


def retold(result: ScenarioResult, outcomes: Mapping[str, StepOutcome]) -> ScenarioResult:
    """Return a result whose failure, which must be there, has other outcomes."""
    failure = result.failure
    others = [replace(one, outcomes=outcomes) if one is failure else one for one in result.results]
    return replace(result, results=tuple(others))


def with_scenes(result: ScenarioResult, scenes: Mapping[str, Mapping[str, Any]]) -> ScenarioResult:
    """Return a result that tells of a hang where the others stand, and before all else who has hung the longest.

    Args:
        result: What came of the scenario.
        scenes: Where those stand that did not time out themselves, as they say it.
    """
    failure = result.failure
    if failure is None or not scenes:
        return result
    own = {key: one.data for key, one in failure.outcomes.items() if one.verdict is failure.verdict}
    begun = {key: float(scene["since"]) for key, scene in {**own, **scenes}.items() if "since" in scene}
    first = min(begun, key=lambda key: begun[key], default="")
    sections = {f"stack of {key}": str(scene["stack"]) for key, scene in scenes.items() if key != first}
    scene = scenes.get(first)
    more = {"first": f"{first}, in {scene['verb']}\n{scene['stack']}"} if scene else {}
    outcomes = {
        key: replace(one, data={**one.data, **more, "sections": {**(one.data.get("sections") or {}), **sections}})
        if key in own
        else one
        for key, one in failure.outcomes.items()
    }
    return retold(result, outcomes)
