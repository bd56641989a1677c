"""What somebody may have meant with a sentence that has no meaning: the definition that is nearest to it. Pure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from harmony.model import StepType
from harmony.spec.sentence import GAP, normalised, outline, values

if TYPE_CHECKING:
    from harmony.steps.registry import StepDefinition

_NEAR: Final = 0.8
_CLASS: Final = re.compile(r"(?:(?<!\\)\[\^?\]?[^\]]*\]|\\[dwsDWS]|(?<!\\)\.(?=[*+]))(?:[*+?]\??|\{[\d,]*\})?")
_GROUP: Final = re.compile(r"(?<!\\)\((\?P<\w+>|\?:)?([^()]*)(?<!\\)\)[*+?]?")
_FIELD: Final = re.compile(r"\{[^{}]*\}")


def nearest(
    type_: StepType | None, sentence: str, definitions: Iterable[StepDefinition]
) -> tuple[StepDefinition, str] | None:
    """Return the nearest definition of a type, with the sentence as it would be; nothing if none is near.

    Without a type it is the nearest of any. Words in quotes and numbers are arguments, and do not count.
    """
    wanted = outline(normalised(sentence)).lower()
    best: tuple[float, StepDefinition, str] | None = None
    matcher = difflib.SequenceMatcher(b=wanted, autojunk=False)
    for definition in definitions:
        if type_ is not None and type_ not in definition.types:
            continue
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
    return definition, normalised(definition.pattern) if definition.kind == "string" else _filled(known, sentence)


def outline_of(definition: StepDefinition) -> str:
    """Return a pattern as a sentence whose arguments are left out, as well as can be told from its text."""
    text = normalised(definition.pattern)
    if definition.kind == "string":
        return outline(text)
    if definition.kind in {"parse", "cfparse"}:
        return _FIELD.sub(GAP, text)
    text = _CLASS.sub(GAP, text)
    while (shorter := _GROUP.sub(_inside, text)) != text:
        text = shorter
    return re.sub(r"\\(.)", r"\1", text)


def _inside(group: re.Match[str]) -> str:
    """Return the first of what stands in a group that takes no argument."""
    return group[2].partition("|")[0] if group[1] == "?:" else GAP


def _filled(known: str, sentence: str) -> str:
    """Return an outline with the arguments of a sentence, where it has as many."""
    found = values(normalised(sentence))
    if known.count(GAP) != len(found):
        return known
    pieces = known.split(GAP)
    return "".join(piece + value for piece, value in zip(pieces, [*found, ""], strict=True))
