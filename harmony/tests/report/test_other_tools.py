"""A run as other tools read it: JUnit, CTRF, Cucumber messages. None of them may take what is red for green."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from harmony.cli.run import _reports
from harmony.model import Phase, Verdict
from harmony.report.forms import FORMS
from harmony.report.outcome import Outcome
from harmony.verdict.events import Event
from harmony.verdict.verdicts import is_red
from of_every_verdict import ATTACHED, EVIL, a_run, of_every_verdict, stepped
from synthetic_results import result

GOOD = {"PASSED", "SKIPPED"}


def told(form: str, events: Sequence[Event]) -> str:
    return FORMS[form](Outcome.of({"run": events}), events)


def messages(events: Sequence[Event]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in told("cucumber", events).splitlines()]


def in_junit(events: Sequence[Event]) -> str:
    root = ET.fromstring(told("junit", events))
    (case,) = root.iter("testcase")
    kinds = {"failure": "red", "error": "red", "skipped": "skipped"}
    return next((kinds[one.tag] for one in case if one.tag in kinds), "passed")


def in_ctrf(events: Sequence[Event]) -> str:
    (test,) = json.loads(told("ctrf", events))["results"]["tests"]
    return str(test["status"]).replace("failed", "red")


def in_cucumber(events: Sequence[Event]) -> str:
    every = messages(events)
    seen = {one["testStepFinished"]["testStepResult"]["status"] for one in every if "testStepFinished" in one}
    assert every[-1]["testRunFinished"]["success"] is (seen <= GOOD)
    assert seen
    return "red" if seen - GOOD else "skipped" if "SKIPPED" in seen else "passed"


@pytest.mark.parametrize("verdict", Verdict)
@pytest.mark.parametrize("known", [True, False], ids=["steps", "no steps"])
def test_a_verdict_means_the_same_to_every_tool(verdict: Verdict, *, known: bool) -> None:
    """Also where the steps say something else: known to fail, crashed after the last of them, or not told at all."""
    cell = result(verdict=verdict)
    events = a_run([*stepped(cell), cell] if known else [cell])
    wanted = "passed" if verdict is Verdict.PASSED else "red" if is_red(verdict) else "skipped"
    assert (in_junit(events), in_ctrf(events), in_cucumber(events)) == (wanted, wanted, wanted)


def test_what_a_step_has_attached_stands_in_the_messages() -> None:
    """Whole, with the step that has attached it; what had no room is no message, as it would be an empty one."""
    told = [one["attachment"] for one in messages(of_every_verdict()) if "fileName" in one.get("attachment", {})]
    kinds = {(one["fileName"], one["mediaType"], one["contentEncoding"], one["body"]) for one in told}
    evil = ATTACHED[0]
    assert kinds == {(evil.name, "text/plain", "IDENTITY", evil.whole), ("raw", "image/png", "BASE64", "/wA=")}
    assert len(told) == 2 * 2 * len(Verdict)


def test_what_makes_a_run_red_beside_its_cells_is_red_everywhere() -> None:
    """An expectation that is not true, and a cell without a result."""
    for events in (a_run([result()], problems=["expectations.toml:3: stale"]), a_run([result()], of=2)):
        failures = ET.fromstring(told("junit", events)).get("failures")
        document = json.loads(told("ctrf", events))
        end = messages(events)[-1]["testRunFinished"]
        assert (failures, document["results"]["summary"]["failed"], end["success"]) == ("1", 1, False)
        assert "stale" in end["message"] or "have no result" in end["message"]


def test_a_late_verdict_has_the_steps_of_the_first() -> None:
    """A worker that crashed after its last cell: every step had passed."""
    cell = result()
    late = result(verdict=Verdict.CRASHED, late=True)
    events = a_run([*stepped(cell), cell, late])
    finished = [
        one["testStepFinished"]["testStepResult"]["status"] for one in messages(events) if "testStepFinished" in one
    ]
    assert finished == ["PASSED", "PASSED", "FAILED"]
    assert len(json.loads(told("ctrf", events))["results"]["tests"][0]["steps"]) == 2


def test_what_was_not_played_is_skipped_and_the_clean_up_has_its_place() -> None:
    cell = result(verdict=Verdict.FAILED, not_run=["Then it ends"], phase=Phase.LEAKS, step="")
    every = messages(a_run([*stepped(cell, phase=Phase.LEAKS), cell]))
    case = next(one["testCase"] for one in every if "testCase" in one)
    assert [one.get("hookId", "step") for one in case["testSteps"]] == ["step", "hook-leaks", "step"]


def test_the_document_that_messages_speak_of_has_each_node_on_its_line() -> None:
    cell = result(tags=["slow"])
    every = messages(a_run([*stepped(cell), cell]))
    lines = next(one["source"]["data"] for one in every if "source" in one).splitlines()
    feature = next(one["gherkinDocument"]["feature"] for one in every if "gherkinDocument" in one)
    rule = feature["children"][0]["rule"]
    scenario = rule["children"][0]["scenario"]
    for node in (feature, rule, scenario):
        assert lines[node["location"]["line"] - 1].strip() == f"{node['keyword']}: {node['name']}"
    for step in scenario["steps"]:
        assert lines[step["location"]["line"] - 1].strip() == step["keyword"] + step["text"]


def test_words_of_others_stay_words() -> None:
    cell = result(verdict=Verdict.FAILED, error=EVIL, title=EVIL, report=EVIL, alarms=[EVIL])
    root = ET.fromstring(told("junit", a_run([cell])))
    (case,) = root.iter("testcase")
    assert case.get("name", "").startswith("</details><script>")
    assert {one.tag for one in case} == {"failure", "system-err"}
    for form in FORMS:
        text = told(form, a_run([*stepped(cell), cell]))
        assert "\x1b" not in text
        assert "\ufffe" not in text or form != "junit"


def test_suites_say_who_played() -> None:
    suite = ET.fromstring(told("junit", a_run([result()]))).find("testsuite")
    assert suite is not None
    properties = {one.get("name"): one.get("value") for one in suite.iter("property")}
    assert properties == {
        "project": "harmony.toml",
        "seed": "7",
        "commit": "c0ffee",
        "machine": "two cores, Linux 6",
        "reader": "python",
        "writer": "cpp",
    }


def test_the_same_run_is_told_the_same_way_twice() -> None:
    events = a_run([*stepped(result()), result()])
    assert [told(form, events) for form in FORMS] == [told(form, events) for form in FORMS]


def test_a_page_is_told_from_another_form() -> None:
    assert _reports(["junit=a.xml", "./x=y.html", "ctrf=b.json"]) == (["junit=a.xml", "ctrf=b.json"], "./x=y.html")
    assert _reports([]) == ([], None)
