"""Finds a proposal that is no sentence, or not the one that was meant."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from harmony.steps.nearest import nearest


@dataclass(frozen=True)
class Pattern:
    pattern: str
    kind: str = "re"


@pytest.mark.parametrize(
    ("pattern", "wrong", "meant"),
    [
        (Pattern(r"(?:the|a new) till pays (\d+) coins?"), "the till pasy 3 coins", "the till pays 3 coins"),
        # What may be left out is left out where that is nearer, and else is not.
        (Pattern(r"pays (\d+) coins(?: to '([^']+)')?"), "pasy 3 coins", "pays 3 coins"),
        (Pattern(r"pays (\d+) coins(?: to '([^']+)')?"), "pasy 3 coins to 'b'", "pays 3 coins to 'b'"),
        (Pattern(r"fills the till to '(\d+)%?'"), "fils the till to '50%'", "fills the till to '50%'"),
        (Pattern(r"^\bpays(?! not) everything\.$"), "pasy everything.", "pays everything."),
        (Pattern("pays {{all}} of {}", "parse"), "pasy {all} of 3", "pays {all} of 3"),
        (Pattern("pays {count} coin(s)", "announced"), "pasy 3 coin(s)", "pays 3 coin(s)"),
        (Pattern("pays '3' coins?", "string"), "pasy '4' coins?", "pays '3' coins?"),
    ],
)
def test_the_sentence_that_was_meant(pattern: Pattern, wrong: str, meant: str) -> None:
    others = [Pattern("something else"), Pattern("pays nothing", "string")]
    assert nearest(wrong, [*others, pattern]) == (pattern, meant)
