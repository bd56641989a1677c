from __future__ import annotations

from pathlib import Path

import pytest

from harmony.errors import GherkinSyntaxError, Place
from harmony.model import DataTable, DocString, StepType
from harmony.spec.gherkin import parse_feature, read_feature

PATH = Path("features/05-things.feature")

SOURCE = '''@everything
Feature: Things
  Background:
    Given the ground
    And more ground

  Scenario: 5.1 First things
    * first
    When second
    But third
    Then fourth
      | a | b |
      | 1 | 2 |

  Rule: Rows
    @row
    Scenario Outline: 5.2 Row of <n>
      Given <n> things
      Then a text:
        """json
        {"n": <n>}
        """

      @small
      Examples:
        | n |
        | 1 |
        | 2 |

      Examples:
        | n   |
        | 300 |

    Scenario: no number
      Then nothing
'''


@pytest.fixture
def feature():  # type: ignore[no-untyped-def]  # noqa: ANN201
    return parse_feature(SOURCE, PATH)


def test_titles_carry_numbers_and_rows_a_suffix(feature) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    assert [(one.number, one.base_number, one.row, one.id) for one in feature.scenarios] == [
        ("5.1", "5.1", 0, "5.1 First things"),
        ("5.2.1", "5.2", 1, "5.2.1 Row of 1"),
        ("5.2.2", "5.2", 2, "5.2.2 Row of 2"),
        ("5.2.3", "5.2", 3, "5.2.3 Row of 300"),
        ("", "", 0, "no number"),
    ]


def test_tags_rules_and_places(feature) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    first, row, _, third, last = feature.scenarios
    assert first.tags == ("everything",)
    assert row.tags == ("everything", "row", "small")
    assert third.tags == ("everything", "row")
    assert (first.rule, row.rule, last.rule) == ("", "Rows", "Rows")
    assert first.place == Place(PATH, 7)
    assert row.place == Place(PATH, 27)
    assert row.values == {"n": "1"}
    assert [step.place.line for step in row.steps] == [4, 5, 18, 19]


def test_keywords_are_resolved(feature) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    steps = feature.scenarios[0].steps
    assert [(step.keyword, step.type, step.text, step.background) for step in steps] == [
        ("Given", StepType.GIVEN, "the ground", True),
        ("And", StepType.GIVEN, "more ground", True),
        ("*", StepType.GIVEN, "first", False),
        ("When", StepType.WHEN, "second", False),
        ("But", StepType.WHEN, "third", False),
        ("Then", StepType.THEN, "fourth", False),
    ]


def test_tables_and_doc_strings(feature) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    assert feature.scenarios[0].steps[-1].table == DataTable(("a", "b"), (("1", "2"),))
    assert feature.scenarios[0].steps[-1].table.dicts() == [{"a": "1", "b": "2"}]
    assert feature.scenarios[3].steps[-1].doc_string == DocString('{"n": 300}', "json")
    assert feature.scenarios[0].steps[0].table is None


def test_an_outline_without_rows_is_not_forgotten() -> None:
    source = "Feature: x\n  Scenario Outline: 1.1 gone\n    Given <a>\n    Examples:\n      | a |\n"
    feature = parse_feature(source, PATH)
    assert feature.scenarios == ()
    assert feature.empty_outlines == (("1.1 gone", Place(PATH, 2)),)


def test_an_empty_file_is_a_feature_without_scenarios() -> None:
    assert parse_feature("", PATH).scenarios == ()


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("Feature: x\n  Scenario: y\n    Given a\n  nonsense here\n", 4),
        ("no feature\n", 1),
        ("Feature: x\n  Scenario: y\n    Given a\n      | a | b |\n      | 1 |\n", 5),
        ("# language: klingonish\nFeature: x\n", 1),
    ],
)
def test_what_is_not_gherkin_is_an_error_with_its_place(source: str, line: int) -> None:
    with pytest.raises(GherkinSyntaxError) as caught:
        parse_feature(source, PATH)
    assert caught.value.place == Place(PATH, line)


def test_a_file_in_another_encoding_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "bad.feature").write_bytes(b"Feature: \xff\xfe")
    with pytest.raises(GherkinSyntaxError, match="UTF-8"):
        read_feature(tmp_path / "bad.feature")
