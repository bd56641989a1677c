"""The matrix in the terminal and as a page."""

from __future__ import annotations

import io
import random
import re
import time
from html.parser import HTMLParser

import pytest
from rich.console import Console

from harmony.model import Verdict
from harmony.report.page import html_report
from harmony.report.terminal import Grid, grid_lines, tables, totals
from harmony.verdict.verdicts import MEANINGS
from synthetic_results import many, result

VOID = {"meta", "input", "br", "link", "img"}


class Page(HTMLParser):
    """Reads a page and complains about what is not closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.rows: list[list[str]] = []
        self.classes: set[str] = set()
        self.links: list[str] = []
        self.ids: set[str] = set()
        self.controls: set[str] = set()
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        for name, value in attrs:
            if name in {"src", "href", "action"} and value:
                self.links.append(value)
            if name == "class":
                self.classes.update((value or "").split())
            if name == "id":
                self.ids.add(value or "")
            if name == "aria-controls":
                self.controls.add(value or "")
        if tag == "tr":
            self.rows.append([])
        if tag in {"td", "th"} and self.rows:
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open, tag
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.rows and self.rows[-1]:
            self.rows[-1][-1] += data


def test_the_page_shows_every_verdict_by_colour_and_by_text() -> None:
    results = [result(f"1.{number}[a=x]", verdict) for number, verdict in enumerate(Verdict, 1)]
    page = Page(html_report(results))
    assert {verdict.value for verdict in Verdict} <= page.classes
    rows = {row[0].split()[0]: row[1].strip() for row in page.rows if len(row) == 2 and row[0][:2] == "1."}
    assert rows == {f"1.{number}": MEANINGS[verdict].word for number, verdict in enumerate(Verdict, 1)}


def test_the_page_asks_nobody_for_anything() -> None:
    text = html_report(many(20, 2))
    assert Page(text).links == []
    assert not re.search(r"https?:|@import|url\(|<link", text)
    assert "default-src 'none'" in text


def test_what_failed_unfolds_with_all_a_person_needs() -> None:
    text = html_report([result(verdict=Verdict.FAILED, note="expected to fail, but not like this", report="THE STEPS")])
    page = Page(text)
    assert page.controls == {"d1"} <= page.ids
    for wanted in (
        "first difference at offset 1023",
        "THE STEPS",
        "When the &#39;writer&#39; process waits",
        "features/01-basic.feature:12",
        "./test.sh python_cpp 1.1 --seed 7",
        "expected to fail, but not like this",
    ):
        assert wanted in text, wanted


def test_hostile_text_stays_text() -> None:
    evil = "</pre><script>alert(1)</script>$title"
    text = html_report(
        [result(verdict=Verdict.FAILED, title=evil, feature=evil, error=evil, report=evil, repeat=evil, step=evil)],
        {evil: evil},
        [evil],
        evil,
    )
    Page(text)
    assert "<script>alert" not in text
    assert text.count("<script>") == 1


def test_a_page_of_ten_thousand_cells_stays_lean() -> None:
    results = many(100, 10)
    assert len(results) == 10_000
    begin = time.perf_counter()
    text = html_report(results)
    assert time.perf_counter() - begin < 30
    assert len(text) < 2_500_000
    assert len(Grid.of(results).columns) == 100


def test_an_endless_report_is_cut() -> None:
    assert len(html_report([result(verdict=Verdict.FAILED, report="x" * 10_000_000, error="y" * 10_000_000)])) < 100_000


def test_pages_and_tables_do_not_depend_on_the_order() -> None:
    results = many(15, 3)
    shuffled = random.Random(3).sample(results, len(results))
    assert html_report(shuffled) == html_report(results)
    assert grid_lines(Grid.of(shuffled)) == grid_lines(Grid.of(results))


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
