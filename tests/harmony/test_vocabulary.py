"""The features and their steps in the words of the field: vocabulary.txt beside this."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from harmony.model import StepType
from harmony.spec.gherkin import Step
from harmony.spec.routing import done_by_harmony
from harmony.spec.sentence import requires_processes
from harmony.steps.registry import StepRegistry
from tests.zoo.watch import project, scenarios

ROOT = Path(__file__).resolve().parents[2]
VOCABULARY = [line.split(" ", 1) for line in (ROOT / "tests" / "harmony" / "vocabulary.txt").read_text().splitlines()]
"""The type that workers of others know a phrase under, or "any" where they differ; the phrase."""
FIELD = (
    *(f"1.{n}" for n in range(1, 8)),
    *("2.1", "2.2", "2.4", "3.1", "3.2", "3.3"),
    *("4.1", "4.2", "4.3", "4.4", "4.5", "4.10"),
    *("13.1", "13.2", "13.3", "13.4", "13.8"),
)
"""Scenarios that workers of others can play: they know every sentence."""


@pytest.fixture(scope="module")
def registry() -> StepRegistry:
    return project().library().registry


@pytest.mark.parametrize(("kind", "phrase"), VOCABULARY)
def test_a_phrase_of_the_field_has_one_meaning_here(registry: StepRegistry, kind: str, phrase: str) -> None:
    sentence = phrase.replace("([0-9]+)", "4").replace("([^']+)", "7")
    types = list(StepType) if kind == "any" else [StepType(kind)]
    found = {match.definition.qualified_name for type_ in types for match in registry.matches(type_, sentence)}
    # What asks for processes of their own is answered by harmony itself.
    assert len(found) == (not requires_processes(sentence))


def known_as(step: Step) -> list[str]:
    return [kind for kind, phrase in VOCABULARY if re.fullmatch(phrase, step.text)]


def used() -> list[Step]:
    return [step for scenario in scenarios().values() for step in scenario.steps]


def test_the_features_say_what_the_field_says_in_its_words() -> None:
    said = [step.text for step in used()]
    unsaid = {phrase for _, phrase in VOCABULARY if not any(re.fullmatch(phrase, text) for text in said)}
    assert unsaid == {"we run in harmony"}


def test_a_phrase_stands_under_the_type_that_the_field_knows_it_under() -> None:
    wrong = [step for step in used() if "connects to buffer" in step.text and step.type is not StepType.WHEN]
    assert [f"{step.place}: {step}" for step in wrong] == []


def test_sizes_that_the_field_reads_are_plain_numbers() -> None:
    wrong = [step for step in used() if known_as(step) and re.search(r"'\d+(\.\d+)? ?[KMG]i?B'", step.text)]
    assert [f"{step.place}: {step}" for step in wrong] == []


@pytest.mark.parametrize("number", FIELD)
def test_workers_of_the_field_know_every_sentence_under_its_type(number: str) -> None:
    steps = [step for step in scenarios()[number].steps if not done_by_harmony(step.text)]
    unknown = [step for step in steps if not {"any", step.type.value} & set(known_as(step))]
    assert [f"{step.place}: {step}" for step in unknown] == []
