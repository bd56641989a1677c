"""The features as a whole: the numbers of the field, and the port kept clean."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.zoo.watch import project, scenarios

ROOT = Path(__file__).resolve().parents[2]
NUMBERS = {
    *(f"1.{n}" for n in range(1, 8)),
    *(f"2.{n}" for n in range(1, 5)),
    *(f"3.{n}" for n in range(1, 4)),
    *(f"4.{n}" for n in range(1, 13)),
    *("5.1", "5.2", "5.3", "5.5", "5.6", "5.7"),
    *(f"6.{n}" for n in range(1, 5)),
    *(f"7.{n}" for n in range(1, 5)),
    *(f"8.{n}" for n in range(1, 5)),
    "9.1",
    *(f"10.{n}" for n in range(1, 7)),
    *("11.1", "11.3", "11.4", "11.5"),
    *(f"12.{n}" for n in range(1, 5)),
    *(f"13.{n}" for n in range(1, 11)),
    *(f"14.{n}" for n in range(1, 7)),
}
LEAST_OF_OURS = 15


@pytest.fixture(scope="module")
def registry() -> Any:
    return project().library().registry


def test_every_number_of_the_field_has_its_scenario() -> None:
    have = {scenario.base_number for scenario in scenarios().values()}
    assert have >= NUMBERS


def test_there_are_scenarios_that_the_field_does_not_have() -> None:
    ours = {scenario.base_number for scenario in scenarios().values()} - NUMBERS
    assert len(ours) >= LEAST_OF_OURS


def test_steps_reach_the_library_only_through_the_port() -> None:
    for path in (ROOT / "step_definitions").rglob("*.py"):
        imports = re.findall(r"^\s*(?:from|import) (zerobuffer)\b", path.read_text(), flags=re.MULTILINE)
        assert not imports, path


def test_every_step_says_what_it_does(registry: Any) -> None:
    assert [one.qualified_name for one in registry.definitions if not one.summary] == []
