"""The doctor asks a platform for what its roles have, and for nothing that others have."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest

from sandbox import Sandbox

SETTINGS: Final = """
steps = ["table"]
[driver]
contract = "table:CONTRACT"
checks = "table:CHECKS"
reference = "set"
scenario = "1.1"
[platforms.set]
contract = "driver"
command = ["{python}", "set.py"]
[platforms.cup]
contract = "driver"
plays = ["cup"]
command = ["{python}", "cup.py"]
[platforms.jug]
contract = "driver"
plays = ["jug", "bowl"]
command = ["{python}", "jug.py"]
"""
FEATURE: Final = """
Feature: Tea
  Scenario: 1.1 It is poured
    When the 'jug' process pours
    Then the 'cup' process is drunk from
"""
TABLE: Final = """
from typing import Protocol
from harmony import Contract, Driver, parsers, step, verb
from harmony.doctor import CheckContext, DriverChecks, driver_check, refusal

class Table(Driver, Protocol):
    @verb(roles=["jug"])
    async def pour(self, millilitres: int) -> None:
        \"\"\"Pour.\"\"\"
        ...
    @verb(roles=["cup"])
    async def drink(self, millilitres: int) -> None:
        \"\"\"Drink.\"\"\"
        ...

async def nothing(context: CheckContext) -> None:
    \"\"\"All is well.\"\"\"

CONTRACT = Contract("Table", "1.0", Table)
CHECKS = DriverChecks((
    driver_check("pour", "hot", "it is hot", why="Tea.")(nothing),
    driver_check("drink", "slowly", "it can be drunk", why="Tea.")(nothing),
    refusal("pour", "empty", "an empty jug is told", why="Tea.", role="bowl")(nothing),
    driver_check("hello", "cup", "cups say hello", why="Manners.", role="cup")(nothing),
))

class Steps:
    def __init__(self, driver: Table) -> None:
        self._driver = driver

    @step(parsers.re(r"the '[^']+' process pours"))
    async def pours(self) -> None:
        \"\"\"Pour a sip.\"\"\"
        await self._driver.pour(20)

    @step(parsers.re(r"the '[^']+' process is drunk from"))
    async def drinks(self) -> None:
        \"\"\"Drink it.\"\"\"
        await self._driver.drink(20)
"""
PROGRAM: Final = """
from harmony.driver_kit import serve

class Verbs:
    def {verb}(self, millilitres: int) -> None:
        pass

    def close_all(self) -> None:
        pass

serve(Verbs(), name="a {verb}", protocol="1.0")
"""


@pytest.fixture
def project(sandbox: Sandbox) -> Sandbox:
    sandbox.write("harmony.toml", SETTINGS)
    sandbox.write("features/tea.feature", FEATURE)
    sandbox.write("table.py", TABLE)
    both = PROGRAM.replace(
        "    def {verb}", "    def drink(self, millilitres: int) -> None:\n        pass\n\n    def {verb}"
    )
    for name, verb, program in (("cup", "drink", PROGRAM), ("jug", "pour", PROGRAM), ("set", "pour", both)):
        sandbox.write(f"{name}.py", program.format(verb=verb))
    return sandbox


def findings(project: Sandbox, *words: str) -> dict[str, dict[str, Any]]:
    only = ("--only", "verb.*.*.*", "--only", "errors.missing-parameter", "--only", "scenario")
    done = project.harmony("doctor", *words, "--format", "json", *only)
    found = {one["id"]: one for one in json.loads(done.stdout)["findings"]}
    return {name: one for name, one in found.items() if "ill-typed" not in name and ".health." not in name}


@pytest.mark.parametrize(
    ("words", "own"),
    [
        (["cup"], {"verb.hello.passes.cup", "verb.drink.passes.slowly", "scenario.as-cup"}),
        (["jug"], {"verb.pour.passes.hot", "verb.pour.refuses.empty", "scenario.as-jug"}),
        (["jug", "--role", "jug"], {"verb.pour.passes.hot", "scenario.as-jug"}),
    ],
    ids=["one role", "two roles", "one of two roles"],
)
def test_each_is_asked_for_what_its_roles_have(project: Sandbox, words: list[str], own: set[str]) -> None:
    """Else a broker is wrong for not being a client, and no check of a scenario selects anything."""
    found = findings(project, *words)
    common = {"verb.hello.passes.again", "verb.dump.passes.threads", "errors.missing-parameter"}
    assert found.keys() == own | common
    assert {name: one["wrong"] for name, one in found.items() if one["verdict"] != "ok"} == {}


def test_who_plays_all_is_asked_for_all(project: Sandbox) -> None:
    project.write("set.py", PROGRAM.format(verb="pour"))
    found = findings(project, "set")["errors.missing-parameter"]
    assert (found["verdict"], found["wrong"]) == ("wrong", ["it has not got the verbs drink"])
