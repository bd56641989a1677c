"""How binding a scenario is: what its tags say of the clauses of a written specification. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from harmony.spec.gherkin import Scenario

ARGUABLE: Final = "arguable"
LEVEL_TAGS: Final[Mapping[str, str]] = {
    "must:*": "what deviates from this clause does not conform",
    "should:*": "a deviation from this clause is told",
    "may:*": "what this clause allows may be left out",
    ARGUABLE: "it is arguable what the clauses ask for: a deviation is told, and never red",
}
"""Tags that every project has, and what they mean."""


class Level(StrEnum):
    """How binding a clause is, by the strongest word of RFC 2119 in it."""

    MUST = "MUST"
    SHOULD = "SHOULD"
    MAY = "MAY"
    NONE = ""

    @property
    def tag(self) -> str:
        """How a citation begins that says so."""
        return self.value.lower()


@dataclass(frozen=True, slots=True)
class Standing:
    """What a scenario proves, and how much a deviation from it weighs.

    Attributes:
        level: ``must``, ``should``, ``may`` or ``arguable``; empty for a scenario that says nothing: it must hold.
        clauses: The clauses that it cites, in their order.
    """

    level: str = ""
    clauses: tuple[str, ...] = ()

    @classmethod
    def of(cls, scenario: Scenario, tag: str = "clause") -> Standing:
        """Read the tags of a scenario.

        Args:
            scenario: The scenario.
            tag: How a citation begins that does not say the level.
        """
        cited = list(citations(scenario, tag))
        found = {level for level, _ in cited}
        strongest = next((level.tag for level in Level if level and level in found), "")
        level = ARGUABLE if ARGUABLE in scenario.tags else strongest
        return cls(level, tuple(dict.fromkeys(number for _, number in cited)))

    def __str__(self) -> str:
        """Return it as a person says it: ``must MQTT-3.3.1-9``."""
        return " ".join(filter(None, (self.level, ", ".join(self.clauses))))


def citations(scenario: Scenario, tag: str) -> Iterator[tuple[Level, str]]:
    """Yield each clause that a scenario cites, with the level that the citation says, if it does."""
    levels = {tag: Level.NONE, **{level.tag: level for level in Level if level}}
    for one in scenario.tags:
        begin, colon, number = one.partition(":")
        if colon and number and begin in levels:
            yield levels[begin], number


def mixed(scenario: Scenario) -> tuple[str, ...]:
    """Return the levels of a scenario that says several: of a deviation nobody could tell how much it weighs."""
    found = {level for level, _ in citations(scenario, "")}
    return tuple(level.tag for level in Level if level in found) if len(found) > 1 else ()
