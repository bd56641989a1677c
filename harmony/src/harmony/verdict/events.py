"""What happens during a run, as typed events. Whatever reports, subscribes to these."""

from __future__ import annotations

import json
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TextIO

import pydantic
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from harmony.attachments import Encoding
from harmony.errors import ConfigurationError
from harmony.logs import now
from harmony.model import NetworkEvent, NetworkKind, Phase, Verdict
from harmony.text import all_visible, jsonable

SCHEMA_VERSION: Final = 3
SCHEMA_FILE: Final = Path(__file__).with_name("events.schema.json")


class _Told(BaseModel):
    """What is told holds no text that a terminal obeys, or that a file cannot take, whoever said it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @pydantic.model_validator(mode="before")
    @classmethod
    def _visible(cls, value: Any) -> Any:
        return all_visible(value)


class _Event(_Told):
    at: str = Field(default_factory=now, description="Moment in UTC, ISO 8601.")


class RunStarted(_Event):
    """A run begins."""

    event: Literal["run-started"] = "run-started"
    schema_version: int = SCHEMA_VERSION
    seed: int
    project: str
    platforms: dict[str, str] = Field(
        default_factory=dict, description="Platform, and why it is not available; empty if it is."
    )
    machine: str = Field(default="", description="Processor, cores and system.")
    commit: str = Field(default="", description="Of the project; with `-dirty` if files differ from it. Empty if none.")
    versions: dict[str, str] = Field(
        default_factory=dict, description="By platform, the version that its command has printed, where it has one."
    )
    families: dict[str, str] = Field(
        default_factory=dict, description="By platform, a word that those have in common which share code."
    )


class PlannedCells(_Told):
    """The cells of a run that have the same pairing."""

    pairing: dict[str, str]
    cells: int
    scenarios: int = Field(description="How many scenarios have its roles.")


class RunPlanned(_Event):
    """It is known what will run."""

    event: Literal["run-planned"] = "run-planned"
    cells: int = Field(description="Cells of this run, or of this shard of it.")
    of: int = Field(description="Cells of all shards together.")
    digest: str = Field(description="Fingerprint of the cells of all shards: equal only if they divide one plan.")
    shard: str = Field(default="", description="Such as 2/5; empty if the run is not divided.")
    division: str = Field(default="", description="Fingerprint of the division: equal only if all parts are the same.")
    partial: list[str] = Field(default_factory=list, description="Why this is less than everything; empty if it is.")
    features: dict[str, int] = Field(
        default_factory=dict, description="By feature, in the order of the run, how many cells of this run it has."
    )
    pairings: list[PlannedCells] = Field(
        default_factory=list, description="How many cells each pairing has; of a run over pairings."
    )
    seconds: float = Field(
        default=0.0, description="What these cells took when they last passed, one after the other; 0 if nobody knows."
    )


class CellStarted(_Event):
    """A scenario begins with a pairing."""

    event: Literal["cell-started"] = "cell-started"
    cell: str
    scenario: str
    pairing: dict[str, str]
    seed: int


class CellGoesOn(_Event):
    """A cell has played for a while, and what its processes have written on stderr has changed."""

    event: Literal["cell-goes-on"] = "cell-goes-on"
    cell: str
    stderr: dict[str, list[str]] = Field(description="By role, the last lines; those of a process that runs.")


class StepStarted(_Event):
    """A step begins."""

    event: Literal["step-started"] = "step-started"
    cell: str
    step: str


class AttachmentTold(_Told):
    """What a step has attached."""

    name: str
    media_type: str
    size: int = Field(description="How many bytes it has.")
    encoding: Encoding = Field(default="text", description="How the body is written.")
    body: list[str] = Field(
        default_factory=list, description="It, in pieces to be joined; none if it was too large, or had no room."
    )

    @property
    def whole(self) -> str:
        """Its body, as it is encoded."""
        return "".join(self.body)


class ActorOutcome(_Told):
    """What one actor made of a step."""

    verdict: Verdict
    error: str = ""
    data: dict[str, Any] = Field(default_factory=dict)
    seconds: float = 0.0
    attachments: list[AttachmentTold] = Field(default_factory=list)


class StepFinished(_Event):
    """A step, or what surrounds the steps, has ended."""

    event: Literal["step-finished"] = "step-finished"
    cell: str
    phase: Phase
    step: str
    verdict: Verdict
    outcomes: dict[str, ActorOutcome]
    seconds: float
    argument: str = Field(default="", description="The data table or the doc string of the step.")


class StderrLine(_Told):
    """A line that a driver, a worker or a child of it has written on stderr."""

    at: str = Field(description="Moment in UTC at which it was read, ISO 8601.")
    text: str


class LogLine(StderrLine):
    """A line that an actor has logged."""

    level: str = Field(description="From trace to critical.")


class NetworkLine(_Told):
    """Something that was seen, or done, between two roles; or the step that began then."""

    at: str = Field(description="Moment in UTC, ISO 8601.")
    kind: NetworkKind
    text: str = Field(description="What it was, in one line.")
    link: str = Field(default="", description="The two roles; empty for a step.")
    connection: int = Field(default=0, description="Number of the connection on that link; 0 for all of them.")
    sender: str = Field(default="", description="The role that it came from; empty if from neither.")
    size: int = Field(default=0, description="How many bytes.")

    def __str__(self) -> str:
        """Return it as a line of a timeline."""
        return str(NetworkEvent(0, self.at, self.kind, self.text, self.link, self.connection, self.sender))


class CellFinished(_Event):
    """A scenario with a pairing has ended."""

    event: Literal["cell-finished"] = "cell-finished"
    cell: str
    number: str
    title: str
    feature: str
    pairing: dict[str, str]
    verdict: Verdict
    error: str = ""
    code: str = Field(default="", description="Canonical name of the cause, if it has one.")
    seconds: float
    seed: int
    repeat: str
    found: Verdict | None = Field(
        default=None, description="The verdict before an expectation changed it; absent if none did."
    )
    note: str = Field(default="", description="What the expectation says.")
    phase: Phase | None = Field(default=None, description="Which part of the cell the error is about.")
    step: str = Field(default="", description="The step that did not pass.")
    place: str = Field(default="", description="Its file and line.")
    by: list[str] = Field(default_factory=list, description="The roles whose part of that step did not pass.")
    timed_out: list[str] = Field(
        default_factory=list, description="The platforms that did not end something in time, whatever the verdict."
    )
    late: bool = Field(
        default=False, description="Whether it replaces the verdict given before: a worker has crashed since."
    )
    stderr: dict[str, list[StderrLine]] = Field(
        default_factory=dict, description="By role, what its processes have written there: head and tail."
    )
    network: list[NetworkLine] = Field(
        default_factory=list,
        description="Of a cell that has a report: what was seen and done between its roles, head and tail.",
    )
    alarms: list[str] = Field(
        default_factory=list,
        description="What of that is alarming, whatever the verdict: a sanitizer, a panic.",
    )
    tags: list[str] = Field(default_factory=list, description="Of the scenario, without @.")
    not_run: list[str] = Field(default_factory=list, description="The steps after the one that did not pass.")
    logs: dict[str, list[LogLine]] = Field(
        default_factory=dict, description="By role, head and tail of its log; of a cell that has a report."
    )
    recordings: dict[str, str] = Field(
        default_factory=dict, description="Of a red cell of a run with --record: by name, its files that are not large."
    )
    level: str = Field(
        default="", description="must, should, may or arguable, as the scenario says; empty if it says nothing."
    )
    clauses: list[str] = Field(default_factory=list, description="What the scenario cites of a written specification.")
    deviation: bool | None = Field(
        default=None,
        description="Whether a step found something otherwise than its sentence says, and nothing else went wrong; "
        "absent where files do not tell it.",
    )
    report: str = Field(default="", description="The whole report, with steps, logs and what repeats it.")

    @property
    def played(self) -> bool:
        """Whether it has begun to play: it was neither stopped nor known what would come of it."""
        return not (self.phase is Phase.RUN and self.verdict in {Verdict.NOT_RUN, Verdict.UNSUPPORTED})

    @property
    def said(self) -> str:
        """The first line of its error, or else its note."""
        return (self.error or self.note).partition("\n")[0]


class WorkerStarted(_Event):
    """A process that plays roles is ready."""

    event: Literal["worker-started"] = "worker-started"
    platform: str
    pid: int
    attached: bool = Field(default=False, description="Whether it ran already and is not ours to end.")
    implementation: str = Field(default="", description="As a driver introduces itself: the name of the library.")
    version: str = Field(default="", description="Its version.")
    language: str = Field(default="", description="Its language.")


class WorkerEnded(_Event):
    """A process that played roles has ended."""

    event: Literal["worker-ended"] = "worker-ended"
    platform: str
    pid: int
    how: str = Field(description="Exit status, signal, or 'left running'.")


class Support(StrEnum):
    """How a platform stands to a step, the gravest last."""

    HAS = "has"
    DECLINES = "declines"
    LACKS = "lacks"


class PlatformSupport(_Told):
    """What is known of one platform and one step."""

    state: Support = Field(
        description="has it; declines: has it, but its implementation cannot do it; lacks: has no such step."
    )
    cells: int = Field(default=0, description="How many cells that made unsupported.")
    words: str = Field(default="", description="How the platform said so.")


class StepSupport(_Event):
    """A step that some platform lacks, told at the end of a run."""

    event: Literal["step-support"] = "step-support"
    step: str = Field(description="The sentence without keyword and values.")
    platforms: dict[str, PlatformSupport] = Field(description="By platform; one that was never asked is absent.")


class ClauseEntry(_Told):
    """A clause of a written specification."""

    id: str
    level: str = Field(default="", description="must, should or may; empty if it is not normative, or not known.")
    text: str = Field(default="", description="Its name, or a few words.")
    scenarios: list[str] = Field(default_factory=list, description="Numbers or titles of those that cite it.")
    tests: list[str] = Field(default_factory=list, description="Files of other tests that it names.")


class SpecificationRead(_Event):
    """The clauses that scenarios may cite, told at the end of a run of a project that has some."""

    event: Literal["specification-read"] = "specification-read"
    document: str = Field(default="", description="Where they stand; empty if there are only citations.")
    clauses: list[ClauseEntry]


class RunFinished(_Event):
    """A run has ended."""

    event: Literal["run-finished"] = "run-finished"
    verdicts: dict[str, int]
    problems: list[str] = Field(default_factory=list, description="Stale, unmatched and expired expectations.")
    exit_code: int
    seconds: float


MOMENTARY: Final = (StepStarted, CellGoesOn)
"""What goes on at a moment; when that is over, other events tell all of it."""

Event = Annotated[
    RunStarted
    | RunPlanned
    | CellStarted
    | CellGoesOn
    | StepStarted
    | StepFinished
    | CellFinished
    | WorkerStarted
    | WorkerEnded
    | StepSupport
    | SpecificationRead
    | RunFinished,
    Field(discriminator="event"),
]
Subscriber = Callable[[Event], None]
ADAPTER: TypeAdapter[Event] = TypeAdapter(Event)


def encode_event(event: Event) -> str:
    """Return an event as one line of NDJSON."""
    return json.dumps(jsonable(event.model_dump()), separators=(",", ":"))


def decode_event(text: str) -> Event:
    """Read one line of NDJSON.

    Raises:
        pydantic.ValidationError: It is no event.
    """
    return ADAPTER.validate_json(text)


def read_file(file: Path) -> list[Event]:
    """Read what ``--events`` has written.

    Raises:
        ConfigurationError: It cannot be read, or a line is no event.
    """
    hint = "give a file that --events has written"
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{file}: {error}", hint=hint) from error
    events: list[Event] = []
    for number, text in enumerate(lines, 1):
        try:
            events.append(decode_event(text))
        except pydantic.ValidationError as error:
            said = error.errors()[0]["msg"]
            raise ConfigurationError(f"{file}:{number}: no event: {said}", hint=hint) from error
    return events


def schema() -> dict[str, Any]:
    """Return the JSON schema of all events."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "harmony events",
        **ADAPTER.json_schema(mode="serialization"),
    }


