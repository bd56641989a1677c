"""Regular expressions that somebody else has written, with a deadline: some take longer than the world lasts."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Final

from harmony.errors import HarmonyError

if TYPE_CHECKING:
    from regex import Pattern

SECONDS: Final = 1.0
"""For one search; one that takes longer is an error, as nobody knows what it would have found."""


class PatternError(HarmonyError):
    """A text is no regular expression, or one that cannot be decided in time.

    Way out: correct the pattern; one without nested repetitions comes to its end.
    """

    code = "pattern"


def check(pattern: str) -> None:
    """Check that a text is a regular expression.

    Raises:
        PatternError: It is none.
    """
    _compiled(pattern)


def found(pattern: str, text: str, *, whole: bool = False, group: bool = False) -> str | None:
    """Return what a regular expression finds first in a text; None if that is nothing.

    Args:
        pattern: The expression.
        text: Where.
        whole: Whether it must match all of the text.
        group: Whether its first group is meant, where it has one.

    Raises:
        PatternError: It is no expression, or does not come to an end within :data:`SECONDS`.
    """
    compiled = _compiled(pattern)
    try:
        match = (compiled.fullmatch if whole else compiled.search)(text, timeout=SECONDS)
    except TimeoutError:
        hint = "rewrite it without repetitions of repetitions"
        raise PatternError(f"the pattern {pattern!r} does not come to an end within {SECONDS:g} s", hint=hint) from None
    if match is None:
        return None
    return match[1] if group and compiled.groups else match[0]


@functools.cache
def _compiled(pattern: str) -> Pattern[str]:
    import regex  # noqa: PLC0415 - few runs have such patterns

    try:
        return regex.compile(pattern)
    except regex.error as error:
        raise PatternError(f"no regular expression: {error}") from None
