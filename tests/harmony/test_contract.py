"""The contract of this project as data: what it accepts, what it names, and what is published of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from harmony import HandshakeError, HarmonyError, Identity, Structure
from harmony.wire.contract_text import json_schema, markdown
from harmony.wire.driver_contract import layout_differences
from step_definitions.contract_terms import LAYOUT
from step_definitions.port import CONTRACT, FrameInfo

ROOT = Path(__file__).resolve().parents[2]


def identity(**changes: Any) -> dict[str, Any]:
    layout = {name: structure.model_dump(mode="json") for name, structure in LAYOUT.items()}
    return {
        "protocol": CONTRACT.version,
        "language": "c",
        "implementation": "x",
        "version": "1",
        "pid": 7,
        "capabilities": [],
        "layout": layout,
        **changes,
    }


def moved(structure: str, **fields: tuple[int, int] | None) -> dict[str, Structure]:
    before = LAYOUT[structure]
    after = {name: extent for name, extent in {**before.fields, **fields}.items() if extent is not None}
    return {**LAYOUT, structure: Structure(size=before.size, fields=after)}


@pytest.mark.parametrize(
    ("name", "answer", "problem"),
    [
        ("health", "true", "boolean"),
        ("create", 0, "greater than or equal to 1"),
        ("create", None, "integer"),
        ("create", "1", "integer"),
        ("close", 1, "null"),
        ("read", {"frame": 1, "sequence": 1, "size": 5}, "digest"),
        ("read", {"frame": 1, "sequence": 1, "size": 5, "digest": 1 << 32}, "digest"),
        ("read", {"frame": 1, "sequence": 1, "size": 5, "digest": 1, "extra": 1}, "extra: the contract knows no such"),
        ("write", {"frames": 1, "bytes": 1, "first": 1, "last": 1}, "breaks: this key is missing"),
        ("write", {"frames": -1, "bytes": 1, "first": 1, "last": 1}, "frames"),
        ("peek", "0g", "pattern"),
        ("ping", [0.1, "x"], "1"),
        ("hello", identity(pid=0), "pid"),
        ("hello", identity(secret=1), "secret"),
        ("dump", {"requests": [{"id": 1, "verb": "read"}], "threads": []}, "requests.0.seconds"),
        ("dump", {"requests": [], "threads": [{"name": "a", "stack": "", "x": 1}]}, "threads[0].x"),
    ],
)
def test_a_wrong_answer_is_named(name: str, answer: Any, problem: str) -> None:
    found = CONTRACT.verbs[name].problems(answer)
    assert any(problem in one for one in found), found


def test_without_strictness_what_does_not_matter_is_let_through() -> None:
    read = CONTRACT.verbs["read"]
    assert read.value({"frame": 1, "sequence": 1, "size": 5, "digest": 1, "extra": 1}) == FrameInfo(1, 1, 5, 1)
    with pytest.raises(HarmonyError, match="digest: Field required"):
        read.value({"frame": 1, "sequence": 1, "size": 5})


@pytest.mark.parametrize(
    ("code", "data", "problem"),
    [
        (-32000, {"code": "timeout", "details": {}}, None),
        (-32000, {"code": "timeout"}, None),
        (-32000, {"code": "Timeout", "details": {}}, "no canonical code"),
        (-32000, None, "data"),
        (-32000, {"code": "timeout", "details": [], "more": 1}, "details"),
        (-32000, {"code": "timeout", "more": 1}, "data.more"),
        (-1, {"code": "timeout"}, "instead of -32000"),
    ],
)
def test_a_wrong_error_is_named(code: int, data: Any, problem: str | None) -> None:
    found = CONTRACT.error_problems(code, data)
    assert not found if problem is None else any(problem in one for one in found)


@pytest.mark.parametrize(
    ("layout", "named"),
    [
        (moved("oieb", payload_write_pos=(56, 8), payload_read_pos=(48, 8)), ["payload_write_pos", "payload_read_pos"]),
        (moved("oieb", writer_pid=(80, 4)), ["oieb.writer_pid has 4 bytes"]),
        (moved("oieb", reader_pid=None), ["oieb.reader_pid is missing"]),
        ({"oieb": LAYOUT["oieb"]}, ["'frame' is missing"]),
        ({**LAYOUT, "frame": Structure(size=24, fields=LAYOUT["frame"].fields)}, ["frame has 24 bytes"]),
    ],
)
def test_a_layout_that_differs_is_refused_by_name(layout: Mapping[str, Structure], named: list[str]) -> None:
    text = "; ".join(layout_differences(LAYOUT, layout))
    assert all(name in text for name in named)
    who = Identity.model_validate(identity(layout={name: one.model_dump() for name, one in layout.items()}))
    with pytest.raises(HandshakeError, match=named[0].replace("[", "\\[")):
        CONTRACT.check_identity(who)


def test_another_major_version_is_refused() -> None:
    CONTRACT.check_identity(Identity.model_validate(identity(protocol="1.9")))
    with pytest.raises(HandshakeError, match=r"speaks contract 2\.0"):
        CONTRACT.check_identity(Identity.model_validate(identity(protocol="2.0")))


def test_a_layout_may_hold_more_than_is_asked() -> None:
    assert not list(layout_differences(LAYOUT, {**LAYOUT, "own": Structure(size=1, fields={})}))


def test_the_schema_is_a_schema_and_judges_messages() -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema(CONTRACT))
    validator = jsonschema.Draft202012Validator(json_schema(CONTRACT))
    ask = {"jsonrpc": "2.0", "id": 1, "method": "connect", "params": [{"name": "x", "timeout": 1.0}]}
    assert validator.is_valid(ask)
    assert validator.is_valid({"jsonrpc": "2.0", "id": 1, "result": None})
    refusal = {"code": -32000, "message": "no", "data": {"code": "timeout", "details": {}}}
    assert validator.is_valid({"jsonrpc": "2.0", "id": 1, "error": refusal})
    assert not validator.is_valid({**ask, "method": "unheard_of"})
    assert not validator.is_valid({**ask, "params": [{"name": "x"}]})
    assert not validator.is_valid({"jsonrpc": "2.0", "id": 1, "error": {**refusal, "data": {"code": "no"}}})


@pytest.mark.parametrize("name", sorted(CONTRACT.verbs))
def test_the_schema_and_the_models_agree(name: str) -> None:
    schema = json_schema(CONTRACT)
    part = jsonschema.Draft202012Validator({**schema["$defs"][f"{name}.result"], "$defs": schema["$defs"]})
    good = {
        "read": {"frame": 1, "sequence": 1, "size": 5, "digest": 1},
        "dump": {"requests": [], "threads": []},
        "hello": identity(),
        "health": True,
        "peek": "00ff",
        "ping": [0.5],
    }
    kinds = [*good.values(), None, 0, 1, "zz", {"size": 1, "digest": 2}, {"requests": 1, "refused_changes": 0}]
    for value in kinds:
        assert part.is_valid(value) == (not CONTRACT.verbs[name].problems(value)), value


def test_what_is_published_is_what_the_contract_says() -> None:
    published = json.loads((ROOT / "zerobuffer" / "driver.schema.json").read_text("utf-8"))
    assert published == json_schema(CONTRACT), "run `harmony contract --write`"
    assert (ROOT / "docs" / "contract.md").read_text("utf-8") == markdown(CONTRACT, 5.0), (
        "run `harmony contract --write`"
    )


def test_the_documentation_names_everything() -> None:
    text = markdown(CONTRACT, 5.0)
    assert all(f"`{name}`" in text for name in [*CONTRACT.verbs, *CONTRACT.codes, *LAYOUT["oieb"].fields])
