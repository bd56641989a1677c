"""The step contract as data: what goes over the wire between an orchestrator and a step worker.

Generous in what is taken (field names in any casing, unknown ones ignored), strict in what is sent.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, ValidationError, model_validator

from harmony import patterns
from harmony.attachments import read_all
from harmony.excerpt import HEAD, TAIL, excerpt, gap
from harmony.model import DataTable, DocString, LogRecord, ScenarioStart, StepCall, StepOutcome, StepType, Verdict
from harmony.spec.pieces import with_placeholders
from harmony.text import jsonable, shown
from harmony.values import Values
from harmony.wire import jsonrpc

HEALTH = "health"
INITIALIZE = "initialize"
DISCOVER = "discover"
EXECUTE_STEP = "executeStep"
CLEANUP = "cleanup"
SHUTDOWN = "shutdown"
CRASH = "crash"
DUMP = "dump"
SETTLE = "settle"

SHARED_VALUES = "sharedValues"
TABLES = "tables"
DOC_STRINGS = "docStrings"
CAPABILITIES = (TABLES, DOC_STRINGS, DUMP, SETTLE, SHARED_VALUES)
"""What a worker may announce; `harmony serve` announces all."""

ATTACHMENTS = "attachments"
"""In the data of an answer: what the step has attached. Any worker may, and none must."""
STEP_TIMEOUT = "STEP_EXECUTION_TIMEOUT"
UNSUPPORTED_STEP = "No matching step definition found for:"
DEFAULT_TIMEOUT = 30.0

_MISSING_STEP = re.compile(r"(?:step not found:|no (?:matching )?step definition (?:was )?found)", re.IGNORECASE)
_TYPES = (StepType.GIVEN, StepType.WHEN, StepType.THEN)
_OPEN_TYPES = frozenset({"and", "but", "*"})
_LEVELS = ("trace", "debug", "information", "warning", "error", "critical")
_ALIASES = {"info": 2, "warn": 3, "fatal": 5}

M = TypeVar("M", bound=BaseModel)


def without_case(name: object) -> str:
    """Return what all spellings of a field have in common."""
    return str(name).replace("_", "").lower()


@functools.cache
def _fields(model: type[BaseModel]) -> dict[str, str]:
    """Return the name of each field by its spellings; Pascal case is what most peers write."""
    names = list(model.model_fields)
    return {without_case(name): name for name in names} | {name.title().replace("_", ""): name for name in names}


def _step_type(value: Any) -> StepType | None:
    """Return a step's type; ``None`` for And and But, whose step before them is not known here."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < len(_TYPES):
        return _TYPES[value]
    if isinstance(value, str):
        if value.strip().isdigit():
            return _step_type(int(value))
        name = value.strip().lower()
        return None if name in _OPEN_TYPES else StepType(name)
    raise ValueError("use 0 or 'given', 1 or 'when', 2 or 'then', 'and', 'but'")


def _level(value: Any) -> int:
    if isinstance(value, str) and not value.strip().lstrip("-").isdigit():
        name = value.strip().lower()
        return _ALIASES.get(name, _LEVELS.index(name) if name in _LEVELS else 2)
    try:
        return min(max(int(value), 0), 5)
    except (TypeError, ValueError):
        return 2


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _mapping(value: Any) -> Any:
    return {} if value is None else value


def _announced(value: Any) -> Any:
    return dict.fromkeys(map(str, value), True) if isinstance(value, list) else _mapping(value)


def _sequence(value: Any) -> Any:
    return [] if value is None else value


def _few(value: Any) -> Any:
    """Return head and tail of a list of log lines, before each becomes an object that is ten times as large."""
    if not isinstance(value, list) or len(value) <= HEAD + TAIL:
        return _sequence(value)
    between = gap(len(value) - HEAD - TAIL)
    return [*value[:HEAD], {"level": between.level, "message": between.message}, *value[-TAIL:]]


Text = Annotated[str, BeforeValidator(_text)]
Details = Annotated[dict[str, Any], BeforeValidator(_mapping)]


