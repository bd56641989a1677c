"""A pattern as a person reads it: ``the '<process>' process counts <coins> coins``. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from harmony.spec.pieces import Pieces, pieces_of
from harmony.spec.sentence import GAP
from harmony.steps.binding import DOC_STRING, TABLE, parameters_of
from harmony.steps.registry import StepDefinition


def human_form(definition: StepDefinition) -> str:
    """Return a pattern as a sentence with the names of its arguments; what may be left out stands in brackets."""
    pieces = pieces_of(definition.pattern, definition.kind)
    named = {*_names(pieces), TABLE, DOC_STRING}
    free = iter([one.name for one in parameters_of(definition) if one.name not in named])
    return _form(pieces, free).replace(f"'{GAP}' process", "'<process>' process")


def _names(pieces: Pieces) -> Iterator[str]:
    for piece in pieces:
        if not isinstance(piece, str):
            yield piece.name
            for way in piece.ways:
                yield from _names(way)


def _form(pieces: Pieces, free: Iterator[str]) -> str:
    """Return pieces as a person reads them; arguments without a name take the free ones, as they do when bound."""
    text = ""
    for piece in pieces:
        if isinstance(piece, str):
            text += piece
            continue
        name = (piece.name or next(free, "value")) if piece.taken else ""
        inside = "/".join([_form(way, free) for way in piece.ways])
        shown = f"<{name}>" if name else inside if piece.ways else GAP
        text += f"[{shown}]" if piece.optional else shown
    return text
