"""Each thing lint knows has an example that it catches, and the same example without the fault passes."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytest_bdd import parsers

from harmony.network.steps import NetworkSteps
from harmony.spec.gherkin import parse_feature
from harmony.steps.injection import Providers
from harmony.steps.library import StepLibrary
from harmony.steps.lint import LintRules, has_no_effect, lint, report, usages
from harmony.steps.registry import StepRegistry, given, step, then, when

RULES = LintRules(tags=frozenset({"slow"}))

GOOD = """
Feature: Frames
  Background:
    Given the ground

  @slow
  Scenario: 1.1 One
    Given the 'writer' process writes '5' frames
    When the 'writer' process is killed
    Then the 'reader' process should see '5' frames
"""


class Steps:
    def __init__(self) -> None:
        self.count = 0

    @given("the ground")
    def ground(self) -> None:
        """Stand."""
        self.count = 0

    @given(parsers.re(r"the '([^']+)' process writes '(?P<count>[^']+)' frames"))
    def writes(self, process: str, count: int) -> None:
        """Write."""
        self.count += count

    @then(parsers.re(r"the '([^']+)' process should see '(?P<count>[^']+)' frames"))
    def sees(self, process: str, count: int) -> None:
        """See."""
        assert count


def problems(source: str = GOOD, *more: type, path: str = "01-frames.feature", rules: LintRules = RULES) -> list[str]:
    library = StepLibrary(StepRegistry.of_classes(Steps, *more))
    return [
        f"{one.code}:{one.place.line}" for one in lint([parse_feature(source.lstrip("\n"), Path(path))], library, rules)
    ]


def test_what_fits_has_no_problem() -> None:
    assert problems() == []


def changed(old: str, new: str) -> str:
    assert GOOD.count(old) >= 1
    return GOOD.replace(old, new)


SECOND = GOOD.partition("  @slow\n")[2]


@pytest.mark.parametrize(
    ("source", "found"),
    [
        (changed("should see '5' frames", "should see five frames"), "undefined:9"),
        (changed("Given the 'writer'", "When the 'writer'"), "undefined:7"),
        (changed("writes '5'", "writes 'many'"), "argument:7"),
        (changed("writes '5' frames", "writes '5' frames\n      | a |\n      | 1 |"), "argument:7"),
        (changed("1.1 One", "One"), "unnumbered:6"),
        (changed("1.1 One", "2.1 One"), "number_elsewhere:6"),
        (changed("@slow", "@quick"), "unknown_tag:6"),
        (GOOD + "\n" + SECOND.replace("One", "Other"), "duplicate_number:11"),
        (GOOD + "\n" + SECOND.replace("1.1", "1.2"), "duplicate_name:11"),
        (GOOD + "\n  Scenario: 1.2 Two\n", "empty_scenario:11"),
        (GOOD + "\n  Scenario: 1.2 Two\n    Given the 'writer' process writes '5' frames\n", "checks_nothing:11"),
        (GOOD + "\n  Scenario Outline: 1.2 <n>\n    Then <n>\n", "empty_outline:11"),
        ("Feature: nothing\n", "empty_feature:1"),
    ],
)
def test_what_is_wrong_in_a_feature(source: str, found: str) -> None:
    assert found in problems(source)


def test_a_pattern_declares_a_family_of_tags_and_no_other() -> None:
    family = LintRules(tags=frozenset({"clause:*"}))
    assert problems(changed("@slow", "@clause:3.2 @clause:10.1"), rules=family) == []
    assert problems(changed("@slow", "@clauses:3.2"), rules=family) == ["unknown_tag:6"]


def test_a_role_that_no_platform_plays_is_named_and_one_that_some_platform_plays_is_not() -> None:
    assert problems(GOOD, rules=LintRules(tags=RULES.tags, played=frozenset({"reader"}))) == ["unplayed_role:6"]
    assert problems(GOOD, rules=LintRules(tags=RULES.tags, played=frozenset({"reader", "writer"}))) == []


def test_a_scenario_of_several_levels_is_refused() -> None:
    known = LintRules(tags=frozenset({"must:*", "should:*", "arguable"}))
    assert problems(changed("@slow", "@must:A @should:B"), rules=known) == ["mixed_levels:6"]
    assert problems(changed("@slow", "@must:A @must:B @arguable"), rules=known) == []


class Ambiguous:
    @given(parsers.parse("the '{process}' process writes '{count}' frames"))
    def also_writes(self, process: str, count: str) -> None:
        """Write, too."""
        assert count


class Unused:
    @when("nobody says this")
    def unused(self) -> None:
        """Lie about."""
        assert self


class General:
    @when("somebody writes")
    def writes(self) -> None:
        """Write."""
        assert self


class Empty:
    @given("the sky")
    def nothing(self) -> None:
        """Do nothing."""


class Logging:
    def __init__(self) -> None:
        self._logger = print

    @given("the sky")
    def nothing(self) -> None:
        """Do nothing but talk."""
        self._logger.info("sky")  # type: ignore[attr-defined]


class Needy:
    def __init__(self, size: int) -> None:
        self.size = size

    @given("the sky")
    def sky(self) -> None:
        """Look up."""
        assert self.size


class Reserved:
    @when("wait for '5' seconds")
    def wait(self) -> None:
        """Wait."""
        assert self


def codes(source: str, *more: type) -> set[str]:
    return {found.partition(":")[0] for found in problems(source, *more)}


def test_ambiguous() -> None:
    assert codes(GOOD, Ambiguous) == {"ambiguous"}


def test_unused() -> None:
    assert codes(GOOD, Unused) == {"unused"}


def test_a_when_that_nobody_in_particular_does() -> None:
    source = changed(
        "Given the 'writer' process writes '5' frames",
        "When somebody writes\n    Given the 'writer' process writes '5' frames",
    )
    assert codes(source, General) == {"no_role"}


def test_a_given_may_go_to_all() -> None:
    class Sky:
        @given("the sky")
        def sky(self) -> None:
            """Look up."""
            assert self

    assert codes(changed("Given the ground", "Given the ground\n    And the sky"), Sky) == set()


@pytest.mark.parametrize(("owner", "code"), [(Empty, "no_effect"), (Logging, "no_effect"), (Needy, "injection")])
def test_what_is_wrong_in_a_step_class(owner: type, code: str) -> None:
    assert codes(changed("Given the ground", "Given the ground\n    And the sky"), owner) == {code}


class Variadic:
    @given("the sky")
    def sky(self, *more: str) -> None:
        """Look up."""
        assert more


class Untyped:
    def __init__(self, thing) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
        self.thing = thing

    @given("the sky")
    def sky(self) -> None:
        """Look up."""
        assert self.thing


@pytest.mark.parametrize(("owner", "code"), [(Variadic, "step_class"), (Untyped, "injection")])
def test_signatures_that_cannot_be_used(owner: type, code: str) -> None:
    assert code in codes(changed("Given the ground", "Given the ground\n    And the sky"), owner)


def test_what_harmony_does_needs_no_definition_and_must_have_none() -> None:
    assert codes(GOOD, Reserved) == {"unused", "reserved"}


NETWORK = """
Feature: Network
  Scenario: 1.1 One
    Given the ground
    When the network between the 'writer' and the 'reader' is cut
    Then the 'writer' process should see '5' frames
    And the 'reader' process should see '5' frames
