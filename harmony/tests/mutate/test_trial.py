"""A trial plays the cells that it is told, in their order; how a campaign goes is told in lines."""

from __future__ import annotations

import json

import pytest

from bells import STEPS
from harmony.model import Verdict
from harmony.mutate.fault import Fault
from harmony.mutate.judgement import Judgement, Outcome
from harmony.mutate.progress import Progress
from harmony.mutate.trial import Heard
from harmony.verdict.events import RunFinished, RunPlanned
from sandbox import Sandbox
from synthetic_results import result

FEATURE = """
    Feature: Bells
      Scenario: 1.1 One
        Then the 'ear' process should hear 'it'

      Scenario: 1.2 Another
        Then the 'ear' process should hear 'it'

      Scenario: 1.3 A third
        Given the 'bell' process is struck
        Then the 'ear' process should hear 'it'
"""
SETTINGS = """
    steps = ["bell_steps"]
    [platforms.tin]
    command = ["{python}", "-m", "harmony", "serve"]
    lifetime = "session"
"""


def test_a_trial_plays_its_cells_in_its_order_and_no_others(sandbox: Sandbox) -> None:
    sandbox.write("harmony.toml", SETTINGS)
    sandbox.write("bell_steps.py", STEPS)
    sandbox.write("features/bells.feature", FEATURE)
    keys = ["1.3[bell=tin,ear=tin]", "1.1[ear=tin]"]
    sandbox.write("trial.json", json.dumps(dict.fromkeys(keys, 0.1)))
    done = sandbox.pytest("features", "--matrix", "--trial=trial.json", "--events=events.ndjson", "-p", "no:randomly")
    assert done.returncode == 0, done.stdout + done.stderr
    told = [json.loads(line) for line in (sandbox.directory / "events.ndjson").read_text("utf-8").splitlines()]
    ended = [(one["cell"], one["verdict"]) for one in told if one["event"] == "cell-finished"]
    assert ended == [(key, Verdict.PASSED) for key in keys]


@pytest.mark.parametrize(("wanted", "found"), [(None, []), (2, ["1.1[solo=tin]"])])
def test_a_deviation_of_any_level_shows_a_fault_and_says_nothing_before_there_is_one(
    wanted: int | None, found: list[str]
) -> None:
    """A fault whose only trace is a deviation from a should would be told as one that no scenario finds."""
    heard = Heard()
    for event in (
        RunPlanned(cells=2, of=2, digest=""),
        result("1.1[solo=tin]", Verdict.DEVIATES),
        result("1.2[solo=tin]"),
        RunFinished(verdicts={}, exit_code=0, seconds=1.0),
    ):
        heard(event)
    shown = heard.shown(0, {"tin"}, wanted, "")
    assert ([one.cell for one in shown.red], shown.trouble) == (found, "")


def test_where_there_is_no_terminal_counts_and_the_time_left_are_a_line_now_and_then() -> None:
    said: list[str] = []
    clock = iter([0.0, 600.0])
    progress = Progress(said.append, clock=lambda: next(clock))
    progress.begin(33, 3)
    fault = Fault("n", "constant", "a.py", 7, 0, 1, "1", "2", "x = 1")
    for number in range(10):
        outcome = Outcome.SURVIVED if number % 2 else Outcome.KILLED
        progress.judged(Judgement(fault, outcome, cell="1.1[ear=tin]", by_timeout=number == 0))
    assert said[:3] == [
        "3 of 33 faults are judged already",
        "   4/33 killed        0.0 s  n  a.py:7  1.1[ear=tin] (only a deadline)",
        "   5/33 SURVIVED      0.0 s  n  a.py:7",
    ]
    assert said[-1] == "13 of 33: 5 killed, 5 survived; about 20 min left"