def schema_text() -> str:
    """Return the schema as the text of its file."""
    return json.dumps(schema(), indent=2) + "\n"


class Bus:
    """Tells every subscriber what happens, in the order in which they came.

    A subscriber that raises is told nothing more; the run goes on, and :attr:`failures` says what went wrong.
    """

    def __init__(self) -> None:
        self._subscribers: list[tuple[str, Subscriber]] = []
        self.failures: list[str] = []

    def subscribe(self, name: str, subscriber: Subscriber) -> None:
        """Add whoever wants to know; the name is for a person."""
        self._subscribers.append((name, subscriber))

    def publish(self, event: Event) -> None:
        """Tell everyone."""
        for entry in list(self._subscribers):
            name, subscriber = entry
            try:
                subscriber(event)
            except Exception as error:  # noqa: BLE001 - what reports must not decide how the run goes on
                self._subscribers.remove(entry)
                self.failures.append(f"{name}: {type(error).__name__}: {error}")


class EventFile:
    """A subscriber that writes NDJSON; each line reaches the file at once."""

    def __init__(self, file: Path) -> None:
        self._stream = self._opened(file)

    def __call__(self, event: Event) -> None:
        """Write one event."""
        self._stream.write(f"{encode_event(event)}\n")

    def go_on_in(self, file: Path) -> None:
        """Write into another file from now on."""
        self.close()
        self._stream = self._opened(file)

    def close(self) -> None:
        """Close the file."""
        self._stream.close()

    def _opened(self, file: Path) -> TextIO:
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            return file.open("w", encoding="utf-8", buffering=1)
        except OSError as error:
            raise ConfigurationError(f"--events: {error}", hint="name a file that can be written") from error
