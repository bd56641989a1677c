"""From samples to result tables, and how these are shown."""

from __future__ import annotations

import json
import re

import pytest
from rich.console import Console

from harmony.perf.document import document
from harmony.perf.figures import Figure, Record, State, failures, result_table, short
from harmony.perf.machine import Machine
from harmony.perf.page import page
from harmony.perf.run import PerfOutcome
from harmony.perf.tables import heat_map, reasons, relative, table_lines
from synthetic_tables import a_case, boiling, waiting

MACHINE = Machine("a stove", 2, "6.0", 0.1, (0, 1))


def test_more_is_better_and_the_fastest_has_one() -> None:
    figures = boiling().figures
    best, other = figures["go", "go"], figures["go", "rust"]
    assert boiling().fastest == best
    assert (best.median, best.relative, best.low, best.high) == (100.0, 1.0, 0.9, 1.2)
    assert (other.median, other.relative, other.low, other.high) == (50.0, 0.5, 0.4, 0.52)


def test_less_is_better_and_half_the_speed_is_twice_the_time() -> None:
    figures = waiting().figures
    assert (figures["go", "rust"].relative, figures["go", "go"].relative) == (1.0, 0.5)
    assert (figures["go", "go"].low, figures["go", "go"].high) == (0.25, 1.0)
    assert figures["go", "go"].least == 10.0


def test_a_cell_that_failed_is_no_fastest_whatever_it_gave() -> None:
    broken = boiling().figures["rust", "go"]
    assert broken.state is State.FAILED
    assert broken.samples == (400_000.0,)
    assert broken.heat == 0.0
    assert failures([boiling(), waiting()]) == ["boil rust_go: <broken> & burnt\nsecond line"]


def test_what_is_not_claimed_is_no_failure_and_no_number() -> None:
    lacking = boiling().figures["rust", "rust"]
    assert (lacking.state, lacking.reason) == (State.UNSUPPORTED, "rust does not claim steam")
    only = result_table(a_case(), {("a", "a"): Record(lack="no")})
    assert only.fastest is None


@pytest.mark.parametrize(("ratio", "heat"), [(1.0, 1.0), (0.5, 0.69897), (0.25, 0.39794), (0.1, 0.0), (0.001, 0.0)])
def test_equal_ratios_are_equal_steps_of_heat(ratio: float, heat: float) -> None:
    assert Figure(("a", "b"), State.MEASURED, relative=ratio).heat == pytest.approx(heat)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (0.07123, "0.0712"),
        (1.785, "1.78"),
        (44.61, "44.6"),
        (999.6, "1,000"),
        (9_871.0, "9,871"),
        (10_000.0, "10.0 k"),
        (573_412.0, "573 k"),
        (3_712_000.0, "3.71 M"),
        (4.2e9, "4.20 G"),
    ],
)
def test_numbers_have_three_digits_that_matter(value: float, text: str) -> None:
    assert short(value) == text


def test_a_unit_takes_the_prefix() -> None:
    assert short(237e6, "B/s") == "237 MB/s"
    assert short(44.61, "µs") == "44.6 µs"


def test_a_pipe_gets_lines() -> None:
    assert table_lines(boiling()) == [
        "How well they boil: cups/s, more is better; rows cook, columns guest",
        "  go_go      1.00 (0.90-1.20)  100 · 25.0 l/s",
        "  go_rust    0.50 (0.40-0.52)  50.0 · 12.5 l/s",
        "  rust_go    FAIL: <broken> & burnt",
        "  rust_rust  n/a: rust does not claim steam",
    ]


def test_a_slow_one_still_has_digits() -> None:
    figure = Figure(("a", "b"), State.MEASURED, relative=0.0042, low=0.004, high=0.0951)
    assert relative(figure) == "0.004 (0.004-0.10)"


def test_a_terminal_gets_a_heat_map_with_words() -> None:
    console = Console(width=120, record=True, force_terminal=True, color_system="truecolor", file=None)
    with console.capture() as captured:
        console.print(heat_map(boiling()))
    shown = captured.get()
    assert "1.00 (0.90-1.20)" in shown
    assert "FAIL" in shown
    assert "n/a" in shown
    backgrounds = re.findall(r"48;2;(\d+);", shown)
    assert backgrounds[0] > backgrounds[-1], "the faster one is the warmer one"


def test_every_reason_is_given_once() -> None:
    records = {(name, "x"): Record(failure="burnt") for name in "abcde"}
    assert list(reasons((result_table(a_case(), records),))) == [
        "failed: boil a_x, boil b_x, boil c_x and 2 more: burnt"
    ]


def test_the_page_stands_alone_and_hides_nothing() -> None:
    text = page([boiling(), waiting()], {"seed": "7"}, ["php: not built: there is no <php>"], ["it went wrong"])
    assert "<script" not in text
    assert "http" not in text.replace("http-equiv", "")
    assert "&lt;broken&gt; &amp; burnt" in text
    assert "not built: there is no &lt;php&gt;" in text
    assert "it went wrong" in text
    assert text.count('class="heat h') == 4
    assert text.count('class="failed"') == text.count('class="unsupported"') == 1
    assert 'class="heat h20"' in text
    assert 'class="heat h14"' in text
    assert "rounds: 100, 90.0, 120 cups/s" in text
    assert "fastest go_go" in text


def test_the_document_has_every_sample() -> None:
    outcome = PerfOutcome((boiling(), waiting()), ("a problem",), {"go": "kettle 1 (go)"}, 1.5)
    found = json.loads(
        document(outcome, MACHINE, seed=7, rounds=3, effort=1.0, missing={"php": "not built"}, notes=["busy"])
    )
    assert (found["seed"], found["rounds"], found["machine"]["pinned"]) == (7, 3, [0, 1])
    assert found["not_available"] == {"php": "not built"}
    cells = {cell["pairing"]: cell for cell in found["measures"][0]["cells"]}
    assert cells["go_go"]["platforms"] == {"cook": "go", "guest": "go"}
    assert cells["go_go"]["samples"] == [100.0, 90.0, 120.0]
    assert (cells["go_rust"]["relative"], cells["go_rust"]["slowest"]) == (0.5, 0.4)
    assert cells["rust_go"]["state"] == "failed"
    assert "relative" not in cells["rust_go"]
