"""Patterns of sentences, read into pieces: what stands there as it is, and places for more than one text. Pure."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, TypeAlias

from harmony.spec.sentence import normalised

ANNOUNCED: Final = "announced"
"""The kind of a pattern that a worker announces: a regular expression or one with placeholders, nobody says which."""

CLASS: Final = r"\[\^?\]?(?:\\.|[^\]\\])*\]"
"""A class of signs, as a regular expression."""

_ANY: Final = ".+"
_PLACEHOLDER: Final = re.compile(r"\{([A-Za-z_]\w*|)(?::[^{}]*)?\}")
_FIELD: Final = re.compile(r"\{\{|\}\}|\{(\w*)[^{}]*\}")
_ATOM: Final = re.compile(
    rf"""
      \\(?P<escaped>.)
    | (?P<class>{CLASS}) | (?P<again>\(\?P=\w+\))
    | (?P<nothing>[\^$] | \(\?[aiLmsux]+\) | \(\?\#[^)]*\))
    | (?P<group>\((?:\?(?:P<(?P<name>\w+)>|(?P<look><?[=!])|[aiLmsux-]*:|>|\(\w+\)))?)
    | (?P<text>[^\\\[])
    """,
    re.VERBOSE | re.DOTALL,
)
_TIMES: Final = re.compile(r"(?:(?:[*+?]|\{(?:\d+(?:,\d*)?|,\d+)\})[?+]?)?")


@dataclass(frozen=True, slots=True)
class Place:
    """A place of a sentence for more than one text.

    Attributes:
        regex: What may stand there.
        name: Of the argument that it is.
        taken: Whether it is an argument.
        ways: What may stand there, one or the other, as far as it is known; a look-around is one way of no pieces.
        times: How often it may stand there, as the pattern says it.
    """

    regex: str
    name: str = ""
    taken: bool = False
    ways: tuple[Pieces, ...] = ()
    times: str = ""

    @property
    def optional(self) -> bool:
        """Whether it may be left out."""
        return self.times.startswith(("?", "*", "{0", "{,"))


Piece: TypeAlias = str | Place
Pieces: TypeAlias = tuple[Piece, ...]


class _UnreadableError(Exception):
    """A bracket is open, or closes nothing: whoever announces it reads it in another way."""


@functools.cache
def pieces_of(pattern: str, kind: str) -> Pieces:
    """Return the pieces of a pattern.

    Args:
        pattern: As its author wrote it.
        kind: ``string``, ``parse``, ``cfparse``, ``re`` or ``announced``.
    """
    text = normalised(pattern)
    if kind == "string":
        return (text,)
    if kind in {"parse", "cfparse"}:
        return _of_fields(_FIELD, text)
    if kind == ANNOUNCED and _PLACEHOLDER.search(text):
        return with_placeholders(text)
    try:
        pieces, end = _atom(f"(?:{text})", 0)
    except (_UnreadableError, RecursionError):
        return (text,)
    return pieces if end == len(f"(?:{text})") else (text,)


def with_placeholders(text: str) -> Pieces:
    """Return the pieces of a text with placeholders, such as `{name}`, `{count:d}` or `{string}`."""
    return _of_fields(_PLACEHOLDER, text)


def _of_fields(field: re.Pattern[str], text: str) -> Pieces:
    pieces: list[Piece] = []
    end = 0
    for found in field.finditer(text):
        pieces += [text[end : found.start()], found[0][0] if found[1] is None else Place(_ANY, found[1], taken=True)]
        end = found.end()
    return _joined([*pieces, text[end:]])


def _ways(text: str, at: int) -> tuple[tuple[Pieces, ...], int]:
    """Return what may stand there, one or the other, and where the bracket is that closes it, or the end.

    Raises:
        _UnreadableError: A bracket is open.
    """
    ways: list[list[Piece]] = [[]]
    while at < len(text) and text[at] != ")":
        if text[at] == "|":
            ways.append([])
            at += 1
        else:
            pieces, at = _atom(text, at)
            ways[-1] += pieces
    return tuple(map(_joined, ways)), at


def _atom(text: str, begin: int) -> tuple[Pieces, int]:
    """Return the pieces of what begins somewhere, and where it ends with how often it may stand there."""
    atom = _ATOM.match(text, begin)
    if atom is None:
        raise _UnreadableError
    end = atom.end()
    ways: tuple[Pieces, ...] = ()
    if atom["group"]:
        ways, close = _ways(text, end)
        if close == len(text):
            raise _UnreadableError
        end = close + 1
    times = _TIMES.match(text, end)
    assert times is not None  # noqa: S101 - it matches nothing, too
    return _pieces(atom, ways, times[0], text[begin : times.end()]), times.end()


def _pieces(atom: re.Match[str], ways: tuple[Pieces, ...], times: str, regex: str) -> Pieces:
    if atom["group"]:
        if atom["look"]:
            return (Place(regex, ways=((),)),)
        taken = bool(atom["name"]) or atom["group"] == "("
        if not times and not taken and len(ways) == 1:
            return ways[0]
        # A bracket that is there for its name or its ways alone goes without saying.
        return (Place(regex if times else regex[len(atom["group"]) : -1], atom["name"] or "", taken, ways, times),)
    escaped = atom["escaped"] or ""
    if atom["nothing"] or escaped in {"A", "Z", "b", "B"}:
        return ()
    text = atom["text"] or escaped
    if atom["class"] or atom["again"] or escaped.isalnum() or times[:1] not in {"", "?"} or regex == ".?":
        return (Place(regex),)
    # A point alone may be any sign, and most often means itself.
    return (Place(regex, ways=((text,),), times=times),) if times or regex == "." else (text,)


def _joined(pieces: Iterable[Piece]) -> Pieces:
    """Return pieces of which no two that follow each other are texts, or places of which nothing is known."""
    joined: list[Piece] = []
    for piece in pieces:
        match joined[-1:], piece:
            case [str(one)], str(other):
                joined[-1] = one + other
            case [Place(regex=one, taken=False, ways=())], Place(regex=other, taken=False, ways=()):
                joined[-1] = Place(one + other)
            case _ if piece:
                joined.append(piece)
    return tuple(joined)
