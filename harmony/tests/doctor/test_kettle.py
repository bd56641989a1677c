"""The doctor with a subject of these tests."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest

from sandbox import Sandbox

SETTINGS: Final = """
[driver]
contract = "kettle.contract:CONTRACT"
checks = "kettle.checks:CHECKS"
[platforms.kettle]
contract = "driver"
lifetime = "session"
command = ["{{python}}", "-m", "kettle.program", "{fault}"]
"""


def findings(sandbox: Sandbox, fault: str, *only: str) -> dict[str, dict[str, Any]]:
    sandbox.write("harmony.toml", SETTINGS.format(fault=fault))
    words = [word for name in only for word in ("--only", name)]
    done = sandbox.harmony("doctor", "kettle", "--format", "json", *words)
    return {one["id"]: one for one in json.loads(done.stdout)["findings"]}


def test_checks_of_any_project_are_run_and_what_is_not_claimed_is_told(sandbox: Sandbox) -> None:
    found = findings(sandbox, "", "verb.boil", "verb.whistle", "errors.unclaimed", "requests", "end.killed")
    assert {name: one["verdict"] for name, one in found.items()} == {
        "verb.boil.passes.warms": "ok",
        "verb.boil.refuses.dry": "ok",
        "verb.whistle.passes.heard": "not claimed",
        "errors.unclaimed": "ok",
        "requests.health": "ok",
        "requests.dump": "ok",
        "requests.dump-waiting": "not told",
        "requests.at-once": "not told",
        "end.killed": "not told",
    }
    assert found["verb.whistle.passes.heard"]["because"] == "the driver does not claim whistle"


@pytest.mark.parametrize(
    ("fault", "check", "said"),
    [
        ("swapped", "handshake.layout", "tank.cups is at offset 4, expected 0"),
        ("old", "handshake.version", "seen '1.0', expected '2.1'"),
        ("prints", "wire.stdout", "the water is hot"),
        ("twice", "wire.answers", "a second or late answer"),
        ("unknown-code", "verb.boil.refuses.dry", "'thirsty'"),
        ("ill-typed", "verb.boil.passes.warms", "valid number"),
        ("dies", "verb.boil.passes.warms", "out of gas"),
        ("spills", "end.reset", "the lid is stuck"),
    ],
)
def test_a_fault_of_any_driver_is_found(sandbox: Sandbox, fault: str, check: str, said: str) -> None:
    found = findings(sandbox, fault, check)
    assert found[check]["verdict"] == "wrong"
    assert said in "\n".join(found[check]["wrong"])
