"""Gates: a number is met, too low or unknown, and unknown is never met."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harmony.config import GateSettings
from harmony.errors import ExitCode
from harmony.model import Verdict
from harmony.verdict import measurements
from harmony.verdict.events import Event, RunPlanned, encode_event
from harmony.verdict.gates import STAGES, Known, gates
from sandbox import Sandbox
from synthetic_results import result

JSON = '{"totals": {"percent_covered": 83.5}}'
XML = '<?xml version="1.0" ?>\n<coverage line-rate="0.9" branch-rate="0.5"><packages/></coverage>\n'
KNOWN = {name: Known(0.8, "somewhere") for name in ("coverage", "mutation", "pass_rate")}


def write(file: Path, *events: Event) -> Path:
    file.write_text("".join(f"{encode_event(event)}\n" for event in events), encoding="utf-8")
    return file


def plan(cells: int, **more: object) -> RunPlanned:
    return RunPlanned.model_validate({"cells": cells, "of": cells, "digest": "d", **more})


def test_each_stage_asks_for_more_than_the_one_before() -> None:
    for name in ("coverage", "mutation"):
        asked = [STAGES[stage][name] for stage in ("development", "staging", "production")]
        assert asked == sorted(set(asked))
    assert [gate.met for gate in gates(GateSettings(stage="staging"), KNOWN)] == [True, True, False]
    assert [gate.met for gate in gates(GateSettings(stage="production"), KNOWN)] == [False, False, False]


def test_a_number_of_the_project_stands_for_that_of_the_stage() -> None:
    own = GateSettings(stage="production", coverage=0.8, pass_rate=0.5, mutation=0)
    assert [(gate.wanted, gate.met) for gate in gates(own, KNOWN)] == [(0.8, True), (0, True), (0.5, True)]
    assert [gate.name for gate in gates(GateSettings(coverage=0.9), KNOWN)] == ["coverage"]
    assert gates(GateSettings(), KNOWN) == []


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (JSON, 0.835),
        (XML, 0.9),
        ("", None),
        ("<coverage/>", None),
        ("<html", None),
        ('{"totals": {}}', None),
        ("[1]", None),
        ('{"totals": {"percent_covered": 900}}', None),
        ('{"totals": {"percent_covered": NaN}}', None),
    ],
)
def test_coverage_is_read_or_unknown(tmp_path: Path, text: str, value: float | None) -> None:
    file = tmp_path / "coverage"
    file.write_text(text)
    assert measurements.coverage(file, "coverage").value == value


def test_what_is_not_there_is_unknown(tmp_path: Path) -> None:
    assert measurements.coverage(None, "").value is None
    assert measurements.coverage(tmp_path / "nothing", "nothing") == Known(None, "nothing: No such file or directory")
    assert measurements.cells([("last", tmp_path / "nothing")]).value is None
    assert measurements.mutation({}).value is None


def faults(file: Path, score: float | None, judged: int = 10, asked: int = 10) -> Path:
    told = {"score": score, "counts": {"killed": judged, "survived": 0}, "asked": asked, "found": 40}
    file.write_text(json.dumps(told))
    return file


def test_the_platform_whose_faults_are_found_least_decides(tmp_path: Path) -> None:
    """Nobody knows, where one was interrupted or has no score: another one says nothing of it."""
    go, rust = faults(tmp_path / "go", 0.9), faults(tmp_path / "rust", 0.75)
    found = measurements.mutation({"rust": rust, "go": go})
    assert found == Known(0.75, "go 0.9000, 10 of 40 faults; rust 0.7500, 10 of 40 faults")
    cut_short = faults(tmp_path / "c", 1.0, judged=3)
    assert measurements.mutation({"go": go, "c": cut_short}) == Known(None, "c: 3 of 10 faults are judged")
    for wrong in (faults(tmp_path / "none", None), tmp_path / "absent", write(tmp_path / "empty")):
        assert measurements.mutation({"go": go, "c": wrong}).value is None


def test_a_part_of_a_run_says_nothing_of_the_whole(tmp_path: Path) -> None:
    """One green cell of a hundred is no pass rate of 1; nor are results that are missing, nor one shard of two."""
    green = result()
    left = write(tmp_path / "a", plan(1, partial=["99 of 100 cells were not chosen"]), green)
    assert measurements.cells([("a", left)]) == Known(None, "no whole run: 99 of 100 cells were not chosen")
    assert measurements.cells([("a", write(tmp_path / "b", plan(2), green))]).value is None
    assert measurements.cells([("a", write(tmp_path / "c", green))]).value is None
    one = write(tmp_path / "1", plan(1, of=2, shard="1/2", division="x", partial=["1 of 2"]), green)
    two = result("1.2[reader=go,writer=go]", Verdict.FAILED)
    other = write(tmp_path / "2", plan(1, of=2, shard="2/2", division="x", partial=["1 of 2"]), two)
    assert measurements.cells([("1", one)]).value is None
    assert measurements.cells([("1", one), ("2", other)]).value == 0.5


def test_the_command_says_each_and_ends_with_a_code_of_its_own(sandbox: Sandbox) -> None:
    asks_nothing = sandbox.harmony("gates")
    assert (asks_nothing.returncode, "asks for nothing" in asks_nothing.stderr) == (ExitCode.CONFIGURATION, True)
    settings = 'steps = ["steps"]\n[gates]\nstage = "staging"\ncoverage_file = "coverage.xml"\n'
    sandbox.write("harmony.toml", settings)
    sandbox.write("coverage.xml", XML)
    write(sandbox.directory / "run.ndjson", plan(1), result())
    done = sandbox.harmony("gates", "run.ndjson")
    assert done.returncode == ExitCode.GATES, done.stderr
    assert done.stdout.splitlines() == [
        "stage      staging",
        "coverage   0.9000   at least 0.8: met  (coverage.xml)",
        f"mutation   unknown  at least 0.8: UNKNOWN  ({measurements.mutation({}).why})",
        "pass_rate  1.0000   at least 1: met  (1 cells, run.ndjson)",
    ]
    sandbox.write("harmony.toml", f"{settings}mutation = 0\n")
    met = sandbox.harmony("gates", "run.ndjson")
    assert (met.returncode, "mutation   not asked for" in met.stdout) == (0, True)
    assert sandbox.harmony("gates").returncode == ExitCode.GATES  # there is no last run
    low = sandbox.harmony("gates", "run.ndjson", "--set", "gates.coverage=0.95")
    assert (low.returncode, "at least 0.95: TOO LOW" in low.stdout) == (ExitCode.GATES, True)
