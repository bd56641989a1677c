"""What happens during a run, as typed events. Whatever reports, subscribes to these."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from harmony.actor import Verdict
from harmony.step_contract import jsonable, now

SCHEMA_VERSION = 1


class _Event(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    at: str = Field(default_factory=now, description="Moment in UTC, ISO 8601.")


class RunStarted(_Event):
    """A run begins."""

    event: Literal["run-started"] = "run-started"
    schema_version: int = SCHEMA_VERSION
    seed: int
    project: str
    platforms: dict[str, str] = Field(description="Platform, and why it is not available; empty if it is.")


class CellStarted(_Event):
    """A scenario begins with a pairing."""

    event: Literal["cell-started"] = "cell-started"
    cell: str
    scenario: str
    pairing: dict[str, str]
    seed: int


class ActorOutcome(BaseModel):
    """What one actor made of a step."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    verdict: Verdict
    error: str = ""
    data: dict[str, Any] = Field(default_factory=dict)
    seconds: float = 0.0


class StepFinished(_Event):
    """A step, or what surrounds the steps, has ended."""

    event: Literal["step-finished"] = "step-finished"
    cell: str
    phase: str
    step: str
    verdict: Verdict
    outcomes: dict[str, ActorOutcome]
    seconds: float


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
    seconds: float
    seed: int
    repeat: str


class RunFinished(_Event):
    """A run has ended."""

    event: Literal["run-finished"] = "run-finished"
    verdicts: dict[str, int]
    problems: list[str] = Field(default_factory=list, description="Stale, unmatched and expired expectations.")
    exit_code: int
    seconds: float


Event = Annotated[RunStarted | CellStarted | StepFinished | CellFinished | RunFinished, Field(discriminator="event")]
Subscriber = Callable[[Event], None]
ADAPTER: TypeAdapter[Event] = TypeAdapter(Event)


def line(event: Event) -> str:
    """Return an event as one line of NDJSON."""
    return json.dumps(jsonable(event.model_dump(mode="json")), separators=(",", ":"))


def read(text: str) -> Event:
    """Read one line of NDJSON."""
    return ADAPTER.validate_json(text)


def schema() -> dict[str, Any]:
    """Return the JSON schema of all events."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "harmony events",
        **ADAPTER.json_schema(),
    }
