"""What the page of a run says of those before it."""

from __future__ import annotations

from pathlib import Path

import pytest

from harmony.errors import ExitCode
from harmony.history.store import HISTORY, Keeper, Store
from harmony.history.trends import over_time, within
from harmony.model import Verdict
from harmony.report.files import Page
from harmony.report.outcome import Outcome
from harmony.report.page import html_report
from harmony.report.past import bars, past_data, told_since
from past_runs import A, B, C, Cells, events, past, written
from sandbox import Sandbox
from synthetic_results import data_of

PASSED, FAILED = Verdict.PASSED, Verdict.FAILED
MONDAY, TUESDAY = {A: PASSED, B: PASSED, C: PASSED}, {A: PASSED, B: FAILED, C: PASSED}
TODAY: Cells = {A: FAILED, B: FAILED, C: PASSED}


def page(*cells: Cells) -> str:
    """Return the page of the last of some runs."""
    made = [past(some, day=day, commit=f"commit{day}") for day, some in enumerate(cells, 1)]
    told = events(cells[-1], day=len(cells), commit=f"commit{len(cells)}")
    return html_report(Outcome.at_end(told), past=over_time(made[::-1]))


def test_the_verdict_and_each_cause_say_since_when() -> None:
    text = page(MONDAY, TUESDAY, TODAY)
    told = "red since commit2 (2026-11-02), 2 runs; not before on commit1; 1 of 2 are new in this run"
    assert text.split('class="verdict', 1)[1].split("</p>", 1)[0].count(told) == 1
    assert "new in this run: since commit2 (2026-11-02), 1 run; not before on commit1" in page(MONDAY, TUESDAY)
    data = data_of(text)["past"]
    assert {cell: data["words"][word] for cell, word in data["red"].items()} == {
        A: "since commit3 (2026-11-03), 1 run; not before on commit2",
        B: "since commit2 (2026-11-02), 2 runs; not before on commit1",
    }


def test_platforms_and_scenarios_have_a_bar_for_each_run() -> None:
    text = page(MONDAY, TUESDAY, TODAY)
    assert text.count('<svg class="trend"') == 2, "cpp and go, without a script"
    assert "<title>2026-11-03 08:00 commit3: 33.3 % passed</title>" in text
    data = data_of(text)["past"]
    assert data["scenarios"] == {"1.1": [1000, 1000, 0], "1.2": [1000, 0, 0], "1.3": [1000, 1000, 1000]}
    assert data["platforms"]["go"] == [1000, 666, 333]


def test_a_bar_is_whole_only_if_all_passed() -> None:
    assert [(bar["height"], bar["kind"]) for bar in bars([1.0, 0.9999, 0.0, None], ["a", "b", "c", "d"])] == [
        (18, "good"),
        (18, "bad"),
        (2, "bad"),
        (2, "none"),
    ]
    assert data_of(page(MONDAY, {**{f"1.1[a={n}]": PASSED for n in range(1999)}, A: FAILED}))["past"]["scenarios"] == {
        "1.1": [1000, 999]
    }


def test_a_first_run_says_nothing_of_others() -> None:
    assert data_of(page(TODAY))["past"] is None
    assert "From run to run" not in page(TODAY)
    assert told_since(None, [A]) == ""


def test_cells_that_this_run_has_not_got_are_not_told() -> None:
    whole = [past(TODAY, day=1), past({A: PASSED, B: PASSED}, day=2, partial=["chosen"])]
    told = past_data(over_time(whole[::-1]), whole[-1].results([A]))
    assert told is not None
    assert (told["red"], list(told["scenarios"])) == ({}, ["1.1"])


def test_flaky_cells_have_a_score_on_the_page() -> None:
    same = [past({A: verdict}, day=day) for day, verdict in enumerate((PASSED, FAILED, PASSED), 1)]
    told = past_data(over_time(same[::-1]), same[-1].results())
    assert told is not None
    assert told["flaky"] == {A: (1.0, "2 of 2 repetitions; passed, failed")}


def test_a_run_looks_back_at_those_before_it_alone(tmp_path: Path) -> None:
    """Another run that ended meanwhile is younger, whichever was kept first; a file that is no run is passed over."""
    store = Store(tmp_path)
    for day, cells in enumerate((MONDAY, TUESDAY), 1):
        store.keep(past(cells, day=day))
    store.keep(past(MONDAY, day=9))
    (tmp_path / "20261101-0-0.json").write_text("no run")
    keeper = Keeper(store)
    write = Page(tmp_path / "page.html", tmp_path / "page.html", lambda _: None, past=keeper.over_time)
    for event in events(TODAY, day=3):
        keeper(event)
        write(event)
    data = data_of((tmp_path / "page.html").read_text("utf-8"))["past"]
    assert [moment[8:10] for moment in data["runs"]] == ["01", "02", "03"]


@pytest.mark.parametrize(("cells", "looked_at"), [(0, 1), (3, 2), (100, 3)])
def test_a_page_looks_back_at_so_many_cells(cells: int, looked_at: int) -> None:
    assert len(within([past(TODAY)] * 3, cells)) == looked_at


def test_the_command_looks_back_at_the_project_or_at_what_it_is_given(sandbox: Sandbox) -> None:
    """An artefact has a younger run, too: the page of an older one does not know it."""
    box = sandbox.directory
    for day, cells in enumerate((MONDAY, TUESDAY, TODAY, MONDAY), 1):
        written(box / "artefact" / f"{day}.ndjson", events(cells, day=day, commit=f"commit{day}"))
    Store(box / HISTORY).keep(past(TUESDAY, day=2, commit="other"))
    for words, known in ((("--history", "artefact"), ["commit1", "commit2", "commit3"]), ((), ["other", "commit3"])):
        done = sandbox.harmony("report", "artefact/3.ndjson", "--html", "page.html", *words)
        assert done.returncode == ExitCode.FAILED, done.stderr
        data = data_of((box / "page.html").read_text("utf-8"))["past"]
        assert [moment.split()[-1] for moment in data["runs"]] == known
