"""What everything here speaks of: steps, verdicts, outcomes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from harmony.attachments import Attachment
from harmony.text import shown
from harmony.values import ScenarioValues


class StepType(StrEnum):
    """The kind of a step, with And/But already resolved to the kind before them."""

    GIVEN = "given"
    WHEN = "when"
    THEN = "then"


@dataclass(frozen=True, slots=True)
class DataTable:
    """A Gherkin data table: a header row and the rows under it.

    Example:
        >>> DataTable(("key", "value"), (("colour", "blue"), ("size", "3"))).dicts()
        [{'key': 'colour', 'value': 'blue'}, {'key': 'size', 'value': '3'}]
    """

    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def dicts(self) -> list[dict[str, str]]:
        """Return each row as a mapping from header to cell."""
        return [dict(zip(self.headers, row, strict=True)) for row in self.rows]


@dataclass(frozen=True, slots=True)
class DocString:
    """A Gherkin doc string."""

    content: str
    media_type: str = ""


@dataclass(frozen=True, slots=True)
class StepCall:
    """One sentence for one actor.

    Attributes:
        type: Given, When or Then; ``None`` where an orchestrator leaves open which.
        text: The sentence without keyword, with the role it names.
        role: The role it was routed to.
        table: Its data table, if it has one.
        doc_string: Its doc string, if it has one.
        broadcast: Whether the same sentence goes to every role at once.
        timeout: Seconds the actor may take.
    """

    type: StepType | None
    text: str
    role: str
    table: DataTable | None = None
    doc_string: DocString | None = None
    broadcast: bool = False
    timeout: float = 30.0


@dataclass(frozen=True, slots=True)
class LogRecord:
    """A log line of an actor. Level 0 is trace, 5 is critical."""

    timestamp: str
    level: int
    message: str


class NetworkKind(StrEnum):
    """What was seen between two roles."""

    STEP = "step"
    OPENED = "opened"
    CONNECTED = "connected"
    REFUSED = "refused"
    PACKET = "packet"
    ENDED = "ended"
    RESET = "reset"
    FAULT = "fault"


@dataclass(frozen=True, slots=True)
class NetworkEvent:
    """Something that was seen, or done, between two roles; or the step that began then.

    Attributes:
        number: Of the event in its scenario, from 0 on.
        at: Moment in UTC, ISO 8601.
        kind: What it is.
        text: In one line, for a person.
        link: The two roles, such as ``client, server``; empty for a step.
        connection: Its number on this link, from 1 on; 0 for what is about all of them.
        sender: The role that it came from; empty where it came from neither.
        size: How many bytes.
        data: The first of them.
    """

    number: int
    at: str
    kind: NetworkKind
    text: str
    link: str = ""
    connection: int = 0
    sender: str = ""
    size: int = 0
    data: bytes = field(default=b"", repr=False)

    def __str__(self) -> str:
        """Return it as a line of a timeline."""
        if self.kind is NetworkKind.STEP:
            return self.text
        first, _, second = self.link.partition(", ")
        other = second if self.sender == first else first
        between = f"{self.sender} -> {other}" if self.sender else f"{first} -- {second}"
        number = f" #{self.connection}" if self.connection else ""
        said = f"{self.kind}: {self.text}" if self.kind is NetworkKind.FAULT else self.text
        return f"{between}{number}  {said}"


class Verdict(StrEnum):
    """How a step, a scenario or a cell ended."""

    PASSED = "passed"
    FAILED = "failed"
    ERRORED = "errored"
    CRASHED = "crashed"
    TIMED_OUT = "timed-out"
    UNSUPPORTED = "unsupported"
    UNDEFINED = "undefined"
    AMBIGUOUS = "ambiguous"
    KNOWN_FAILURE = "known-failure"
    DEVIATES = "deviates"
    UNEXPECTED_PASS = "unexpected-pass"  # noqa: S105 - a verdict, not a password
    FLAKY = "flaky"
    NOT_RUN = "not-run"


class Phase(StrEnum):
    """Which part of a cell a result is about; ``run`` is all of it."""

    START = "start"
    STEP = "step"
    SETTLE = "settle"
    FINISH = "finish"
    CLOSE = "close"
    LEAKS = "leaks"
    STDERR = "stderr"
    RUN = "run"
    CAPABILITIES = "capabilities"
    EXPECTATIONS = "expectations"
    LEVEL = "level"

    @property
    def judged(self) -> bool:
        """Whether it is no part of a run, but what is claimed or expected of it, or how much it weighs."""
        return self in {Phase.CAPABILITIES, Phase.EXPECTATIONS, Phase.LEVEL}


FAULT: Final = "fault"
"""In the data of an outcome: what failed is the step itself, or what is around it, whatever the implementation did."""


@dataclass(frozen=True, slots=True)
class StepOutcome:
    """What came of one step.

    Attributes:
        verdict: Usually passed, failed, timed-out, unsupported or crashed.
        error: The cause, for a person to act on; empty when passed. Bounded, and every character is visible.
        data: Structured details (expected and seen values, timeouts, codes).
        logs: What the actor logged during the step.
        seconds: How long it took.
        attachments: What it attached.
    """

    verdict: Verdict
    error: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    logs: Sequence[LogRecord] = ()
    seconds: float = 0.0
    attachments: Sequence[Attachment] = ()

    def __post_init__(self) -> None:
        """Keep of the error what can be told."""
        object.__setattr__(self, "error", shown(self.error))


class ProcessAction(StrEnum):
    """What a scenario may do to a process."""

    KILL = "kill"
    CRASH = "crash"
    SHUTDOWN = "shutdown"
    FREEZE = "freeze"
    THAW = "thaw"


@dataclass(frozen=True, slots=True)
class ScenarioStart:
    """What an actor learns before the first step of a scenario.

    Attributes:
        role: The role this actor plays.
        platform: The platform that plays it.
        scenario: The scenario's title.
        host_pid: First half of what makes names unique; a unique number, not necessarily a pid.
        feature_id: Second half.
        seed: Seed of everything random in this scenario.
        tags: Of the scenario, without ``@``.
        roles: All roles of the scenario, in alphabetical order.
        actions: What the scenario does to this role's process.
        strict: Whether every word of a driver must be as its contract says.
        known: Whether the scenario is known not to pass, by an expectation or as something is not claimed, or not to be
            red if it does not.
        values: What the roles of the scenario tell each other.
    """

    role: str
    platform: str
    scenario: str
    host_pid: int
    feature_id: int
    seed: int = 0
    tags: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    actions: tuple[ProcessAction, ...] = ()
    strict: bool = False
    known: bool = False
    values: ScenarioValues = field(default_factory=ScenarioValues, compare=False, repr=False)

    @property
    def test_run_id(self) -> str:
        """The suffix that the name of every object of this scenario carries."""
        return f"{self.host_pid}_{self.feature_id}"

    def patience(self, whole: float) -> float:
        """Return how long to wait for what must come: a third where the scenario is known not to pass, or not red.

        Args:
            whole: Seconds; many times what an implementation needs that does as it must.
        """
        return whole / 3 if self.known else whole
