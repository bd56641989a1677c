"""Replay: hold a worker to a recording, or play the worker of a recording that is not here."""

from __future__ import annotations

import asyncio
import difflib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError

from harmony.model import ScenarioStart, StepCall, StepOutcome, StepType, Verdict
from harmony.run.recording import Exchange, Recording, without_noise
from harmony.run.run_id import RunId
from harmony.serve.conversation import OfferedStep
from harmony.values import ScenarioValues
from harmony.wire import jsonrpc, step_contract
from harmony.wire.link import Link, LinkError, RefusedError
from harmony.wire.step_contract import ExecuteStepParams, InitializeParams, StepResponse, without_case

_SKIPPED: Final = frozenset({step_contract.SHUTDOWN, step_contract.CRASH, step_contract.DUMP, step_contract.SETTLE})

_ROUNDED: Final = 2e-6
"""Seconds by which moments in a recording are not exact."""


@dataclass(frozen=True, slots=True)
class Difference:
    """An answer that is not the recorded one.

    Attributes:
        number: Which exchange, from 1.
        method: What was asked.
        subject: The sentence, for a step.
        expected: The recorded answer without noise.
        seen: The answer now.
        cause: Why it is so now, in the worker's words.
        better: Whether it is a success where a failure was recorded.
    """

    number: int
    method: str
    subject: str
    expected: Any
    seen: Any
    cause: str = ""
    better: bool = False

    @property
    def where(self) -> str:
        """What was asked."""
        return f"exchange {self.number}, {self.method}" + (f": {self.subject}" if self.subject else "")

    def __str__(self) -> str:
        """Return it as a person reads it: what was asked, and a diff."""
        if self.better:
            return f"{self.where}: better than recorded: failed then, succeeds now"
        old, new = (json.dumps(value, indent=2, sort_keys=True).splitlines() for value in (self.expected, self.seen))
        diff = "\n".join(f"    {line}" for line in difflib.unified_diff(old, new, "recorded", "now", lineterm="", n=2))
        cause = f"\n    because: {self.cause}" if self.cause else ""
        return f"{self.where}\n{diff}{cause}"


async def replay_together(
    parts: Sequence[tuple[Link, Recording]], seconds: float, run_id: RunId | None = None
) -> dict[str, list[Difference]]:
    """Ask the workers of one cell all that was recorded, in its order, and return by role where they differ.

    What was asked at once then, of several roles, is asked at once now: one may wait for the other.

    Args:
        parts: Each role's worker, and what was asked of another that played it.
        seconds: How long an answer may take.
        run_id: What names end with now; as recorded if absent.
    """
    differences: dict[str, list[Difference]] = {recording.role: [] for _, recording in parts}
    asked: list[tuple[int, Exchange, asyncio.Task[None]]] = []

    async def ask(part: int, number: int, before: Sequence[asyncio.Task[None]]) -> None:
        await asyncio.gather(*before)
        link, recording = parts[part]
        if link.gone is None:
            differences[recording.role] += await _differences(link, recording, number, seconds, run_id)
        elif not differences[recording.role]:
            differences[recording.role].append(Difference(number + 1, "-", "", "an answer", link.gone))

    async with asyncio.TaskGroup() as tasks:
        for part, number in merged([recording for _, recording in parts]):
            exchange = parts[part][1].exchanges[number]
            before = [task for other, one, task in asked if other == part or not _overlap(one, exchange)]
            asked.append((part, exchange, tasks.create_task(ask(part, number, before))))
    return differences


def _overlap(first: Exchange, second: Exchange) -> bool:
    """Return whether the second was asked before the first was answered; not where the moments were not kept."""
    return bool(first.at) and first.at + first.seconds > second.at + _ROUNDED


def feature_id_in(recording: Recording) -> int | None:
    """Return the number of the feature that a recording's `initialize` tells, if it tells one."""
    asked = (one.params for one in recording.exchanges if one.method == step_contract.INITIALIZE)
    told = next((dict(jsonrpc.first_object(params)) for params in asked), {})
    try:
        return InitializeParams.model_validate(told).feature_id
    except ValidationError:
        return None


def merged(recordings: Sequence[Recording]) -> list[tuple[int, int]]:
    """Return the order in which the exchanges of several roles took place, as recording and exchange.

    Where the moments were not kept, what is Given comes before what is done, and that before what is looked at.
    """
    heads = [0] * len(recordings)
    order: list[tuple[int, int]] = []
    while True:
        open_ = [part for part, recording in enumerate(recordings) if heads[part] < len(recording.exchanges)]
        if not open_:
            return order
        part = min(open_, key=lambda part: (_moment(recordings[part].exchanges[heads[part]]), part))
        order.append((part, heads[part]))
        heads[part] += 1


def _moment(exchange: Exchange) -> tuple[float, int]:
    type_ = None if exchange.method != step_contract.EXECUTE_STEP else _step(exchange).step_type
    return exchange.at, -1 if type_ is None else list(StepType).index(type_)


