"""What somebody may have meant with a sentence that has no meaning: the pattern that is nearest to it. Pure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from typing import Final, Protocol, TypeVar

from harmony.spec.sentence import GAP, filled, normalised, outline

ANNOUNCED: Final = "announced"
"""The kind of a pattern that a worker announces: a regular expression or one with placeholders, nobody says which."""

_NEAR: Final = 0.8
_CLASS: Final = re.compile(r"(?:(?<!\\)\[\^?\]?[^\]]*\]|\\[dwsDWS]|(?<!\\)\.(?=[*+]))(?:[*+?]\??|\{[\d,]*\})?")
_GROUP: Final = re.compile(r"(?<!\\)\((\?P<\w+>|\?:)?([^()]*)(?<!\\)\)[*+?]?")
_FIELD: Final = re.compile(r"\{[^{}]*\}")


class Sentences(Protocol):
    """What some sentences are like."""

    @property
    def kind(self) -> str:
        """How the pattern is written: ``string``, ``parse``, ``cfparse``, ``re``, ``announced``."""

    @property
    def pattern(self) -> str:
        """What they match."""


S = TypeVar("S", bound=Sentences)


def nearest(sentence: str, candidates: Iterable[S]) -> tuple[S, str] | None:
    """Return the nearest pattern, with the sentence as it would be; nothing if none is near.

    Words in quotes and numbers are arguments, and do not count.
    """
    wanted = outline(normalised(sentence)).lower()
    best: tuple[float, S, str] | None = None
    matcher = difflib.SequenceMatcher(b=wanted, autojunk=False)
    for definition in candidates:
        known = outline_of(definition)
        matcher.set_seq1(known.lower())
        least = best[0] if best else _NEAR
        if matcher.real_quick_ratio() < least or matcher.quick_ratio() < least:
            continue
        ratio = matcher.ratio()
        if ratio >= least and (best is None or ratio > least):
            best = (ratio, definition, known)
    if best is None:
        return None
    _, definition, known = best
    # What stands between quotes in a plain text is no argument.
    return definition, normalised(definition.pattern) if definition.kind == "string" else filled(
        known, normalised(sentence)
    )


def outline_of(definition: Sentences) -> str:
    """Return a pattern as a sentence whose arguments are left out, as well as can be told from its text."""
    text = normalised(definition.pattern)
    if definition.kind == "string":
        return outline(text)
    if definition.kind in {"parse", "cfparse"}:
        return _FIELD.sub(GAP, text)
    text = _CLASS.sub(GAP, text)
    while (shorter := _GROUP.sub(_inside, text)) != text:
        text = shorter
    text = re.sub(r"\\(.)", r"\1", text)
    return _FIELD.sub(GAP, text) if definition.kind == ANNOUNCED else text


def _inside(group: re.Match[str]) -> str:
    """Return the first of what stands in a group that takes no argument."""
    return group[2].partition("|")[0] if group[1] == "?:" else GAP
