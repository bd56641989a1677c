"""Words that are short for options: scenarios, pairings, ``matrix``. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

from harmony.plan.pairing import UnknownPairingError, split_word

MATRIX: Final = "matrix"


@dataclass(frozen=True, slots=True)
class Words:
    """What some words say.

    Attributes:
        matrix: Whether all pairings are meant.
        pairings: Those that are named.
        scenarios: What names scenarios.
    """

    matrix: bool
    pairings: list[str]
    scenarios: list[str]

    @classmethod
    def of(cls, words: Iterable[str], platforms: Collection[str]) -> Words:
        """Sort words: what names no pairing of platforms names scenarios."""
        said = list(words)
        pairings = [word for word in said if _names_pairing(word, platforms)]
        return cls(MATRIX in said, pairings, [word for word in said if word != MATRIX and word not in pairings])


def _names_pairing(word: str, platforms: Collection[str]) -> bool:
    try:
        split_word(word, platforms)
    except UnknownPairingError:
        return False
    return True