"""


def test_sentences_of_harmony_that_nobody_uses_are_no_problem() -> None:
    assert codes(NETWORK, NetworkSteps) == {"unused"}  # of this module
    assert codes(NETWORK.replace("is cut", "is cat"), NetworkSteps) == {"undefined", "unused"}


def test_a_network_lies_between_roles_of_the_scenario() -> None:
    wrong = NETWORK.replace("the 'reader' is cut", "the 'raeder' is cut")
    assert "unknown_role" in codes(wrong, NetworkSteps)


def test_steps_with_an_effect_are_left_alone() -> None:
    assert not has_no_effect(Steps.writes)
    assert has_no_effect(Empty.nothing)


def test_the_same_name_in_two_rules_is_an_error() -> None:
    source = """
Feature: Rules
  Rule: A
    Scenario: 1.1 Same
      Given the 'writer' process writes '5' frames
      Then the 'reader' process should see '5' frames
  Rule: B
    Scenario: 1.2 Same
      Given the 'writer' process writes '5' frames
      Then the 'reader' process should see '5' frames
"""
    assert "duplicate_name:7" in problems(source)


def test_everything_is_reported_at_once_with_places_and_a_snippet() -> None:
    source = changed("should see '5' frames", "sells five horses").replace("@slow", "@quick").replace("1.1 One", "One")
    library = StepLibrary(StepRegistry.of_classes(Steps, Unused), Providers())
    found = lint([parse_feature(source.lstrip("\n"), Path("01-frames.feature"))], library, RULES)
    text = report(found)
    for expected in (
        "01-frames.feature:9: undefined",
        "01-frames.feature:6: unknown_tag",
        "01-frames.feature:6: unnumbered",
        "test_lint.py:",
        "@then(parsers.re(r\"the '(?P<process>[^']+)' process sells five horses\"))",
        "nothing has been run",
    ):
        assert expected in text


def test_usages_say_where_a_sentence_is_said() -> None:
    library = StepLibrary(StepRegistry.of_classes(Steps, Unused))
    feature = parse_feature(GOOD.lstrip("\n"), Path("01-frames.feature"))
    counted = {
        usage.definition.method: [step.place.line for step in usage.steps] for usage in usages([feature], library)
    }
    assert counted == {"ground": [3], "writes": [7], "sees": [9], "unused": []}


def test_any_type_matches_a_step_decorator() -> None:
    class Any:
        @step("the sky")
        def sky(self) -> None:
            """Look."""
            assert self

    assert codes(changed("Given the ground", "Given the ground\n    And the sky"), Any) == set()


def reported(source: str, *more: type) -> str:
    library = StepLibrary(StepRegistry.of_classes(Steps, *more))
    return report(lint([parse_feature(source.lstrip("\n"), Path("01-frames.feature"))], library, RULES))


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [
        ("the 'writer' process wirtes '5' frames", "the 'writer' process writes '5' frames"),
        ("the 'new writer' process writes '7' frame", "the 'new writer' process writes '7' frames"),
        ("the \"writer\" process write '5' frames;", "the 'writer' process writes '5' frames"),
        ("teh ground", "the ground"),
    ],
)
def test_a_typo_proposes_the_sentence_that_was_meant_and_no_new_step(wrong: str, meant: str) -> None:
    right = "the ground" if "ground" in wrong else "the 'writer' process writes '5' frames"
    told = reported(changed(right, wrong))
    assert f"did you mean: {meant} (Steps." in told
    assert "unused" not in told, "one cause is one problem"
    assert "harmony scaffold" not in told
    assert told.endswith("1 problem; nothing has been run.")


@pytest.mark.parametrize("new", ["the moon shines on '5' frames", "the 'writer' process sells '5' horses to a friend"])
def test_what_is_near_to_nothing_is_a_new_step(new: str) -> None:
    told = reported(GOOD + f"    And {new}\n")
    assert "did you mean" not in told
    assert "async def " in told


def test_one_doubled_pattern_is_one_problem_at_many_places() -> None:
    more = "".join(
        f"\n  Scenario: 1.{number} N{number}\n    Given the 'writer' process writes '{number}' frames\n"
        f"    Then the 'reader' process should see '{number}' frames\n"
        for number in range(2, 111)
    )
    told = reported(GOOD + more, Ambiguous)
    assert told.count("ambiguous") == 1
    assert "also at 01-frames.feature:12, 01-frames.feature:16, 01-frames.feature:20 and 106 more" in told
    assert told.endswith("1 problem at 110 places; nothing has been run.")


def test_a_tag_that_is_near_to_a_known_one_is_named_once() -> None:
    told = reported(changed("@slow", "@slwo") + SECOND.replace("1.1 One", "1.2 Two").replace("  Sc", "\n  @slwo\n  Sc"))
    assert told.count("did you mean 'slow'?") == 1
    assert told.endswith("1 problem at 2 places; nothing has been run.")


def test_different_causes_stay_apart() -> None:
    told = reported(changed("writes '5' frames", "wirtes '5' frames").replace("see '5'", "seee '5'"))
    assert told.endswith("2 problems; nothing has been run.")


def test_two_problems_of_one_method_are_both_told() -> None:
    """They have the same kind and place, and nothing else."""

    class Twice:
        @given("the sun")
        @given("the stars")
        def above(self) -> None:
            raise NotImplementedError

    told = reported(GOOD, Twice)
    assert "the sun" in told
    assert "the stars" in told