class _Wire(BaseModel):
    """A wire object whose keys may come in PascalCase, camelCase or snake_case."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)  # a worker reads two of them

    @model_validator(mode="before")
    @classmethod
    def _any_casing(cls, value: Any) -> Any:
        if not isinstance(value, Mapping):
            return value
        fields = _fields(cls)
        known: dict[str, Any] = {}
        for key, item in value.items():
            name = fields.get(key) or fields.get(without_case(key))
            if name is not None:
                known.setdefault(name, item)
        return known


class InitializeParams(_Wire):
    """What `initialize` tells a worker."""

    role: str
    platform: str
    scenario: str = ""
    host_pid: int
    feature_id: int
    test_run_id: Text = ""

    def start(self, *, seed: int, host_pid: int | None, feature_id: int | None) -> ScenarioStart:
        """Return the scenario's start; the environment's numbers, where there are some, make the names."""
        inherited = host_pid is not None and feature_id is not None
        return ScenarioStart(
            role=self.role,
            platform=self.platform,
            scenario=self.scenario,
            host_pid=host_pid if inherited and host_pid is not None else self.host_pid,
            feature_id=feature_id if inherited and feature_id is not None else self.feature_id,
            seed=seed,
        )


class WireTable(_Wire):
    """A data table: every row is a mapping from header to cell."""

    headers: list[str]
    rows: list[dict[str, str]]

    def table(self) -> DataTable:
        """Return the table; a cell that a row lacks is empty."""
        rows = tuple(tuple(row.get(header, "") for header in self.headers) for row in self.rows)
        return DataTable(tuple(self.headers), rows)


class WireDocString(_Wire):
    """A doc string."""

    content: str
    media_type: Text = ""


class ExecuteStepParams(_Wire):
    """One sentence for a worker."""

    process: Text
    step_type: Annotated[StepType | None, BeforeValidator(_step_type)]
    step: str
    parameters: Details = Field(default_factory=dict)
    context: Details = Field(default_factory=dict)
    is_broadcast: bool = False
    table: WireTable | None = None
    doc_string: WireDocString | None = None

    def shared_values(self) -> Values:
        """Return what other roles have published."""
        return _shared_values(self.context)

    def echo(self, published: Values) -> dict[str, Any]:
        """Return the context of the answer: as it came, with what has been published here since the last one."""
        rest = {key: value for key, value in self.context.items() if key != SHARED_VALUES}
        return {**rest, SHARED_VALUES: published} if published else rest

    def call(self, timeout: float) -> StepCall:
        """Return the step for an actor."""
        return StepCall(
            type=self.step_type,
            text=self.step,
            role=self.process,
            table=self.table.table() if self.table else None,
            doc_string=DocString(self.doc_string.content, self.doc_string.media_type) if self.doc_string else None,
            broadcast=self.is_broadcast,
            timeout=timeout,
        )


class WireLog(_Wire):
    """One log line of a worker."""

    timestamp: Text = ""
    level: Annotated[int, BeforeValidator(_level)] = 2
    message: Text = ""


class UnderWay(_Wire):
    """What a worker has begun and not ended."""

    verb: str
    seconds: float


class WorkerDump(_Wire):
    """How a worker answers `dump`."""

    stacks: str
    requests: tuple[UnderWay, ...] = ()


class StepResponse(_Wire):
    """How a worker answers `executeStep`."""

    success: StrictBool
    error: Text = ""
    data: Details = Field(default_factory=dict)
    context: Details = Field(default_factory=dict)
    logs: Annotated[list[WireLog], BeforeValidator(_few)] = Field(default_factory=list)
    timeout: bool | None = None

    def cause(self) -> str:
        """Return the real cause of a failure: some workers say it only in their last log of level error."""
        if self.success:
            return ""
        last = next((log.message for log in reversed(self.logs) if log.level >= 4 and log.message), "")
        if not self.error or self.error == "Step execution failed":
            return last or self.error or "the worker gave no reason"
        return self.error

    def shared_values(self) -> Values:
        """Return what the worker's role has published."""
        return _shared_values(self.context)

    def declined(self) -> bool:
        """Return whether a worker of ours has the step and says that its implementation cannot do it."""
        return self.data.get("verdict") == Verdict.UNSUPPORTED.value

    def verdict(self) -> Verdict:
        """Return what the answer means."""
        if self.success:
            return Verdict.PASSED
        if (
            self.timeout
            or self.data.get("timeoutType") == STEP_TIMEOUT
            or self.error.startswith("Step execution timeout")
        ):
            return Verdict.TIMED_OUT
        if self.data.get("verdict") == Verdict.CRASHED.value:
            return Verdict.CRASHED
        return Verdict.UNSUPPORTED if self.declined() or self._missing() else Verdict.FAILED

    def outcome(self, seconds: float) -> StepOutcome:
        """Return the answer as the outcome of a step."""
        logs = tuple(LogRecord(log.timestamp, log.level, shown(log.message)) for log in self.logs)
        verdict = self.verdict()
        # A worker that says it in its log alone shall be heard there.
        error = self._missing() or self.cause() if verdict is Verdict.UNSUPPORTED else self.cause()
        attached = read_all(self.data.get(ATTACHMENTS))
        # What is of no such form is a word of others.
        data = self.data if attached is None else {k: v for k, v in self.data.items() if k != ATTACHMENTS}
        return StepOutcome(verdict, error, data, logs, seconds, attached or ())

    def _missing(self) -> str:
        """Return how a worker says that it has not got the step; empty if it does not."""
        said = (self.cause(), *(log.message for log in self.logs))
        return next((text for text in said if is_missing_step(text)), "")


