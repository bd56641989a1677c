"""How sentences begin.

The process that a sentence names is no argument. The sentence has already been routed to that process, so a step has no
use for the name.
"""

from __future__ import annotations

from harmony import parsers

_ACTOR = r"(?:the|a second|a new) '[^']+' process "


def acting(rest: str) -> parsers.Parser:
    """Return the parser of a sentence that begins with a process: ``the 'x' process …``."""
    return parsers.re(_ACTOR + rest)


def stating(whole: str) -> parsers.Parser:
    """Return the parser of a sentence that names no process: it goes to the one named last."""
    return parsers.re(whole)
