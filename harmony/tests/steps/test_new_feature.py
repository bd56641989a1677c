from __future__ import annotations

import re
from pathlib import Path

import pytest

from harmony.errors import ConfigurationError
from harmony.project_file import NUMBER
from harmony.spec.gherkin import Feature, parse_feature
from harmony.steps.new_feature import NewFeature, new_feature

SCENARIO = """
  Scenario: {} {}
    Given the 'bell' process is struck
    Then the 'ear' process should hear it
"""


def feature(name: str, *titles: str, number: str = NUMBER) -> Feature:
    text = "Feature: F\n" + "".join(SCENARIO.format(*title.split(" ", 1)) for title in titles)
    return parse_feature(text, Path(name), re.compile(number))


def made(
    title: str, *features: Feature, number: str | None = NUMBER, roles: dict[str, str] | None = None
) -> NewFeature:
    return new_feature(
        title,
        features,
        {one.path.name for one in features},
        numbers=None if number is None else re.compile(number),
        roles=roles or {},
    )


def test_it_takes_the_next_number_and_the_manner_of_the_others() -> None:
    new = made("Late bells!", feature("007-a.feature", "7.1 A"), feature("9_b.feature", "9.3 B"))
    assert (new.name, new.scenario) == ("10_late-bells.feature", "10.1")
    assert "Scenario: 10.1 Late bells!\n    Given the 'bell' process is struck\n" in new.text
    assert "# Roles: bell, ear." in new.text


def test_the_first_one_needs_no_step_definition() -> None:
    new = made("Bells", roles={"bell": "rings", "ear": "hears"})
    assert new.name == "01-bells.feature"
    assert "# Roles: bell (rings), ear (hears)." in new.text
    assert "Then the 'bell' process is shut down" in new.text


def test_a_project_may_number_otherwise_or_not_at_all() -> None:
    brackets = r"\[(\d+\.\d+)\] "
    assert "Scenario: [1.1] Bells" in made("Bells", number=brackets).text
    other = r"no\. (\d+\.\d+)/ "
    with pytest.raises(ConfigurationError, match="no title is known"):
        made("Bells", number=other)
    known = feature("01-a.feature", "no. 1.1/ A", number=other)
    assert "Scenario: no. 2.1/ Bells" in made("Bells", known, number=other).text
    assert made("Bells", feature("a.feature", "x A"), number=None).name == "bells.feature"


def test_neither_a_name_nor_a_file_is_taken_twice() -> None:
    """A second scenario of one name does not lint; a second file of one name would replace the first."""
    new = made("Bells", feature("bells.feature", "x A", "x Bells"), number=None)
    assert new.name == "bells-2.feature"
    assert made("x A", feature("bells.feature", "x A"), number=None).scenario == "x A (2)"


@pytest.mark.parametrize("title", ["", "  ", "!?"])
def test_a_title_says_something(title: str) -> None:
    with pytest.raises(ConfigurationError, match="no title"):
        made(title)
