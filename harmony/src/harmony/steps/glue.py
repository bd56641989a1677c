"""The catalogue as a file that the Cucumber language server reads, for editors. Pure.

That server looks for decorators in Python, and takes neither raw strings, nor named groups, nor the fields of `parse`.
What it takes whole is a Cucumber Expression that is added up of strings, and a parameter type with a regular
expression of JavaScript. It reads strings as they are written: what stands in them is never a Python escape.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePath
from typing import Final

from harmony.spec.routing import OWN_PATTERNS
from harmony.spec.sentence import normalised
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
_QUANTIFIER: Final = re.compile(r"(?:[*+?]|\{\d*,?\d*\})[?+]?")
_FIELD: Final = re.compile(r"\{(\w*)[^{}]*\}")
_PYTHON_ONLY: Final = re.compile(r"\(\?P=|\(\?#|\(\?\(|\(\?>|\(\?[aiLmsux-]+[:)]|[*+?}]\+|\\[AZ]")
"""What JavaScript has not got, or not so."""
_QUOTE: Final = re.compile(r'((?<!\\)(?:\\\\)*)\\?"')
"""A quote, escaped or not: what stands before it may be escaped backslashes."""
_ANYTHING: Final = ".*"


@dataclass(frozen=True, slots=True)
class _Slot:
    """A place of a sentence for more than one text.

    Attributes:
        name: What a person reads there.
        regex: What may stand there.
    """

    name: str
    regex: str


@dataclass(frozen=True, slots=True)
class _Optional:
    """A text that may be left out."""

    text: str


_Piece = str | _Slot | _Optional


def as_glue(entries: Iterable[Entry]) -> str:
    """Return the file: for each sentence a function that names, and leads to, the method that means it."""
    names: dict[_Slot, str] = {}
    stubs = [f"{_decorator(_pieces(entry.pattern, entry.kind), names)}\n{_stub(entry)}" for entry in entries]
    stubs += [f"{_decorator(_pieces(pattern, 're'), names)}\n{_OWN}" for pattern in OWN_PATTERNS]
    types = [f'ParameterType(name="{name}", regexp="{slot.regex}")\n' for slot, name in names.items()]
    return "\n\n".join([f"{_HEAD}\n{''.join(types)}", *stubs])


def _decorator(pieces: Iterable[_Piece], names: dict[_Slot, str]) -> str:
    text = "".join(_expression(piece, names) for piece in pieces)
    # No string can hold its own quote: the server knows no escapes.
    strings = [f'"{part}"' for part in text.split('"')]
    return "@step(" + " + '\"' + ".join([f'"" + {strings[0]}', *strings[1:]]) + ")"


def _expression(piece: _Piece, names: dict[_Slot, str]) -> str:
    match piece:
        case _Slot():
            return f"{{{_name(piece, names)}}}"
        case _Optional(text):
            return f"({_escaped(text)})"
        case text:
            return _escaped(text)


def _escaped(text: str) -> str:
    return re.sub(r"([\\(){}/])", r"\\\1", text)


def _name(slot: _Slot, names: dict[_Slot, str]) -> str:
    """Return a name that no other regular expression has."""
    if slot not in names:
        taken = {*names.values(), *_BUILT_IN}
        name, number = slot.name, 2
        while name in taken:
            name, number = f"{slot.name}_{number}", number + 1
        names[slot] = name
    return names[slot]


def _stub(entry: Entry) -> str:
    owner, _, method = entry.method.rpartition(".")
    path = PurePath(entry.file)
    if entry.file and owner and not path.is_absolute():
        module = ".".join(path.with_suffix("").parts).removesuffix(".__init__")
        top = owner.partition(".")[0]
        return f"def _():\n    # {entry.defined}\n    from {module} import {top}\n\n    return {owner}.{method}\n"
    return f"def _():\n    # {entry.method}, {entry.defined}\n    pass\n"


def _pieces(pattern: str, kind: str) -> list[_Piece]:
    text = normalised(pattern)
    if kind == "string":
        return [text]
    if kind in {"parse", "cfparse"} or (kind == "announced" and _FIELD.search(text) and "(" not in text):
        parts = _FIELD.split(text)
        slots = [_Slot(name or "value", ".+") for name in parts[1::2]]
        return [parts[0], *(piece for pair in zip(slots, parts[2::2], strict=True) for piece in pair)]
    return _of_regex(text)


def _of_regex(pattern: str) -> list[_Piece]:
    if _PYTHON_ONLY.search(pattern.removeprefix(r"\A").removesuffix(r"\Z")):
        return [_Slot("sentence", _ANYTHING)]
    try:
        atoms = list(_atoms(pattern))
    except IndexError:  # a bracket that is open: whoever announces it reads it in another way
        return [pattern]
    if any(atom == "|" for atom, _ in atoms):
        return [_Slot("sentence", _in_javascript(pattern))]
    pieces: list[_Piece] = []
    for number, (atom, times) in enumerate(atoms):
        following = "".join(next_ for next_, _ in atoms[number + 1 : number + 11])
        piece = _piece(atom, times, following)
        if isinstance(piece, str) and pieces and isinstance(pieces[-1], str):
            pieces[-1] += piece
        elif piece:
            pieces.append(piece)
    return pieces


def _piece(atom: str, times: str, following: str) -> _Piece:
    literal = _literal(atom)
    if literal is not None and not times:
        return literal
    if literal and times == "?":
        return _Optional(literal)
    named = re.fullmatch(r"\(\?P<(\w+)>(.*)\)", atom, re.DOTALL)
    if named:
        whole = f"({named[2]}){times}" if times else named[2]
        return _Slot(named[1], _in_javascript(whole))
    words = re.fullmatch(r"\((?:\?:)?([\w ,|-]+)\)", atom)
    begins = re.match(r"\((?:\?:)?([\w ]*\w)", atom)
    name = begins[1].strip() if begins else "process" if following.startswith("' process") else "value"
    if words:
        name = " or ".join(
            [*(word.strip() for word in words[1].split("|")), *(["nothing"] if times[:1] == "?" else [])]
        )
    return _Slot(name, _in_javascript(f"{atom}{times}"))


def _literal(atom: str) -> str | None:
    """Return the text that an atom stands for; none if it stands for more than one."""
    if atom in {"^", "$", r"\A", r"\Z", r"\b"}:
        return ""
    if len(atom) == 1:
        return None if atom == "." else atom
    if atom[0] == "\\":
        return None if atom[1].isalnum() else atom[1]
    inside = re.fullmatch(r"\(\?:([^\\()\[\]|.*+?{}^$]+)\)", atom)
    return inside[1] if inside else None


def _atoms(pattern: str) -> Iterator[tuple[str, str]]:
    """Yield the parts of a regular expression that follow each other, each with how often it may stand there.

    Raises:
        IndexError: A bracket is open.
    """
    begin = 0
    while begin < len(pattern):
        end = _end(pattern, begin)
        times = _QUANTIFIER.match(pattern, end)
        yield pattern[begin:end], times[0] if times else ""
        begin = times.end() if times else end


def _end(pattern: str, begin: int) -> int:
    """Return where the atom ends that begins somewhere."""
    match pattern[begin]:
        case "\\":
            return begin + 2
        case "[":
            end = begin + 1
            end += pattern[end] == "^"
            end += pattern[end] == "]"
            while pattern[end] != "]":
                end += 1 + (pattern[end] == "\\")
            return end + 1
        case "(":
            end = begin + 1
            while pattern[end] != ")":
                end = _end(pattern, end)
            return end + 1
        case _:
            return begin + 1


def _in_javascript(regex: str) -> str:
    """Return a regular expression of Python as one of JavaScript, without groups that take something."""
    parts: list[str] = []
    for atom, times in _atoms(regex):
        if atom[0] == "(":
            head = re.match(r"\((?:\?P<\w+>|\?:|\?<?[=!])?", atom)
            assert head is not None  # noqa: S101 - it begins with a bracket
            kept = head[0] if head[0][1:] in {"?=", "?!", "?<=", "?<!"} else "(?:"
            parts.append(f"{kept}{_in_javascript(atom[head.end() : -1])}){times}")
        else:
            parts.append(f"{atom}{times}")
    text = _QUOTE.sub(r"\1\\x22", "".join(parts))
    # The server takes what begins with a slash for one that ends with a slash.
    return f"(?:{text})" if text.startswith("/") else text
