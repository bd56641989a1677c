"""The document of results: what it takes from events, and that nothing in it is obeyed."""

from __future__ import annotations

import json
import re
from typing import Any

from harmony.model import NetworkKind, Verdict
from harmony.report.outcome import Outcome
from harmony.report.results import Results, in_one_line, mild_lines, trace_of
from harmony.report.results_document import clauses_document, results_document
from harmony.report.results_json import as_json
from harmony.verdict.events import (
    CellFinished,
    ClauseEntry,
    Event,
    NetworkLine,
    RunPlanned,
    RunStarted,
    SpecificationRead,
)
from synthetic_results import result

EVIL = "</details><script>alert(1)</script> | ``` [x](javascript:y) @everyone\n# mine"
TRACE = [
    NetworkLine(at="2026-11-30T12:00:00.125Z", kind=NetworkKind.STEP, text="When the 'sender' process says 'a'"),
    NetworkLine(
        at="2026-11-30T12:00:00.250Z",
        kind=NetworkKind.PACKET,
        text="PUBLISH a",
        link="hub, sender",
        connection=1,
        sender="sender",
    ),
]


def results(*cells: CellFinished, more: tuple[Event, ...] = ()) -> Results:
    begun = RunStarted(at="2026-11-30T23:59:59Z", seed=7, project="p", platforms={"gold": "not built"})
    planned = RunPlanned(cells=len(cells), of=len(cells), digest="")
    runs: dict[str, list[Event]] = {"run": [begun, planned, *more, *cells]}
    return Results.of(runs, Outcome.of(runs))


def test_an_error_is_one_line_with_what_was_expected_and_seen() -> None:
    assert in_one_line("the word\n  expected: 'a'\n  seen:     'b'\n  more") == "the word: expected 'a', seen 'b'"
    assert in_one_line("plain\nmore") == "plain"
    assert in_one_line("") == ""


def test_what_went_from_role_to_role_is_cut_in_the_middle_where_it_is_long() -> None:
    assert trace_of(TRACE) == (
        "12:00:00.125 When the 'sender' process says 'a'",
        "12:00:00.250     sender -> hub #1  PUBLISH a",
    )
    assert trace_of([]) == ()
    long = trace_of([one.model_copy(update={"text": str(number)}) for number in range(100) for one in TRACE[:1]])
    assert (len(long), long[12], long[-1]) == (25, "… 76 lines left out …", "12:00:00.125 99")


def test_it_says_date_seed_and_who_did_not_play_and_takes_no_moment_of_its_own() -> None:
    cells = (result("1.1[hub=tin,sender=oak]", Verdict.FAILED, network=TRACE), result("1.1[hub=gold,sender=oak]"))
    text = results_document(results(*cells), "Results")
    assert "from 2 cells of 2026-11-30, seed 7; do not edit." in text
    assert "- gold did not play: not built." in text
    assert "```text\n12:00:00.125 When" in text
    assert text == results_document(results(*reversed(cells)), "Results"), "the order of cells means nothing"


def test_words_of_others_are_no_markup() -> None:
    cell = result("1.1[hub=tin]", Verdict.FAILED, error=EVIL, title=EVIL, repeat=EVIL, level="must", clauses=[EVIL])
    spec = SpecificationRead(document=EVIL, clauses=[ClauseEntry(id="X|1", level="may", text=EVIL)])
    told = results(cell, more=(spec,))
    for text in (results_document(told, EVIL), clauses_document(told)):
        plain = re.sub(r"^(`{4,})sh$.*?^\1$", "", text, flags=re.MULTILINE | re.DOTALL)
        assert not [one for one in ("<script>", "@everyone", "\n# mine") if one in plain]
    assert json.loads(as_json(told))["findings"][0]["clauses"]


def test_a_clause_that_only_scenarios_tell_of_is_in_the_table() -> None:
    cells = [result("1.1[hub=tin]", clauses=["A"]), result("2.1[hub=tin]", Verdict.UNSUPPORTED, clauses=["A", "B"])]
    rows: list[dict[str, Any]] = json.loads(as_json(results(*cells)))["clauses"]
    assert [(row["id"], row["platforms"][0]["state"]) for row in rows] == [("A", "passed"), ("B", "unsupported")]
    assert "The run tells of no clause." in clauses_document(results(result("1.1[hub=tin]")))


def test_only_what_is_not_red_is_told_beside_the_causes() -> None:
    mild = result("1.1[hub=tin,sender=oak]", Verdict.DEVIATES, level="may", clauses=["A"])
    red = result("1.2[hub=tin,sender=oak]", Verdict.FAILED)
    passed = result("1.1[hub=gold,sender=oak]")
    assert mild_lines([mild, red, passed]) == [
        "deviates, not red: 1.1 Scenario 1.1 (may A): hub=tin, with the only partner that has played (1 of 1)"
    ]
