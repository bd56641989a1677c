"""What is told of a cell beside its verdict."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harmony.model import LogRecord, Verdict
from harmony.plan.cells import Cell
from harmony.plan.pairing import Pairing
from harmony.spec.gherkin import parse_feature
from harmony.spec.routing import route
from harmony.verdict.event_factory import cell_finished, step_finished
from harmony.verdict.result import StepResult, not_played

FEATURE = """
@hot
Feature: Tea
  Scenario: 1.1 Black
    Given the 'host' process has
      | tea   | cups |
      | black | 2    |
    Then the 'guest' process drinks
      '''
      slowly
      '''
"""
SCENARIO = parse_feature(FEATURE.replace("'''", '"""'), Path("tea.feature")).scenarios[0]
CELL = Cell(SCENARIO, Pairing.of({"guest": "cpp", "host": "go"}))
NOT_PLAYED = not_played(route(SCENARIO), Verdict.CRASHED, "it died", 7)


@pytest.mark.parametrize(("verdict", "told"), [(Verdict.CRASHED, {"a.yaml": "text"}), (Verdict.UNSUPPORTED, {})])
def test_only_a_red_cell_takes_its_recordings_along(verdict: Verdict, told: dict[str, str]) -> None:
    """All of them would make the file of events as large as the directory of recordings."""
    result = not_played(route(SCENARIO), verdict, "so", 7)
    assert cell_finished(CELL, result, "again", recordings={"a.yaml": "text"}).recordings == told


def test_logs_are_told_of_a_cell_that_has_a_report_only() -> None:
    logs = {"host": [LogRecord("2026-01-05T09:00:00.000Z", 3, "hot\x1b")] * 100, "guest": []}
    red = cell_finished(CELL, replace(NOT_PLAYED, logs=logs), "again")
    assert list(red.logs) == ["host"]
    assert len(red.logs["host"]) == 61, "head, tail and how many are between"
    assert (red.logs["host"][0].level, red.logs["host"][0].text) == ("warning", "hot\\x1b")
    green = replace(NOT_PLAYED, results=(), verdict=Verdict.PASSED, logs=logs)
    assert cell_finished(CELL, green, "again").logs == {}


def test_tags_and_the_steps_that_were_left_are_told() -> None:
    told = cell_finished(CELL, NOT_PLAYED, "again")
    assert told.tags == ["hot"]
    assert told.not_run == ["Given the 'host' process has", "Then the 'guest' process drinks"]


def test_a_step_tells_its_table_or_its_doc_string() -> None:
    one, other = (
        step_finished(CELL, StepResult(step, NOT_PLAYED.results[0].phase, {}, Verdict.PASSED, 0.1)).argument
        for step in SCENARIO.steps
    )
    assert one == "| tea | cups |\n| black | 2 |"
    assert other == "slowly"
