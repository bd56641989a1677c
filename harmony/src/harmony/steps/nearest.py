"""What somebody may have meant with a sentence that has no meaning: the pattern that is nearest to it. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Final, Protocol, TypeVar

from harmony.spec.pieces import Pieces, pieces_of
from harmony.spec.sentence import GAP, filled, normalised, outline

_NEAR: Final = 0.8


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
    for definition, known in ((one, known) for one in candidates for known in outlines_of(one)):
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


def outlines_of(definition: Sentences) -> list[str]:
    """Return a pattern as a sentence whose arguments are left out: with all that may be left out, and without."""
    if definition.kind == "string":
        return [outline(normalised(definition.pattern))]
    pieces = pieces_of(definition.pattern, definition.kind)
    return list(dict.fromkeys(_outline(pieces, whole) for whole in (True, False)))


def _outline(pieces: Pieces, whole: bool) -> str:
    text = ""
    for piece in pieces:
        if isinstance(piece, str):
            text += piece
        elif whole or not piece.optional:
            text += GAP if piece.taken or not piece.ways else _outline(piece.ways[0], whole)
    return text
