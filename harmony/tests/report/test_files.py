"""What a run leaves in files."""

from __future__ import annotations

from pathlib import Path

import pytest

from harmony.report import files
from harmony.report.files import LastRun, Page
from harmony.verdict.events import CellFinished, RunFinished, StepFinished, StepStarted, encode_event, read_file
from synthetic_results import data_of
from synthetic_runs import a_run

RUN = a_run(2, ("cpp", "go"), ("guest", "host"))
STEPS = [event for event in RUN if isinstance(event, StepFinished)]


def test_the_last_run_can_be_told_again_with_its_steps(tmp_path: Path) -> None:
    keep = LastRun(tmp_path / "last.ndjson")
    for event in (StepStarted(cell="1.1", step="Given tea"), *RUN):
        keep(event)
    assert read_file(tmp_path / "last.ndjson") == RUN


def test_a_run_of_endless_steps_leaves_a_bounded_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "_ROOM", sum(len(encode_event(event)) + 1 for event in STEPS[:3]))
    keep = LastRun(tmp_path / "last.ndjson")
    for event in RUN:
        keep(event)
    kept = read_file(tmp_path / "last.ndjson")
    assert [event for event in kept if isinstance(event, StepFinished)] == STEPS[:3]
    assert sum(isinstance(event, CellFinished) for event in kept) == 8
    assert isinstance(kept[-1], RunFinished)


def test_the_page_of_a_run_has_its_steps(tmp_path: Path) -> None:
    written: list[Path] = []
    page = Page(None, tmp_path / "usual.html", written.append)
    for event in RUN:
        page(event)
    assert written == [tmp_path / "usual.html"]
    cells = data_of(written[0].read_text())["cells"]
    assert [len(steps) for steps in cells[8]] == [6 * 7] * 8
