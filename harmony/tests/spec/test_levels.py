"""What the tags of a scenario say of how much a deviation weighs."""

from __future__ import annotations

from pathlib import Path

import pytest

from harmony.spec.gherkin import Scenario, parse_feature
from harmony.spec.levels import Standing, mixed


def tagged(tags: str) -> Scenario:
    return parse_feature(f"Feature: F\n  {tags}\n  Scenario: 1.1 A\n    Then a\n", Path("f")).scenarios[0]


@pytest.mark.parametrize(
    ("tags", "level", "clauses"),
    [
        ("@slow", "", ()),
        ("@clause:3.2", "", ("3.2",)),
        ("@must:MQTT-3.1.2-24 @clause:3.2", "must", ("MQTT-3.1.2-24", "3.2")),
        ("@should:A @should:B @should:A", "should", ("A", "B")),
        ("@may:A", "may", ("A",)),
        ("@must:A @arguable", "arguable", ("A",)),
        ("@arguable", "arguable", ()),
        ("@must @must: @musty:A @shouldn't:A", "", ()),
        ("@must:A @should:B", "must", ("A", "B")),  # lint refuses it
    ],
)
def test_tags_say_level_and_clauses(tags: str, level: str, clauses: tuple[str, ...]) -> None:
    assert Standing.of(tagged(tags)) == Standing(level, clauses)


def test_a_project_may_have_another_word_for_a_citation_without_a_level() -> None:
    assert Standing.of(tagged("@rule:7 @clause:8"), "rule") == Standing("", ("7",))


@pytest.mark.parametrize(("tags", "levels"), [("@must:A @should:B", ("must", "should")), ("@must:A @clause:B", ())])
def test_several_levels_are_found_and_a_citation_without_one_is_none(tags: str, levels: tuple[str, ...]) -> None:
    assert mixed(tagged(tags)) == levels
