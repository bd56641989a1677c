"""The catalogue as a file that the Cucumber language server reads, for editors. Pure.

That server looks for decorators in Python, and takes neither raw strings, nor named groups, nor the fields of `parse`.
What it takes whole is a Cucumber Expression that is added up of strings, and a parameter type with a regular
expression of JavaScript. It reads strings as they are written: what stands in them is never a Python escape.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable
from pathlib import PurePath
from typing import Final

from harmony.spec.pieces import ANNOUNCED, CLASS, Piece, Pieces, Place, pieces_of
from harmony.spec.routing import OWN_PATTERNS
from harmony.steps.catalogue import Entry

_HEAD: Final = '''\
"""What the Cucumber language server reads of this project's sentences. Never imported.

Made by `harmony steps --format glue -o FILE`; do not edit.
"""
'''
_OWN: Final = 'def _():\n    """Done by harmony itself."""\n'
_BUILT_IN: Final = frozenset(
    {"int", "float", "word", "string", "double", "bigdecimal", "byte", "short", "long", "biginteger"}
)
_PYTHON_ONLY: Final = re.compile(r"\(\?P=|\(\?#|\(\?\(|\(\?>|\(\?[aiLmsux-]+[:)]|(?:[*+?]|\{[\d,]+\})\+|\\[AZ]")
"""What JavaScript has not got, or not so."""
_QUOTE: Final = re.compile(r'((?<!\\)(?:\\\\)*)\\?"')
"""A quote, escaped or not: what stands before it may be escaped backslashes."""
_TAKING: Final = re.compile(rf"\\.|{CLASS}|(\((?:\?P<\w+>|(?!\?)))", re.DOTALL)
"""A bracket that takes what it finds, or what has a bracket in it that is none."""


_Names = dict[tuple[str, str], str]
"""Of parameter types, by what a person may call them and what they match."""


def as_glue(entries: Iterable[Entry]) -> str:
    """Return the file: for each sentence a function that names, and leads to, the method that means it."""
    names: _Names = {}
    stubs = [f"{_decorator(_pieces(entry.pattern, entry.kind), names)}\n{_stub(entry)}" for entry in entries]
    stubs += [f"{_decorator(_pieces(pattern, 're'), names)}\n{_OWN}" for pattern in OWN_PATTERNS]
    types = [f'ParameterType(name="{name}", regexp="{regex}")\n' for (_, regex), name in names.items()]
    return "\n\n".join([f"{_HEAD}\n{''.join(types)}", *stubs])


def _decorator(pieces: Pieces, names: _Names) -> str:
    following = [piece if isinstance(piece, str) else "" for piece in (*pieces[1:], "")]
    text = "".join(_expression(piece, next_, names) for piece, next_ in zip(pieces, following, strict=True))
    # No string can hold its own quote: the server knows no escapes.
    strings = [f'"{part}"' for part in text.split('"')]
    return "@step(" + " + '\"' + ".join([f'"" + {strings[0]}', *strings[1:]]) + ")"


def _expression(piece: Piece, following: str, names: _Names) -> str:
    match piece:
        case str(text):
            return _escaped(text)
        case Place(taken=False, ways=((str(text),),), times="?"):
            return f"({_escaped(text)})"
    return f"{{{_name(_meaning(piece, following), _in_javascript(piece.regex), names)}}}"


def _meaning(place: Place, following: str) -> str:
    """Return what a person may call what stands there."""
    if place.name:
        return place.name
    words = " or ".join("".join(map(str, way)).strip() or "nothing" for way in place.ways)
    if re.fullmatch(r"[\w ,-]+", words):
        return f"{words} or nothing" if place.optional else words
    match place.ways:
        case ((str(first), *_), *_) if begins := re.match(r"[\w ]*\w", first):
            return begins[0].strip()
    return "process" if following.startswith("' process") else "value"


def _escaped(text: str) -> str:
    return re.sub(r"([\\(){}/])", r"\\\1", text)


def _name(meaning: str, regex: str, names: _Names) -> str:
    """Return a name that no other regular expression has."""
    taken = {*names.values(), *_BUILT_IN}
    numbered = (f"{meaning}_{number}" if number > 1 else meaning for number in itertools.count(1))
    return names.setdefault((meaning, regex), next(name for name in numbered if name not in taken))


def _stub(entry: Entry) -> str:
    owner, _, method = entry.method.rpartition(".")
    path = PurePath(entry.file)
    if entry.file and owner and not path.is_absolute():
        module = ".".join(path.with_suffix("").parts).removesuffix(".__init__")
        top = owner.partition(".")[0]
        return f"def _():\n    # {entry.defined}\n    from {module} import {top}\n\n    return {owner}.{method}\n"
    return f"def _():\n    # {entry.method}, {entry.defined}\n    pass\n"


def _pieces(pattern: str, kind: str) -> Pieces:
    whole = pattern.strip().removeprefix(r"\A").removesuffix(r"\Z")
    if kind in {"re", ANNOUNCED} and _PYTHON_ONLY.search(whole):
        return (Place(".*", name="sentence"),)
    return pieces_of(pattern, kind)


def _in_javascript(regex: str) -> str:
    """Return a regular expression of Python as one of JavaScript, without groups that take something."""
    text = _QUOTE.sub(r"\1\\x22", _TAKING.sub(lambda found: "(?:" if found[1] else found[0], regex))
    # The server takes what begins with a slash for one that ends with a slash.
    return f"(?:{text})" if text.startswith("/") else text
