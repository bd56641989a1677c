"""What runs say over time: since when something is red, what is flaky, how platforms fare."""

from __future__ import annotations

from dataclasses import replace

from harmony.history.past_run import PastRun
from harmony.history.telling import history_lines
from harmony.history.trends import Since, over_time, sparkline
from harmony.model import Verdict
from harmony.report.past import Flaky
from past_runs import A, B, past

PASSED, FAILED = Verdict.PASSED, Verdict.FAILED


def since(runs: list[dict[str, Verdict]], what: str = "cell", part: tuple[int, ...] = ()) -> list[Since]:
    """Return what is red after some runs, the oldest of which is given first; those of a part by number."""
    made = [
        past(cells, day=day, commit=f"commit{day}", partial=["chosen"] if day in part else [])
        for day, cells in enumerate(runs, 1)
    ]
    return [one for one in over_time(made[::-1]).red if one.what == what]


def test_red_is_since_the_first_run_without_a_green_one_after_it() -> None:
    (one,) = since([{A: FAILED}, {A: PASSED}, {A: FAILED}, {A: Verdict.CRASHED}])
    assert (one.commit, one.after, one.runs, one.known) == ("commit3", "commit2", 2, True)
    (one,) = since([{A: FAILED}, {A: FAILED}])
    assert (one.commit, one.after, one.known) == ("commit1", "", False)
    assert since([{A: FAILED}, {A: PASSED}]) == []


def test_what_was_not_run_says_nothing() -> None:
    """Neither that it is mended, nor that it is broken."""
    (one,) = since([{A: PASSED}, {A: FAILED}, {A: Verdict.NOT_RUN}])
    assert (one.commit, one.runs) == ("commit2", 1)
    assert since([{A: PASSED}, {A: Verdict.NOT_RUN}]) == []


def test_a_run_of_a_part_mends_only_what_it_played() -> None:
    (feature,) = since([{A: PASSED, B: PASSED}, {A: FAILED, B: PASSED}, {B: PASSED}], "feature", part=(3,))
    assert (feature.commit, feature.red, feature.of) == ("commit2", 1, 2)


def test_what_a_whole_run_has_no_more_is_not_red() -> None:
    assert since([{A: FAILED, B: PASSED}, {B: PASSED}]) == []
    assert len(since([{A: FAILED, B: PASSED}, {B: PASSED}], part=(2,))) == 1


def test_who_could_not_play_is_not_mended() -> None:
    runs = [past({A: FAILED, B: PASSED}), past({B: PASSED}, day=2, absent=["rust"])]
    assert [one.name for one in over_time(runs[::-1]).red if one.what == "cell"] == [A]


def test_a_feature_is_red_as_long_as_one_of_its_cells_is() -> None:
    (feature,) = since([{A: PASSED, B: PASSED}, {A: FAILED, B: PASSED}, {A: PASSED, B: FAILED}], "feature")
    assert (feature.commit, feature.runs, feature.after) == ("commit2", 2, "commit1")
    assert [one.name for one in since([{A: PASSED}, {A: FAILED}], "platform")] == ["cpp", "go"]


def flaky(runs: list[PastRun]) -> list[Flaky]:
    return list(over_time(runs).flaky)


def test_flaky_is_what_changes_although_nothing_has() -> None:
    same = [past({A: verdict, B: PASSED}, day=day) for day, verdict in enumerate((PASSED, FAILED, PASSED), 1)]
    (one,) = flaky(same[::-1])
    assert (one.cell, one.flips, one.repetitions, one.score) == (A, 2, 2, 1.0)
    assert one.verdicts == ("passed", "failed")
    other = [replace(run, commit=f"{run.commit}{number}") for number, run in enumerate(same)]
    assert flaky(other) == [], "each is of another commit"
    assert flaky([replace(run, commit=f"{run.commit}-dirty") for run in same]) == [], "nobody knows what had changed"
    assert flaky([replace(run, versions={"go": str(n)}) for n, run in enumerate(same)]) == []
    assert len(flaky([replace(run, versions={"rust": str(n)}) for n, run in enumerate(same)])) == 1, "it does not play"


def test_a_cell_that_is_flaky_by_itself_is_flaky_without_a_commit() -> None:
    (one,) = flaky([past({A: Verdict.FLAKY}, commit="")])
    assert (one.score, one.verdicts) == (1.0, ("flaky",))


def test_rates_are_told_run_by_run() -> None:
    runs = [
        past({A: PASSED, B: PASSED}, day=1),
        past({A: PASSED, B: FAILED}, day=2),
        past({B: Verdict.UNSUPPORTED}, day=3),
    ]
    told = over_time(runs[::-1])
    assert told.platforms == {"cpp": [1.0, 0.5, None], "go": [1.0, 0.5, None]}
    assert told.scenarios == {"1.1": [1.0, 1.0, None], "1.2": [1.0, 0.0, None]}
    assert sparkline(told.platforms["go"]) == "█▄·"
    assert sparkline([0.999]) != sparkline([1.0])
    assert [run["at"][8:10] for run in told.document["runs"]] == ["01", "02", "03"]


def test_lines_fit_the_terminal() -> None:
    cells = {f"{n}.1[reader={'long' * 30},writer=go]": FAILED if n % 2 else PASSED for n in range(1, 60)}
    runs = [past(cells, day=day) for day in range(1, 28)]
    for width in (80, 120):
        told = list(history_lines(over_time(runs[::-1]), 20, width))
        assert max(map(len, told)) <= width
    assert "and 7 older: --all" in told
    assert any(line.startswith("    30 failed") for line in told)