class DiscoveredStep(_Wire):
    """One entry of a worker's catalogue; the type is free text in the field: `given`, `Given…`, `0`, `unknown`."""

    type: Text = "unknown"
    pattern: str

    def matches(self, text: str) -> bool:
        """Return whether the pattern, read as text or as a regular expression, is that of the sentence."""
        return self.pattern == text or _matches(self.pattern, text)

    def may_match(self, text: str) -> bool:
        """Return whether it matches, or would if its `{placeholders}` took any text."""
        return self.matches(text) or _matches(_regular(self.pattern), text)

    def answers_to(self, type_: StepType | None) -> bool:
        """Return whether it is announced for steps of a type; one that names no known type is for all."""
        named = self.type.strip().lower()
        known = [one for number, one in enumerate(_TYPES) if one in named or named == str(number)]
        return type_ is None or not known or type_ in known


class Discovery(_Wire):
    """A worker's catalogue."""

    steps: Annotated[list[DiscoveredStep], BeforeValidator(_sequence)] = Field(default_factory=list)
    capabilities: Annotated[dict[str, Any], BeforeValidator(_announced)] = Field(default_factory=dict)

    def able(self, capability: str) -> bool:
        """Return whether it announces a capability, in any casing."""
        wanted = without_case(capability)
        return any(without_case(name) == wanted and value for name, value in self.capabilities.items())

    def has(self, type_: StepType | None, text: str) -> bool:
        """Return whether it announces a sentence for steps of a type."""
        return any(step.matches(text) and step.answers_to(type_) for step in self.steps)

    def may_have(self, text: str) -> bool:
        """Return whether it announces what may be a sentence, whatever its type."""
        return any(step.may_match(text) for step in self.steps)


def _matches(pattern: str, text: str) -> bool:
    try:
        return patterns.found(pattern, text, whole=True) is not None
    except patterns.PatternError:
        return False


def _regular(pattern: str) -> str:
    """Return a pattern with placeholders as a regular expression."""
    pieces = with_placeholders(pattern)
    return "".join(re.escape(piece) if isinstance(piece, str) else piece.regex for piece in pieces)


def _shared_values(context: Mapping[str, Any]) -> Values:
    """Return what roles have published; what is not of that form is a word of others."""
    found = context.get(SHARED_VALUES)
    return {role: named for role, named in found.items() if isinstance(named, dict)} if isinstance(found, dict) else {}


