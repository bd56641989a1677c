"""What is known to fail is waited for less long, and is what it is all the same."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sandbox import Sandbox

FEATURE = """
Feature: Tea
  Scenario: 1.1 Nobody knows
    Then the 'host' process waits in vain

  Scenario: 1.2 It is expected
    Then the 'host' process waits in vain

  @express
  Scenario: 1.3 It is not claimed
    Then the 'host' process waits in vain

  Scenario: 1.4 At times
    Then the 'host' process waits in vain

  @express
  Scenario: 1.5 It is not claimed here either
    Then the 'host' process waits in vain
"""
STEPS = """
from harmony import ScenarioStart, parsers, step

class Waiting:
    def __init__(self, start: ScenarioStart) -> None:
        self._start = start

    @step(parsers.re(r"the '[^']+' process waits in vain"))
    def waits(self) -> None:
        raise AssertionError(f"nothing came within {self._start.patience(6):g} s")
"""
SETTINGS = """
steps = ["waiting_steps"]
capabilities = ["express"]
{more}
[tags]
express = "quickly"
[driver]
contract = "kettle.contract:CONTRACT"
[platforms.good]
contract = "driver"
command = ["{{python}}", "-m", "kettle.program", ""]
"""
EXPECTED = """
[[expect]]
scenario = "1.2"
platform = "good"
reason = "it has no bell"
[[expect]]
scenario = "1.4"
platform = "good"
sometimes = true
expires = 2999-01-01
reason = "its bell is stuck at times"
"""
ENDS = {"1.1": "failed", "1.2": "known-failure", "1.3": "unsupported", "1.4": "known-failure", "1.5": "unsupported"}


@pytest.mark.parametrize(
    ("more", "hurried"), [("", {"1.2", "1.3"}), ("patience = 0\nfuse = 0", set())], ids=["", "patient"]
)
def test_only_who_is_known_to_fail_is_hurried(sandbox: Sandbox, more: str, hurried: set[str]) -> None:
    """Else a slow implementation would be red, or a stale expectation would stay unseen.

    What is not claimed is played once, where the fuse may stop anybody, and always where it may not.
    """
    sandbox.write("features/tea.feature", FEATURE)
    sandbox.write("waiting_steps.py", STEPS)
    sandbox.write("expectations.toml", EXPECTED)
    sandbox.write("harmony.toml", SETTINGS.format(more=more))
    events = Path(sandbox.directory, "events.ndjson")
    done = sandbox.pytest("-q", "-p", "no:cacheprovider", "--pairing", "good", "--events", str(events))
    told = [json.loads(line) for line in events.read_text("utf-8").splitlines()]
    cells = {one["number"]: one for one in told if one["event"] == "cell-finished"}
    assert {number: one["verdict"] for number, one in cells.items()} == ENDS, done.stdout + done.stderr
    waited = {number: "within 2 s" in one["error"] for number, one in cells.items()}
    assert waited == {number: number in hurried for number in ENDS}
    believed = "not played: 1.3[host=good] has shown what is lacking"
    assert (cells["1.5"]["error"] == believed) is bool(hurried)
    assert cells["1.5"]["note"] == cells["1.3"]["note"] == "not claimed: good: express"
