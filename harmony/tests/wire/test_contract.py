"""A driver contract as data: what is read off its methods, what it accepts, and what is published of it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import jsonschema
import pytest

from harmony.wire.contract_text import json_schema, markdown
from harmony.wire.driver import GRACE, client_of
from harmony.wire.driver_contract import HandshakeError, Identity, Structure, layout_differences
from harmony.wire.verb import Carrier
from kettle.contract import CONTRACT as KETTLE
from kettle.contract import Kettle
from new_drivers.contracts import JUKEBOX

LAYOUT = JUKEBOX.layout


def identity(**changes: Any) -> dict[str, Any]:
    return {
        "protocol": JUKEBOX.version,
        "language": "c",
        "implementation": "x",
        "version": "1",
        "pid": 7,
        "capabilities": [],
        "layout": {name: structure.model_dump(mode="json") for name, structure in LAYOUT.items()},
        **changes,
    }


def moved(**fields: tuple[int, int] | None) -> dict[str, Structure]:
    before = LAYOUT["slot"]
    after = {name: extent for name, extent in {**before.fields, **fields}.items() if extent is not None}
    return {**LAYOUT, "slot": Structure(size=before.size, fields=after)}


def test_a_contract_is_read_off_the_methods() -> None:
    assert list(KETTLE.verbs) == ["hello", "health", "dump", "boil", "whistle", "pour_out"]
    assert KETTLE.verbs["whistle"].needs == "whistle"
    assert KETTLE.verbs["boil"].summary == "Heat the water; returns the degrees on the way."
    assert KETTLE.verbs["boil"].parameters == ("cups", "timeout")


@pytest.mark.parametrize(
    ("name", "answer", "problem"),
    [
        ("health", "true", "boolean"),
        ("select", "a", "array"),
        ("select", ["a", 1], "string"),
        ("describe", [0.5], "integer"),
        ("balk", 1, "null"),
        ("match", {"title": "t", "notes": [], "loud": True}, "key"),
        ("match", {"title": "t", "notes": [], "loud": True, "key": "flat"}, "major"),
        (
            "match",
            {"title": "t", "notes": [], "loud": True, "key": "minor", "more": 1},
            "more: the contract knows no such",
        ),
        ("hello", identity(pid=0), "pid"),
        ("dump", {"requests": [{"id": 1, "verb": "wait"}], "threads": []}, "requests.0.seconds"),
    ],
)
def test_a_wrong_answer_is_named(name: str, answer: Any, problem: str) -> None:
    found = JUKEBOX.verbs[name].problems(answer)
    assert any(problem in one for one in found), found


@pytest.mark.parametrize(
    ("code", "data", "problem"),
    [
        (-32000, {"code": "jammed", "details": {}}, None),
        (-32000, {"code": "Jammed", "details": {}}, "no canonical code"),
        (-32000, None, "data"),
        (-32000, {"code": "jammed", "details": [], "more": 1}, "details"),
        (-1, {"code": "jammed"}, "instead of -32000"),
    ],
)
def test_a_wrong_error_is_named(code: int, data: Any, problem: str | None) -> None:
    found = JUKEBOX.error_problems(code, data)
    assert not found if problem is None else any(problem in one for one in found)


@pytest.mark.parametrize(
    ("layout", "named"),
    [
        (moved(half=(24, 2), total=(26, 8)), ["slot.half", "slot.total"]),
        (moved(coins=(4, 2)), ["slot.coins has 2 bytes"]),
        (moved(kind=None), ["slot.kind is missing"]),
        ({"slot": LAYOUT["slot"]}, ["'tight' is missing"]),
        ({**LAYOUT, "tight": Structure(size=16, fields=LAYOUT["tight"].fields)}, ["tight has 16 bytes"]),
    ],
)
def test_a_layout_that_differs_is_refused_by_name(layout: Mapping[str, Structure], named: list[str]) -> None:
    text = "; ".join(layout_differences(LAYOUT, layout))
    assert all(name in text for name in named), text
    who = Identity.model_validate(identity(layout={name: one.model_dump() for name, one in layout.items()}))
    with pytest.raises(HandshakeError, match=named[0]):
        JUKEBOX.check_identity(who)


def test_another_major_version_is_refused() -> None:
    JUKEBOX.check_identity(Identity.model_validate(identity(protocol="3.9")))
    with pytest.raises(HandshakeError, match=r"speaks contract 4\.0"):
        JUKEBOX.check_identity(Identity.model_validate(identity(protocol="4.0")))


def test_a_layout_may_hold_more_than_is_asked() -> None:
    assert not list(layout_differences(LAYOUT, {**LAYOUT, "own": Structure(size=1, fields={})}))


@pytest.mark.parametrize("contract", [JUKEBOX, KETTLE], ids=lambda one: one.name)
def test_the_schema_is_a_schema(contract: Any) -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema(contract))


def test_the_schema_judges_messages() -> None:
    validator = jsonschema.Draft202012Validator(json_schema(KETTLE))
    ask = {"jsonrpc": "2.0", "id": 1, "method": "boil", "params": [{"cups": 1, "timeout": 1.0}]}
    assert validator.is_valid(ask)
    assert not validator.is_valid({**ask, "method": "unheard_of"})
    assert not validator.is_valid({**ask, "params": [{"cups": 1}]})


def test_the_documentation_names_everything() -> None:
    text = markdown(KETTLE, GRACE)
    assert "| `boil` | `cups` | [number, …] | Heat the water" in text
    assert "`dry` no water" in text
    text = markdown(JUKEBOX, GRACE)
    assert all(f"`{name}`" in text for name in [*JUKEBOX.verbs, *JUKEBOX.codes, *JUKEBOX.layout["slot"].fields])


def test_the_port_of_another_subject_works() -> None:
    class Fake(Carrier):
        async def call(self, verb: str, params: Mapping[str, Any], timeout: float) -> Any:
            assert (verb, params, timeout) == ("boil", {"cups": 2, "timeout": 1.0}, 1.0)
            return [20.0, 100.0]

        async def end(self) -> None:
            raise AssertionError

    assert asyncio.run(client_of(Kettle, Fake()).boil(2)) == [20.0, 100.0]
