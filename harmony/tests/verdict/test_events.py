"""Events: their schema, their lines, and who hears them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import get_args

import pydantic
import pytest

from harmony.errors import ConfigurationError
from harmony.model import Verdict
from harmony.verdict.events import (
    SCHEMA_FILE,
    ActorOutcome,
    Bus,
    CellGoesOn,
    CellStarted,
    ClauseEntry,
    Event,
    EventFile,
    PlatformSupport,
    RunFinished,
    RunPlanned,
    RunStarted,
    SpecificationRead,
    StepFinished,
    StepStarted,
    StepSupport,
    Support,
    WorkerEnded,
    WorkerStarted,
    decode_event,
    encode_event,
    read_file,
    schema,
    schema_text,
)
from synthetic_results import result

EVENTS: list[Event] = [
    RunStarted(seed=1, project="harmony.toml", platforms={"cpp": "not built"}),
    RunPlanned(cells=1, of=2, digest="abc", shard="1/2", partial=["1 of 2"]),
    WorkerStarted(platform="cpp", pid=5),
    CellStarted(cell="1.1[a=x]", scenario="1.1 A", pairing={"a": "x"}, seed=3),
    CellGoesOn(cell="1.1[a=x]", stderr={"a": ["waits"]}),
    StepStarted(cell="1.1[a=x]", step="Given b"),
    StepFinished(
        cell="1.1[a=x]",
        phase="step",
        step="Given b",
        verdict=Verdict.FAILED,
        outcomes={"a": ActorOutcome(verdict=Verdict.FAILED, error="é\n", data={"sizes": [1, 2]})},
        seconds=0.5,
    ),
    result(verdict=Verdict.KNOWN_FAILURE, found=Verdict.FAILED),
    WorkerEnded(platform="cpp", pid=5, how="exit 0"),
    StepSupport(
        step="b",
        platforms={
            "x": PlatformSupport(state=Support.LACKS, cells=2, words="none"),
            "y": PlatformSupport(state=Support.HAS),
        },
    ),
    SpecificationRead(document="clauses.toml", clauses=[ClauseEntry(id="3.2", level="must", scenarios=["1.1"])]),
    RunFinished(verdicts={"passed": 1}, problems=[], exit_code=0, seconds=1.0),
]


def test_the_published_schema_is_that_of_the_code() -> None:
    hint = "run: python -m harmony events --schema > src/harmony/verdict/events.schema.json"
    assert SCHEMA_FILE.read_text("utf-8") == schema_text(), hint


def test_the_schema_names_every_kind_of_event() -> None:
    kinds = {kind.model_fields["event"].default for kind in get_args(get_args(Event)[0])}
    assert kinds == {event.event for event in EVENTS}
    assert kinds == set(schema()["discriminator"]["mapping"])


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.event)
def test_an_event_is_one_line_and_comes_back(event: Event) -> None:
    text = encode_event(event)
    assert "\n" not in text
    assert decode_event(text) == event


@pytest.mark.parametrize(
    "text",
    ['{"event":"nobody-knows"}', '{"event":"step-started","cell":"a","step":"b","more":1}', "[]", '{"event":'],
)
def test_what_is_no_event_is_refused(text: str) -> None:
    with pytest.raises(pydantic.ValidationError):
        decode_event(text)


def test_events_cannot_be_changed() -> None:
    with pytest.raises(pydantic.ValidationError):
        EVENTS[0].at = "never"


def test_data_that_json_cannot_carry_is_described() -> None:
    strange = {"bytes": b"123", "nan": float("nan"), "object": object()}
    event = StepFinished(
        cell="c",
        phase="step",
        step="s",
        verdict=Verdict.FAILED,
        outcomes={"a": ActorOutcome(verdict=Verdict.FAILED, data=strange)},
        seconds=0,
    )
    back = json.loads(encode_event(event))["outcomes"]["a"]["data"]
    assert back["bytes"] == "<3 bytes>"
    assert back["nan"] == "nan"
    assert isinstance(back["object"], str)


def test_a_subscriber_that_raises_disturbs_nobody_and_is_named() -> None:
    bus = Bus()
    before: list[str] = []
    after: list[str] = []

    def broken(event: Event) -> None:
        raise OSError(f"disk full at {event.event}")

    bus.subscribe("before", lambda event: before.append(event.event))
    bus.subscribe("broken", broken)
    bus.subscribe("after", lambda event: after.append(event.event))
    for event in EVENTS:
        bus.publish(event)
    assert before == after == [event.event for event in EVENTS]
    assert bus.failures == ["broken: OSError: disk full at run-started"]


def test_the_file_holds_one_event_a_line_at_once(tmp_path: Path) -> None:
    file = tmp_path / "new" / "events.ndjson"
    write = EventFile(file)
    try:
        for number, event in enumerate(EVENTS, 1):
            write(event)
            assert len(read_file(file)) == number
    finally:
        write.close()
    assert read_file(file) == EVENTS


def test_a_wrong_file_is_named_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "events.ndjson"
    file.write_text(f"{encode_event(EVENTS[0])}\nnonsense\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"events\.ndjson:2: no event"):
        read_file(file)
    with pytest.raises(ConfigurationError, match="No such file"):
        read_file(tmp_path / "absent")
    with pytest.raises(ConfigurationError, match="--events"):
        EventFile(tmp_path)
