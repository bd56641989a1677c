"""Two runs side by side: what differs, what is only noise, and what ends the command red."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from harmony.errors import ExitCode
from harmony.history.comparison import GATES, Kind, compare
from harmony.history.past_run import PastRun
from harmony.history.telling import comparison_document, comparison_lines, comparison_markdown
from harmony.model import Verdict
from harmony.report.markdown import LONGEST
from harmony.verdict.events import CellFinished
from past_runs import A, B, C, Cells, events, past, written
from sandbox import Sandbox
from synthetic_results import many, result

EVIL = "</details><script>alert(1)</script> ``` @everyone | \x1b[2J"


def kinds(old: Cells, new: Cells) -> dict[str, str]:
    """Return how each cell differs."""
    found = compare(past(old), past(new, day=2))
    return {change.cell: change.kind.value for change in found.changes}


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        (Verdict.PASSED, Verdict.FAILED, "newly-red"),
        (Verdict.UNSUPPORTED, Verdict.CRASHED, "newly-red"),
        (Verdict.KNOWN_FAILURE, Verdict.UNEXPECTED_PASS, "newly-red"),
        (Verdict.PASSED, Verdict.NOT_RUN, "newly-red"),
        (None, Verdict.FAILED, "newly-red"),
        (Verdict.FAILED, Verdict.CRASHED, "changed-error"),
        (Verdict.FAILED, Verdict.FAILED, None),
        (Verdict.PASSED, Verdict.UNSUPPORTED, "no-longer-passed"),
        (Verdict.PASSED, Verdict.KNOWN_FAILURE, "no-longer-passed"),
        (Verdict.FAILED, Verdict.PASSED, "newly-green"),
        (Verdict.UNSUPPORTED, Verdict.PASSED, "newly-green"),
        (Verdict.FAILED, Verdict.KNOWN_FAILURE, "excused"),
        (Verdict.PASSED, None, "vanished"),
        (None, Verdict.PASSED, "new"),
        (Verdict.PASSED, Verdict.PASSED, None),
    ],
)
def test_how_a_cell_differs(old: Verdict | None, new: Verdict | None, kind: str | None) -> None:
    before, now = ({A: Verdict.PASSED, **({B: verdict} if verdict else {})} for verdict in (old, new))
    assert kinds(before, now).get(B) == kind


def test_the_same_cause_with_other_values_is_no_other_cause() -> None:
    def failed(error: str) -> CellFinished:
        return result(A, Verdict.FAILED, error=error)

    old = {A: failed("expected 2, found 3")}
    assert kinds(old, {A: failed("expected 7, found 9")}) == {}
    assert kinds(old, {A: failed("no answer within 30 s")}) == {A: "changed-error"}


def test_what_a_part_leaves_out_has_not_vanished() -> None:
    whole, part = past({A: Verdict.PASSED, B: Verdict.PASSED}), past({A: Verdict.PASSED}, day=2, partial=["chosen"])
    found = compare(whole, part)
    assert (found.changes, found.notes) == ((), ("NEW is a part: chosen",))
    assert compare(part, whole).changes == ()
    without = compare(whole, past({A: Verdict.PASSED}, day=2, absent=["rust"]))
    assert (without.changes, without.notes) == ((), ("not available in NEW: rust: not built",))
    off = compare(whole, past({A: Verdict.PASSED}, day=2, of=2))
    assert any(note.startswith("NEW was broken off") for note in off.notes)


def timed(seconds: dict[str, float], **more: object) -> PastRun:
    return past({key: result(key, seconds=took) for key, took in seconds.items()}, **more)


def test_slower_is_what_no_run_before_has_shown() -> None:
    keys = [f"1.{n}[a=go]" for n in range(1, 8)]
    history = [timed(dict.fromkeys(keys, 1.0 + day / 20), day=day) for day in range(1, 8)]
    usual = dict.fromkeys(keys, 1.1)
    assert compare(history[-1], timed({**usual, keys[0]: 1.6}, day=9), history).changes == ()
    (change,) = compare(history[-1], timed({**usual, keys[0]: 2.6}, day=9), history).changes
    assert (change.kind, change.cell) == (Kind.SLOWER, keys[0])
    assert change.why == "2.600 s, usually 1.200 s, at most 1.800 s is noise (7 runs)"
    elsewhere = [timed(dict.fromkeys(keys, 9.0), day=day, machine="slow") for day in range(1, 8)]
    assert len(compare(history[-1], timed({**usual, keys[0]: 2.6}, day=9), [*history, *elsewhere]).changes) == 1


def test_a_machine_that_is_slower_makes_no_cell_slower() -> None:
    keys = [f"1.{n}[a=go]" for n in range(1, 8)]
    found = compare(timed(dict.fromkeys(keys, 1.0)), timed({**dict.fromkeys(keys, 4.0), keys[0]: 20.0}, day=2))
    assert [change.cell for change in found.changes] == [keys[0]]
    assert found.notes == ("NEW is 4.00 times as slow as a whole: of each cell that is taken off",)


def test_a_version_is_compared_with_another_one() -> None:
    """Of one run that played both, cells in which the two meet belong to neither side."""
    names = ("broker=mochi@1", "broker=mochi@2")
    cells = {
        f"1.1[{name},client={client}]": Verdict.PASSED for name in names for client in ("paho", "mochi@1", "mochi@2")
    }
    cells["1.1[broker=mochi@2,client=paho]"] = Verdict.FAILED
    run = past(cells)
    found = compare(run, run, names={"mochi@1": "mochi@2"})
    assert {change.cell: change.kind for change in found.changes} == {"1.1[broker=mochi@2,client=paho]": Kind.NEWLY_RED}
    assert sorted(found.old.cells) == sorted(found.new.cells)
    assert found.versions == {"mochi@2": ("mochi@1", "mochi@2")}


def test_a_version_that_changed_is_told() -> None:
    run = past({A: Verdict.PASSED})
    old, new = replace(run, versions={"go": "1.22", "cpp": "2"}), replace(run, versions={"go": "1.23", "cpp": "2"})
    assert compare(old, new).versions == {"go": ("1.22", "1.23")}
    assert "version  go: 1.22 -> 1.23" in comparison_lines(compare(old, new), 120)


def test_newly_red_is_told_by_whose_fault_it_is() -> None:
    """What was red before is not newly red, and does not hide who is."""
    pairs = [(reader, writer) for reader in ("go", "cpp", "rust") for writer in ("go", "cpp", "rust")]
    key = "1.{}[reader={},writer={}]".format
    old = {key(n, *pair): Verdict.FAILED if n == 1 else Verdict.PASSED for n in (1, 2) for pair in pairs}
    new = {cell: Verdict.FAILED if cell.startswith("1.1") or "writer=go" in cell else Verdict.PASSED for cell in old}
    told = list(comparison_lines(compare(past(old), past(new, day=2)), 120))
    assert "newly red (3)" in told
    assert any("all 3 have writer=go" in line for line in told)


def test_a_comment_fits_and_names_what_is_left_out() -> None:
    cells = {one.cell: one for one in many(20, 10, broken_every=1)}
    wide = {
        key: one.model_copy(
            update={"verdict": Verdict.FAILED, "error": f"{EVIL} {'wide ' * 90}{key}", "repeat": "r" * 9000}
        )
        for key, one in cells.items()
    }
    found = compare(past(dict.fromkeys(cells, Verdict.PASSED)), past(wide, day=2))
    text = comparison_markdown(found, {Kind.NEWLY_RED})
    assert len(text) <= LONGEST
    assert text.startswith("<!-- harmony compare -->\n\n### ✗ harmony: 2000 newly red\n")
    assert " failed; first cause: " in text.partition("```text")[2]
    assert "<script>" not in text.partition("```text")[0]
    assert "\x1b" not in text


def test_json_has_each_cell_that_differs() -> None:
    found = compare(past({A: Verdict.PASSED, B: Verdict.PASSED}), past({A: Verdict.FAILED, C: Verdict.PASSED}, day=2))
    told = json.loads(json.dumps(comparison_document(found, frozenset(GATES))))
    assert told["failing"] == ["newly-red", "vanished"]
    assert [(one["cell"], one["kind"]) for one in told["changes"]] == [(A, "newly-red"), (B, "vanished"), (C, "new")]
    assert told["changes"][0]["new"]["error"] == "frame data"


def test_the_command_compares_and_ends_worse_or_not(sandbox: Sandbox) -> None:
    """Files and runs that are kept alike; each kind that is asked for ends it red, a run that was broken off, too."""
    box = sandbox.directory
    cells = {A: Verdict.PASSED, B: Verdict.FAILED}
    written(box / "old.ndjson", events(cells))
    written(box / "new.ndjson", events({**cells, A: Verdict.UNSUPPORTED, B: Verdict.PASSED}, day=2))
    written(box / "worse.ndjson", events({**cells, A: Verdict.CRASHED}, day=3))
    written(box / "off.ndjson", events({A: Verdict.PASSED}, day=4, of=2))

    def code(*words: str) -> int:
        done = sandbox.harmony("compare", *words)
        assert "Traceback" not in done.stderr
        return done.returncode

    assert code("old.ndjson", "new.ndjson") == ExitCode.OK
    assert code("old.ndjson", "new.ndjson", "--fail-on", "newly-red, no-longer-passed") == ExitCode.WORSE
    assert code("old.ndjson", "worse.ndjson", "--format", "markdown", "-o", "told.md") == ExitCode.WORSE
    assert "1 newly red" in (box / "told.md").read_text("utf-8")
    assert code("old.ndjson", "worse.ndjson", "--fail-on", "none") == ExitCode.OK
    assert code("old.ndjson", "off.ndjson") == ExitCode.WORSE
    assert code("old.ndjson", "old.ndjson", "--fail-on", "newly-rad") == ExitCode.USAGE
    assert code("old.ndjson", "old.ndjson", "--map", "gone=go") == ExitCode.USAGE
    assert code() == ExitCode.USAGE
    listed = sandbox.harmony("history", ".")
    assert listed.returncode == ExitCode.OK, listed.stderr
    assert "red now, and since when" in listed.stdout
    kept = sandbox.harmony("compare", "4", "2", "--history", ".", "--format", "json")
    assert json.loads(kept.stdout)["failing"] == ["newly-red"]
