"""The matrix in the terminal, and the page as it is without its script; a browser looks at the rest."""

from __future__ import annotations

import base64
import hashlib
import io
import random
import re
from html.parser import HTMLParser

import pytest
from rich.console import Console

from harmony.errors import ExitCode
from harmony.logs import moment
from harmony.model import Phase, Verdict
from harmony.report import page_data
from harmony.report.cell_steps import Steps
from harmony.report.facts import facts
from harmony.report.outcome import Outcome
from harmony.report.page import html_report
from harmony.report.terminal import Grid, grid_lines, tables, totals
from harmony.verdict.events import (
    ActorOutcome,
    CellStarted,
    ClauseEntry,
    RunFinished,
    RunPlanned,
    RunStarted,
    SpecificationRead,
    StepFinished,
)
from harmony.verdict.verdicts import MEANINGS
from synthetic_results import data_of, many, result, the_page
from synthetic_runs import PLATFORMS, a_run, page_of

VOID = {"meta", "input", "br", "link", "img"}


class Page(HTMLParser):
    """Reads a page and complains about what is not closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.said: dict[str, list[str]] = {}
        self.classes: set[str] = set()
        self.attributes: set[str] = set()
        self.links: list[str] = []
        self.policy = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
            self.said.setdefault(tag, []).append("")
        for name, value in attrs:
            self.attributes.add(name)
            if name in {"src", "href", "action"} and value:
                self.links.append(value)
            if name == "class":
                self.classes.update((value or "").split())
            if name == "content" and "src" in (value or ""):
                self.policy = value or ""

    def handle_endtag(self, tag: str) -> None:
        assert self.open, tag
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open:
            self.said[self.open[-1]][-1] += data


def test_the_page_shows_every_verdict_by_colour_and_by_text() -> None:
    page = Page(the_page([result(f"1.{number}[a=x]", verdict) for number, verdict in enumerate(Verdict, 1)]))
    assert {verdict.value for verdict in Verdict} <= page.classes
    assert {f"1 {MEANINGS[verdict].word}" for verdict in Verdict} <= set(page.said["span"])


def test_the_page_asks_nobody_for_anything_and_runs_only_its_own() -> None:
    """What the policy names is what stands there: another script, or one attribute, and a browser would refuse it."""
    text = the_page(many(20, 2))
    page = Page(text)
    assert all(link.startswith("#") for link in page.links)
    assert not re.search(r"@import|url\(|<link", text)
    assert {address.split("/")[0] for address in re.findall(r"https?://([^\"]*)", text)} == {"www.w3.org"}, "SVG's name"
    assert not any(name == "style" or name.startswith("on") for name in page.attributes)
    for tag, said in (("style", page.said["style"][0]), ("script", page.said["script"][-1])):
        digest = base64.b64encode(hashlib.sha256(said.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in page.policy
    assert page.policy.startswith("default-src 'none';")
    assert "unsafe" not in page.policy


def test_what_failed_is_readable_without_a_script() -> None:
    text = the_page([result(verdict=Verdict.FAILED, note="expected to fail, but not like this", report="THE STEPS")])
    Page(text)
    for wanted in (
        "✗ failed: 1 of 1 cell is red",
        "first difference at offset 1023",
        "THE STEPS",
        "When the &#39;writer&#39; process waits",
        "features/01-basic.feature:12",
        "./test.sh python_cpp 1.1 --seed 7",
        "expected to fail, but not like this",
    ):
        assert wanted in text, wanted


def test_hostile_text_stays_text() -> None:
    evil = "</pre></script><script>alert(1)</script>$title"
    one = result(verdict=Verdict.FAILED, title=evil, feature=evil, error=evil, report=evil, repeat=evil, step=evil)
    text = the_page([one, result("1.2[solo=x]", alarms=[evil])], {evil: evil}, [evil])
    assert [said[:12] for said in Page(text).said["script"]][1:] == ['"use strict"']
    assert "<script>alert" not in text


@pytest.mark.parametrize(
    ("end", "cells", "said"),
    [
        (ExitCode.OK, 1, "■ passed: 1 of 1 cell passed"),
        (ExitCode.OK, 2, "✗ failed: 1 of 1 cell passed"),
        (ExitCode.INTERRUPTED, 1, "✗ interrupted: 1 of 1 cell passed"),
    ],
    ids=["whole", "a cell is lacking", "interrupted"],
)
def test_a_run_that_was_not_whole_is_not_green(end: ExitCode, cells: int, said: str) -> None:
    events = [
        RunPlanned(cells=cells, of=cells, digest="0"),
        result(),
        RunFinished(verdicts={}, exit_code=end, seconds=1.0),
    ]
    assert said in html_report(Outcome.at_end(events))


def test_who_looks_knows_where_and_of_what_the_run_was() -> None:
    shards = [
        RunStarted(seed=7, project="tea.toml", platforms={"go": "", "php": "no php"}, machine=name, commit="abc")
        for name in ("one", "other")
    ]
    told = facts([*shards, RunFinished(at="2026-01-05T09:00:00.000Z", verdicts={}, exit_code=0, seconds=2)])
    assert told == {
        "project": "tea.toml",
        "commit": "abc",
        "seed": "7",
        "machine": "one, other",
        "php is not available": "no php",
        "took": "2.0 s",
        "finished": "2026-01-05 09:00:00 UTC",
    }


def test_a_large_page_stays_lean() -> None:
    """Half of the cells are red, each with logs of its own; of ten thousand see benchmarks/report_page.py."""
    events = a_run(20, PLATFORMS[:5], ("guest", "host"), lambda _, chance: chance.random() < 0.5)
    text = page_of(events)
    assert len(data_of(text)["cells"][0]) == 500
    assert len(text.encode()) - len(page_of(events[:2] + events[-1:]).encode()) < 500 * 300


def test_endless_words_are_cut_and_the_page_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(the_page([result(verdict=Verdict.FAILED, report="x" * 1_000_000, error="y" * 1_000_000)])) < 100_000
    monkeypatch.setattr(page_data, "_ROOM", 50_000)
    many_red = [result(f"1.{number}[a=x]", Verdict.FAILED, report="x" * 10_000) for number in range(1, 13)]
    details = data_of(the_page(many_red))["details"]
    assert sum("report" in one for one in details.values()) == 5
    assert sum(one.get("cut", False) for one in details.values()) == 7
    assert all(one["error"] for one in details.values())


def test_pages_and_tables_do_not_depend_on_the_order() -> None:
    results = many(15, 3)
    shuffled = random.Random(3).sample(results, len(results))
    at = {one.cell: f"2026-01-05T09:00:{number % 60:02}.000Z" for number, one in enumerate(results)}
    one, other = ([cell.model_copy(update={"at": at[cell.cell]}) for cell in some] for some in (results, shuffled))
    assert the_page(one) == the_page(other)
    assert grid_lines(Grid.of(shuffled)) == grid_lines(Grid.of(results))


def step(at: str, text: str, verdict: Verdict = Verdict.PASSED, **more: object) -> StepFinished:
    return StepFinished(
        at=at,
        cell="1.1[a=x]",
        phase=Phase.STEP,
        step=text,
        verdict=verdict,
        outcomes={"a": ActorOutcome(verdict=verdict)},
        seconds=0.25,
        **more,
    )


def test_a_step_that_passed_has_its_time_and_its_table() -> None:
    steps = Steps()
    end = result("1.1[a=x]", at="2026-01-05T09:00:02.000Z", seconds=2.0)
    steps(step("2026-01-05T09:00:01.000Z", "Given tea", argument="| hot |"))
    steps(end)
    data = data_of(html_report(Outcome.at_end([end, RunFinished(verdicts={}, exit_code=0, seconds=2)]), steps=steps))
    (row,) = data["cells"][8]
    texts = [data["texts"][number] for number in row[3:]]
    assert row[:3] == [1000, 25000, list(MEANINGS).index(Verdict.PASSED)]
    assert texts == ["Given tea", "| hot |", "a", ""]


def test_the_steps_of_a_cell_that_ran_twice_are_those_of_the_run_that_is_told() -> None:
    steps = Steps()
    red = result("1.1[a=x]", Verdict.FAILED, at="2026-01-05T09:00:02.000Z")
    green = result("1.1[a=x]", at="2026-01-05T09:00:04.000Z")
    late = result("1.1[a=x]", Verdict.CRASHED, at="2026-01-05T09:00:06.000Z", late=True)
    for event in (
        CellStarted(cell="1.1[a=x]", scenario="1.1", pairing={"a": "x"}, seed=1),
        step("2026-01-05T09:00:01.000Z", "Then it is red", Verdict.FAILED),
        red,
        CellStarted(cell="1.1[a=x]", scenario="1.1", pairing={"a": "x"}, seed=1),
        step("2026-01-05T09:00:03.000Z", "Then it is green"),
        green,
        late,
    ):
        steps(event)
    ends = [steps.of(one).rows[0][0] for one in (red, green, late)]
    assert ends == [moment(f"2026-01-05T09:00:0{second}.000Z") for second in (1, 3, 3)]


def test_the_plain_matrix() -> None:
    results = [
        result("1.2[reader=python,writer=cpp]", Verdict.FAILED),
        result("1.1[reader=python,writer=cpp]"),
        result("1.1[reader=cpp,writer=python]", Verdict.UNSUPPORTED),
        result("1.10[solo=python]", Verdict.KNOWN_FAILURE),
    ]
    assert grid_lines(Grid.of(results)) == [
        "                    python  cpp_python  python_cpp",
        "1.1 Scenario 1.1               n/a          ok",
        "1.2 Scenario 1.2                           FAIL",
        "1.10 Scenario 1.10  known",
    ]
    assert totals(results) == "4 cells: 1 passed, 1 failed, 1 unsupported, 1 known-failure"
    assert totals([]) == "0 cells: none"


@pytest.mark.parametrize("width", [60, 120, 1000])
def test_a_wide_matrix_comes_in_parts_that_fit(width: int) -> None:
    results = many(4, 5)
    lines = grid_lines(Grid.of(results), width)
    assert max(map(len, lines)) <= width
    shown = " ".join(line for line in lines if not re.match(r"1\.", line)).split()
    assert sorted(shown) == sorted(Grid.of(results).columns)


def test_on_a_terminal_each_verdict_has_its_colour() -> None:
    results = [result(f"1.{number}[a=x]", verdict) for number, verdict in enumerate(Verdict, 1)]
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, color_system="standard", width=100)
    for table in tables(Grid.of(results), 100):
        console.print(table)
    text = out.getvalue()
    assert "\x1b[32m" in text
    assert "\x1b[1;31m" in text
    assert "\x1b[33m" in text
    for meaning in MEANINGS.values():
        assert meaning.word in text


RECORDING = """harmony-recording: 1
role: guest
platform: go
exchanges:
- {method: order, params: [{cups: 3}], at: 1767603600.25, result: 3, seconds: 0.1}
- {method: pay, params: [{coins: 1}, {coins: 2}], at: 1767603600.5, error: {code: 1, message: broke}}
- {method: leave, params: [], at: 1767603601, answered: false}
- {method: hello, params: []}
"""


def lines_of(recordings: dict[str, str]) -> list[list[object]]:
    """Return what a page tells of the recordings of a red cell."""
    at = "2026-01-05T09:00:01.000Z"
    one = result("1.1[guest=go]", Verdict.FAILED, at=at, seconds=1.0, recordings=recordings)
    lines: list[list[object]] = data_of(the_page([one]))["details"]["0"]["lines"]
    return lines


def test_what_a_recorded_role_was_asked_stands_among_the_steps() -> None:
    """What has no moment is left out: it would stand anywhere."""
    assert lines_of({"1.1.guest.yaml": RECORDING, "1.1.network.txt": "2026 guest -> host tea"}) == [
        [250, "guest", "call", "order", "", "", '{"cups": 3}', "3"],
        [500, "guest", "call", "pay", "", "", '[{"coins": 1}, {"coins": 2}]', '{"code": 1, "message": "broke"}'],
        [1000, "guest", "call", "leave", "", "", "[]", "no answer"],
    ]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[",
        RECORDING.replace(": 1", ": 2", 1),
        RECORDING.replace("1767603600.25", ".nan").replace("1767603600.5", ".inf").replace("1767603601", "0"),
        RECORDING + "x: &x [1, 1]\ny: [*x, *x]\n",
        RECORDING.replace("cups: 3", "? [a, {b: c}] : " + "[" * 3000 + "]" * 3000),
    ],
    ids=["nothing", "no YAML", "of another version", "no moments", "endless", "deep"],
)
def test_a_recording_that_is_none_is_to_be_downloaded_and_no_more(text: str) -> None:
    """Whoever wrote the events: a page is made."""
    with pytest.raises(KeyError):
        lines_of({"1.1.guest.yaml": text})


def test_long_data_of_a_recording_is_cut() -> None:
    (first, *_) = lines_of({"1.1.guest.yaml": RECORDING.replace("cups: 3", f"cups: {'x' * 100_000}")})
    assert len(str(first[6])) < 1000


def test_a_page_counts_the_clauses_that_no_scenario_cites() -> None:
    clauses = [
        ClauseEntry(id="T-1", level="must", text="Tea is hot.", scenarios=["1.1"]),
        ClauseEntry(id="T-2", level="must", text="Cups are clean.", tests=["tests/test_cups.py"]),
    ]
    told = [
        RunPlanned(cells=1, of=1, digest="0"),
        result(clauses=["T-1"]),
        SpecificationRead(document="tea.md", clauses=clauses),
        RunFinished(verdicts={}, exit_code=0, seconds=1.0),
    ]
    text = html_report(Outcome.at_end(told))
    assert "clauses <b>1 of 2 without a scenario</b>" in text
    assert data_of(text)["clauses"] == [
        ["T-1", "must", "Tea is hot.", True, []],
        ["T-2", "must", "Cups are clean.", False, ["tests/test_cups.py"]],
    ]
    assert html_report(Outcome.of({"run": told})).count("1 of 2 without a scenario") == 1