async def _differences(
    link: Link, recording: Recording, number: int, seconds: float, run_id: RunId | None
) -> list[Difference]:
    exchange = recording.exchanges[number]
    if exchange.method in _SKIPPED or not exchange.answered:
        return []
    params: Any = dict(jsonrpc.first_object(exchange.params)) or None
    if exchange.method == step_contract.INITIALIZE and run_id is not None:
        params = _renamed(params or {}, run_id)
    try:
        seen: Any = {"result": await link.ask(exchange.method, params, timeout=seconds)}
    except RefusedError as error:
        seen = {"error": {"code": error.rpc_code}}
    except LinkError as error:
        seen = {"error": {"code": error.code, "cause": error.message}}
    expected = comparable(exchange.method, _answer(exchange), recording.noise)
    now = comparable(exchange.method, seen, recording.noise)
    if expected == now:
        return []
    better = _succeeds(seen) and not _succeeds(_answer(exchange))
    return [Difference(number + 1, exchange.method, _sentence(exchange), expected, now, _cause(seen), better)]


def _renamed(params: Mapping[str, Any], run_id: RunId) -> dict[str, Any]:
    """Return what `initialize` is told, with other numbers: those of the environment, from which some make names."""
    now = {"hostpid": run_id.host_pid, "featureid": run_id.feature_id, "testrunid": str(run_id)}
    return {key: now.get(without_case(key), value) for key, value in params.items()}


def _succeeds(answer: Mapping[str, Any]) -> bool:
    """Return whether an answer is no refusal, and no failure of a step."""
    response = _response(answer)
    return "error" not in answer and (response is None or response.success)


def comparable(method: str, answer: Mapping[str, Any], noise: Sequence[str]) -> Any:
    """Return what of an answer must be the same in every run and in every language.

    Step responses are compared by what they mean: their field names come in three casings, and a text that says why a
    step failed differs between implementations.
    """
    result = answer.get("result")
    response = _response(answer) if method == step_contract.EXECUTE_STEP else None
    if response is not None:
        return {"success": response.success, "verdict": str(response.verdict())}
    if method == step_contract.DISCOVER and isinstance(result, Mapping):
        return {"steps": "any"}
    return without_noise(answer, noise)


class ReplayingHost:
    """Plays the worker of a recording: answers each step as it was answered then, in the recorded order.

    A step out of order, or one that was never asked, fails with what was expected instead.
    """

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._left: list[Exchange] = []
        self._values = ScenarioValues()

    @property
    def ended(self) -> bool:
        """Never: it is asked by a worker."""
        return False

    def offered(self) -> Sequence[OfferedStep]:
        """Return the sentences of the recording."""
        return [OfferedStep("unknown", sentence) for one in self._recording.exchanges if (sentence := _sentence(one))]

    def diagnose(self) -> Mapping[str, str]:
        """Return nothing: a recording has no scenario that could tell more."""
        return {}

    def in_background(self) -> None:
        """Return nothing: what is recorded has ended."""

    async def start(self, scenario: ScenarioStart) -> None:
        """Begin at the first step again."""
        self._values = scenario.values
        self._left = [one for one in self._recording.exchanges if one.method == step_contract.EXECUTE_STEP]

    async def perform(self, call: StepCall) -> StepOutcome:
        """Answer as it was answered then."""
        if not self._left:
            return StepOutcome(Verdict.FAILED, f"the recording has ended before: {call.text}")
        wanted = _sentence(self._left[0])
        if wanted != call.text:
            return StepOutcome(Verdict.FAILED, f"the recording goes on with {wanted!r}, not with {call.text!r}")
        exchange = self._left.pop(0)
        if not exchange.answered:
            return StepOutcome(Verdict.FAILED, "there was no answer to this in the recording")
        if exchange.error is not None:
            return StepOutcome(Verdict.ERRORED, str(exchange.error.get("message", "")))
        response = StepResponse.model_validate(dict(exchange.result))
        for role, named in response.shared_values().items():
            for name, value in named.items():
                self._values.publish(role, name, value)
        return response.outcome(exchange.seconds)

    async def finish(self) -> None:
        """Forget where it was."""
        self._left = []

    async def close(self) -> None:
        """Hold nothing, release nothing."""


def _cause(answer: Mapping[str, Any]) -> str:
    response = _response(answer)
    return response.cause().partition("\n")[0] if response is not None else ""


def _response(answer: Mapping[str, Any]) -> StepResponse | None:
    try:
        return StepResponse.model_validate(answer.get("result"))
    except ValidationError:
        return None


def _answer(exchange: Exchange) -> Mapping[str, Any]:
    if exchange.error is not None:
        return {"error": {"code": exchange.error.get("code")}}
    return {"result": exchange.result}


def _sentence(exchange: Exchange) -> str:
    if exchange.method != step_contract.EXECUTE_STEP:
        return ""
    return _step(exchange).step


def _step(exchange: Exchange) -> ExecuteStepParams:
    return ExecuteStepParams.model_validate(dict(jsonrpc.first_object(exchange.params)))