def is_missing_step(text: str) -> bool:
    """Return whether a worker says, in whichever of the known ways, that it has not got a step."""
    return _MISSING_STEP.search(text) is not None


def parse(model: type[M], params: Any) -> M:
    """Read the parameters of a request.

    Raises:
        RpcError: Invalid params, naming each field that is wrong.
    """
    try:
        return model.model_validate(dict(jsonrpc.first_object(params)))
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, item['loc'])) or 'params'}: {item['msg']}" for item in error.errors())
        raise jsonrpc.RpcError(jsonrpc.INVALID_PARAMS, f"Invalid params: {problems}") from None


def initialize_params(scenario: ScenarioStart) -> dict[str, Any]:
    """Return exactly the keys that every known worker takes."""
    return {
        "Role": scenario.role,
        "Platform": scenario.platform,
        "Scenario": scenario.scenario,
        "HostPid": scenario.host_pid,
        "FeatureId": scenario.feature_id,
        "TestRunId": scenario.test_run_id,
    }


def capabilities_of(call: StepCall) -> list[str]:
    """Return what a worker must announce for a step to be sent to it."""
    return [name for name, part in ((TABLES, call.table), (DOC_STRINGS, call.doc_string)) if part is not None]


def step_params(call: StepCall, values: Values = MappingProxyType({})) -> dict[str, Any]:
    """Return a step as its parameters.

    Args:
        call: The step.
        values: What roles have published; only for a worker that announces to understand it.
    """
    params: dict[str, Any] = {
        "Process": call.role,
        "StepType": "and" if call.type is None else _TYPES.index(call.type),
        "Step": call.text,
        "Parameters": {},
        "Context": {SHARED_VALUES: values} if values else {},
        "IsBroadcast": call.broadcast,
    }
    if call.table is not None:
        params["Table"] = {"headers": list(call.table.headers), "rows": call.table.dicts()}
    if call.doc_string is not None:
        params["DocString"] = {"content": call.doc_string.content, "mediaType": call.doc_string.media_type}
    return params


def response_fields(
    outcome: StepOutcome,
    *,
    step: str = "",
    timeout: float = DEFAULT_TIMEOUT,
    context: Mapping[str, Any] = MappingProxyType({}),
) -> dict[str, Any]:
    """Return a step's outcome as the result of `executeStep`."""
    data = dict(outcome.data)
    if outcome.attachments:
        data[ATTACHMENTS] = [one.told for one in outcome.attachments]
    error: str | None = None
    match outcome.verdict:
        case Verdict.PASSED:
            pass
        case Verdict.TIMED_OUT:
            error = outcome.error
            if not error.startswith("Step execution timeout"):
                error = f"Step execution timeout: {error or f'no result within {timeout:g} s'}"
            elapsed = round((outcome.seconds or timeout) * 1000)
            data = {**data, "timeoutType": STEP_TIMEOUT, "timeoutMs": round(timeout * 1000), "elapsedMs": elapsed}
        case Verdict.UNSUPPORTED:
            error = outcome.error or "not supported"
        case Verdict.UNDEFINED if not _MISSING_STEP.search(outcome.error):
            error = f"{UNSUPPORTED_STEP} {step}" + (f" ({outcome.error})" if outcome.error else "")
        case _:
            error = outcome.error or f"the step ended as {outcome.verdict}"
    if outcome.verdict in {Verdict.UNSUPPORTED, Verdict.CRASHED}:
        data["verdict"] = outcome.verdict.value
    return {
        "success": outcome.verdict is Verdict.PASSED,
        "error": error if error is None else shown(error),
        "data": jsonable(data),
        "context": dict(context),
        "logs": _wire_logs(outcome.logs),
    }


def _wire_logs(logs: Sequence[LogRecord]) -> list[dict[str, Any]]:
    kept = excerpt(logs)
    return [{"timestamp": log.timestamp, "level": log.level, "message": shown(log.message)} for log in kept]
