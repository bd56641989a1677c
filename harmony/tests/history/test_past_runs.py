"""What is kept of a run, where, how much of it, and which run a word means."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from threading import Barrier, Thread

import pytest

from harmony.errors import ConfigurationError
from harmony.history.past_run import PastRun
from harmony.history.sources import NoSuchRunError, find_run, runs_at
from harmony.history.store import Keeper, Store
from harmony.model import Verdict
from harmony.verdict.events import RunStarted, WorkerStarted
from past_runs import A, B, C, events, past, written
from synthetic_results import many, result


def test_a_run_is_the_same_when_it_is_read_again() -> None:
    cells = {one.cell: one for one in many(3, 4, broken_every=2)}
    odd = result("A title [with] brackets[solo=go]", Verdict.FAILED, number="", title="A title [with] brackets")
    run = past({**cells, odd.cell: odd})
    again = PastRun.from_json(run.to_json(), "it")
    assert again == run
    assert [one.error for one in again.results([odd.cell])] == ["frame data"], "of an error its first line is kept"
    assert len(run.to_json()) < 80 * len(run.cells) + 12_000


def test_words_of_others_are_visible_in_what_is_read() -> None:
    document = json.loads(past({A: Verdict.FAILED}).to_json())
    document["told"]["0"]["error"] = "\x1b[2J"
    document["told"]["0"]["cell"] = "another"
    (one,) = PastRun.from_json(json.dumps(document), "it").results()
    assert (one.error, one.cell) == (r"\x1b[2J", A)


@pytest.mark.parametrize(
    "change",
    [
        {"harmony-run": 99},
        {"cells": [[5, 0, 0, 0]]},
        {"cells": [[-1, 0, 0, 0]]},
        {"name": "../../x"},
        {"verdicts": ["green"]},
    ],
    ids=str,
)
def test_what_is_no_run_is_refused(change: dict[str, object]) -> None:
    document = json.loads(past({A: Verdict.PASSED}).to_json())
    with pytest.raises(ConfigurationError, match="it: no run that harmony has kept"):
        PastRun.from_json(json.dumps({**document, **change}), "it")


def test_a_run_that_was_broken_off_is_not_whole() -> None:
    assert past({A: Verdict.PASSED}).whole
    assert not past({A: Verdict.PASSED}, of=2).complete
    assert not past({A: Verdict.PASSED}, ended=2).complete
    assert not past({A: Verdict.PASSED}, ended=None).complete
    part = past({A: Verdict.PASSED}, partial=["9 of 10 cells were not chosen"])
    assert (part.complete, part.whole) == (True, False)


def test_several_runs_are_kept_at_once_and_the_oldest_forgotten(tmp_path: Path) -> None:
    store = Store(tmp_path, most=3)
    barrier = Barrier(4)

    def keep(day: int) -> None:
        keeper = Keeper(store)
        barrier.wait(30)
        for event in events({A: Verdict.PASSED}, day=day):
            keeper(event)

    threads = [Thread(target=keep, args=(day,)) for day in range(1, 5)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(30)
    assert [run.at[8:10] for run in runs_at([tmp_path]).runs] == ["04", "03", "02"]
    assert [file.suffix for file in tmp_path.iterdir()] == [".json"] * 3


def test_runs_of_a_part_push_no_whole_one_out(tmp_path: Path) -> None:
    store = Store(tmp_path, most=2)
    store.keep(past({A: Verdict.PASSED}))
    for day in range(2, 6):
        store.keep(past({A: Verdict.PASSED}, day=day, partial=["chosen"]))
    assert [run.whole for run in runs_at([tmp_path]).runs] == [False, False, True]
    small = Store(tmp_path, bytes_=store.files()[0].stat().st_size + 1)
    small.keep(past({A: Verdict.PASSED}, day=9))
    assert [run.at[8:10] for run in runs_at([tmp_path]).runs] == ["09"]
    assert Store(tmp_path / "none", most=0).keep(past({A: Verdict.PASSED})) is None


def test_a_run_without_a_cell_is_not_kept(tmp_path: Path) -> None:
    keeper = Keeper(Store(tmp_path))
    for event in events({}):
        keeper(event)
    assert Store(tmp_path).files() == []


def test_an_artefact_is_read_with_its_shards_together(tmp_path: Path) -> None:
    """Two runs of the same shards are two runs; what is no run is named and passed over."""
    for day in (1, 2):
        for index, cell in ((1, A), (2, B)):
            told = events({cell: Verdict.PASSED}, day=day, shard=f"{index}/2", of=2)
            written(tmp_path / f"run-{day}" / f"shard-{index}" / "events.ndjson", told)
    written(tmp_path / "alone.ndjson", events({C: Verdict.FAILED}, day=3))
    (tmp_path / "messages.ndjson").write_text('{"meta":{}}\n', encoding="utf-8")
    (tmp_path / "package.json").write_text("{}", encoding="utf-8")
    Store(tmp_path / "kept").keep(past({A: Verdict.FAILED}, day=4))
    found = runs_at([tmp_path])
    assert [(run.at[8:10], sorted(run.cells), run.whole) for run in found.runs] == [
        ("04", [A], True),
        ("03", [C], True),
        ("02", [A, B], True),
        ("01", [A, B], True),
    ]
    assert len(found.passed_over) == 1
    assert "messages.ndjson:1: no event" in found.passed_over[0]
    with pytest.raises(ConfigurationError, match="no event"):
        runs_at([tmp_path / "messages.ndjson"])


def test_a_word_means_one_run(tmp_path: Path) -> None:
    file = written(tmp_path / "x.ndjson", events({A: Verdict.PASSED}, day=9))
    part = past({A: Verdict.PASSED}, day=3, commit="aaaa11112222", partial=["chosen"])
    runs = [
        part,
        past({A: Verdict.PASSED}, day=2, commit="aaaa11112222"),
        past({A: Verdict.PASSED}, day=1, commit="bbbb"),
    ]
    assert find_run("last", runs) is runs[0]
    assert find_run("3", runs) is runs[2]
    assert find_run("aaaa1", runs) is runs[1], "a whole run of a commit before a part"
    assert find_run(runs[2].name, runs) is runs[2]
    assert find_run(str(file), []).at.startswith("2026-11-09")
    assert find_run(str(tmp_path), []).name == find_run(str(file), []).name
    for word, said in (
        ("4", "3 are kept"),
        ("cccc", "is no file, and no run"),
        (runs[0].name[:6], "has 3 runs, not one"),
    ):
        with pytest.raises(NoSuchRunError, match=said):
            find_run(word, runs)
    with pytest.raises(NoSuchRunError, match="none is kept"):
        find_run("last", [])


def test_the_commit_is_unknown_where_files_differed() -> None:
    run = past({A: Verdict.PASSED})
    assert (run.clean_commit, replace(run, commit="c0ffee-dirty").clean_commit) == ("c0ffee000001", "")


def test_the_versions_of_those_who_played_are_kept() -> None:
    begun, *rest = events({A: Verdict.PASSED})
    assert isinstance(begun, RunStarted)
    told = begun.model_copy(update={"versions": {"go": "1.23", "absent": "9"}})
    driver = WorkerStarted(platform="cpp", pid=1, implementation="lib", version="2", language="c++")
    run = PastRun.of({"run": [told, driver, *rest]})
    assert run.versions == {"go": "1.23", "cpp": "lib 2 (c++)"}
