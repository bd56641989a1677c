from __future__ import annotations

from pathlib import Path

import pytest

from harmony.errors import ExitCode, NothingSelectedError, UnknownSelectionError
from harmony.spec.gherkin import Scenario, parse_feature
from harmony.spec.selection import require_some, select

BASIC = """Feature: Basic Communication
  Scenario: 1.1 Simple write and read
    Then x
  Scenario: 1.10 Tenth
    Then x
  Scenario Outline: 1.2 Sizes
    Then <n>
    Examples:
      | n |
      | 1 |
      | 2 |
"""
DUPLEX = """Feature: Duplex
  Scenario: 13.1 Echo
    Then x
  @stress
  Scenario: 13.2 Storm
    Then x
"""


@pytest.fixture
def scenarios() -> list[Scenario]:
    return [
        *parse_feature(BASIC, Path("01-basic-communication.feature")).scenarios,
        *parse_feature(DUPLEX, Path("13-duplex.feature")).scenarios,
    ]


@pytest.mark.parametrize(
    ("words", "numbers"),
    [
        (["1.1"], ["1.1"]),
        (["1.2"], ["1.2.1", "1.2.2"]),
        (["1.2.2"], ["1.2.2"]),
        (["1"], ["1.1", "1.10", "1.2.1", "1.2.2"]),
        (["01"], ["1.1", "1.10", "1.2.1", "1.2.2"]),
        (["13.*"], ["13.1", "13.2"]),
        (["1.?"], ["1.1", "1.2.1", "1.2.2"]),
        (["BasicCommunication"], ["1.1", "1.10", "1.2.1", "1.2.2"]),
        (["basic-communication"], ["1.1", "1.10", "1.2.1", "1.2.2"]),
        (["echo", "1.1"], ["1.1", "13.1"]),
    ],
)
def test_words_name_scenarios(scenarios: list[Scenario], words: list[str], numbers: list[str]) -> None:
    assert [scenario.number for scenario in select(scenarios, words)] == numbers


@pytest.mark.parametrize(
    ("word", "nearest"), [("1.3", "1.2"), ("12.1", "13.1"), ("2", "1.1"), ("Duplicks", "'Duplex'"), ("1.1.1", "1.1")]
)
def test_a_word_that_names_nothing_lists_the_nearest(scenarios: list[Scenario], word: str, nearest: str) -> None:
    with pytest.raises(UnknownSelectionError) as caught:
        select(scenarios, ["1.1", word])
    assert nearest in caught.value.hint
    assert caught.value.exit_code is ExitCode.USAGE


def test_opt_in_scenarios_need_to_be_asked_for(scenarios: list[Scenario]) -> None:
    assert [one.number for one in require_some(select(scenarios, ["13"]), ["stress"], [])] == ["13.1"]
    assert [one.number for one in require_some(select(scenarios, ["13"]), ["stress"], ["stress"])] == ["13.1", "13.2"]


def test_nothing_is_an_error_that_says_what_to_add(scenarios: list[Scenario]) -> None:
    with pytest.raises(NothingSelectedError) as caught:
        require_some(select(scenarios, ["13.2"]), ["stress", "benchmark"], [])
    assert "add --with-tag stress" in caught.value.hint
    assert caught.value.exit_code is ExitCode.NOTHING_SELECTED
