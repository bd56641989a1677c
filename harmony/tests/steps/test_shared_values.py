"""Values between the roles of a scenario: what goes in, what comes out, and what is said when it does not."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import Any

import pytest

from harmony.model import ScenarioStart
from harmony.steps.shared_values import SharedValueError, SharedValues
from harmony.values import ScenarioValues
from harmony.wire.step_contract import ExecuteStepParams, StepResponse

SERVER = ScenarioStart("server", "local", "1.1 x", 12, 34)


@dataclass(frozen=True)
class Address:
    host: str
    port: int
    since: dt.date


ADDRESS = Address("localhost", 5, dt.date(2020, 1, 2))


@pytest.fixture
def start() -> ScenarioStart:
    return replace(SERVER, values=ScenarioValues())


@pytest.fixture
def server(start: ScenarioStart) -> SharedValues:
    return SharedValues(start)


@pytest.fixture
def client(start: ScenarioStart) -> SharedValues:
    return SharedValues(replace(start, role="client"))


@pytest.mark.parametrize(
    ("value", "type_"),
    [("text", str), (7, int), (7, float), ([1, 2], list[int]), ((1, "a"), tuple[int, str]), (ADDRESS, Address)],
)
def test_what_one_role_publishes_another_reads_as_it_was(
    server: SharedValues, client: SharedValues, value: Any, type_: type[Any]
) -> None:
    server.publish("it", 0)
    server.publish("it", value)
    assert client.of("server", "it", type_) == value


def test_what_is_missing_is_said_with_what_is_there(server: SharedValues, client: SharedValues) -> None:
    with pytest.raises(SharedValueError, match="'server' has not published 'port'; published so far: nothing"):
        client.of("server", "port", int)
    server.publish("address", "x")
    client.publish("port", 5)
    with pytest.raises(SharedValueError, match=r"so far: 'port' of 'client', 'address' of 'server'") as missing:
        client.of("server", "port", int)
    assert "a step of 'server' before this one" in missing.value.hint


@pytest.mark.parametrize(("value", "type_"), [("5", int), (5, str), ({"host": "x"}, Address), ([1, "a"], list[int])])
def test_a_value_of_another_type_is_not_bent(
    server: SharedValues, client: SharedValues, value: Any, type_: type[Any]
) -> None:
    server.publish("it", value)
    with pytest.raises(SharedValueError, match=r"'it' of 'server' is .*, which is no (int|str|Address|list)"):
        client.of("server", "it", type_)


@pytest.mark.parametrize("value", [object(), b"\xff", {1: object()}])
def test_what_no_process_could_be_told_is_refused_in_every_mode(server: SharedValues, value: Any) -> None:
    with pytest.raises(SharedValueError, match="'it' of 'server' cannot be published"):
        server.publish("it", value)


def test_scenarios_share_nothing(server: SharedValues) -> None:
    server.publish("it", 1)
    with pytest.raises(SharedValueError):
        SharedValues(ScenarioStart("client", "local", "1.1 x", 12, 34)).of("server", "it", int)


def test_an_answer_tells_each_value_once_and_never_what_it_was_told() -> None:
    """What two roles were told at the same time must not undo what one of them publishes."""
    values = ScenarioValues()
    asked = ExecuteStepParams.model_validate(
        {"process": "a", "stepType": 1, "step": "s", "context": {"own": 1, "sharedValues": {"b": {"x": 1}}}}
    )
    values.learn(asked.shared_values())
    values.publish("a", "y", 2)
    told = StepResponse.model_validate({"success": True, "Context": asked.echo(values.take_untold())})
    assert told.context == {"own": 1, "sharedValues": {"a": {"y": 2}}}
    assert told.shared_values() == {"a": {"y": 2}}
    assert asked.echo(values.take_untold()) == {"own": 1}
    assert values.all() == {"a": {"y": 2}, "b": {"x": 1}}


@pytest.mark.parametrize("context", [None, {}, {"sharedValues": "theirs"}, {"sharedValues": {"a": 1}}])
def test_a_context_of_others_is_theirs(context: Any) -> None:
    assert StepResponse.model_validate({"success": True, "context": context}).shared_values() == {}
