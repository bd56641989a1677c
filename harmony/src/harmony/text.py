"""Words of others on their way to a terminal, a file or a page: bounded, every character visible, fit for JSON.

A driver, a worker or a file name may hold anything: orders to the terminal, half of a surrogate pair, sixty megabytes.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, Final

LONGEST: Final = 16 * 1024
"""Characters of one text; head and tail of a longer one are kept."""

_SAYING_SO: Final = 50
"""Room for how much was left out."""

# Control characters but tab and line feed, what reorders or breaks a line unseen, and halves of surrogate pairs.
_UNSEEN: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def visible(text: str) -> str:
    r"""Return a text whose control characters and halves of surrogate pairs are spelled out: ``\x1b``, ``\ud800``."""
    return _UNSEEN.sub(_spelled, text.replace("\r\n", "\n"))


def shortened(text: str, limit: int = LONGEST) -> str:
    """Return a text with its middle left out if it is long, and how much that is: not longer than the limit."""
    if len(text) <= limit:
        return text
    half = (limit - _SAYING_SO) // 2
    return f"{text[:half]} … {len(text) - 2 * half} characters left out … {text[-half:]}"


def shown(text: str, limit: int = LONGEST) -> str:
    """Return a text as it is told, shortened and visible. To be told again changes it no more."""
    return shortened(visible(shortened(text, limit)), limit)


def several(number: int, what: str) -> str:
    """Return a number of things: ``1 cell``, ``2 cells``."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def all_visible(value: Any) -> Any:
    """Return a value in which every text is visible, names of fields included."""
    match value:
        case str():
            # A member of an enumeration stays one.
            return visible(value) if type(value) is str else value
        case Mapping():
            return {all_visible(key): all_visible(item) for key, item in value.items()}
        case list() | tuple():
            return [all_visible(item) for item in value]
        case _:
            return value


def jsonable(value: Any, depth: int = 16) -> Any:
    """Return a value that JSON can carry; what it cannot is described instead."""
    match value:
        case None | bool() | int():
            return value
        case str():
            return shortened(value)
        case float():
            return value if math.isfinite(value) else str(value)
        case bytes() | bytearray() | memoryview():
            return f"<{len(value)} bytes>"
        case _ if depth <= 0:
            return "…"
        case Mapping():
            return {shortened(str(key)): jsonable(item, depth - 1) for key, item in value.items()}
        case list() | tuple() | set() | frozenset():
            return [jsonable(item, depth - 1) for item in value]
        case _:
            return shortened(str(value))


def _spelled(found: re.Match[str]) -> str:
    return ascii(found[0])[1:-1]
