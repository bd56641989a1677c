"""What somebody may have meant by a name that there is not. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails


def did_you_mean(name: str, known: Iterable[str], otherwise: str = "") -> str:
    """Return a question for the nearest of some names; where none is near, something else: by default, all of them."""
    names = list(known)
    near = difflib.get_close_matches(name, names, n=1)
    if near:
        return f"did you mean {near[0]!r}?"
    return otherwise or f"known are: {', '.join(names) or 'none'}"


def what_is_wrong(detail: ErrorDetails, known: Iterable[str]) -> str:
    """Return what is wrong with a value that somebody has written, or what a key may mean that there is not.

    Args:
        detail: As pydantic tells it.
        known: The keys that there are beside it.
    """
    if detail["type"] != "extra_forbidden":
        return detail["msg"].removeprefix("Value error, ")
    return f"there is no such key; {did_you_mean(str(detail['loc'][-1]), known)}"
