"""Patterns of sentences: what stands in ``@given(...)`` where a text alone does not do.

pytest-bdd's parsers of the same names are taken as well.
"""

from __future__ import annotations

import re as regular
from collections.abc import Callable, Mapping
from typing import Any, Protocol


class Parser(Protocol):
    """Finds a pattern in a sentence, and the values of its parameters."""

    name: str

    def is_matching(self, name: str) -> bool:
        """Whether the sentence has the pattern."""

    def parse_arguments(self, name: str) -> dict[str, Any] | None:
        """Return the values of the parameters."""


class string:  # noqa: N801 - written like the functions of the packages that give them their names
    """Match this sentence and no other; a plain text does the same."""

    def __init__(self, sentence: str) -> None:
        self.name = sentence

    def is_matching(self, name: str) -> bool:
        """Whether the sentence is this one."""
        return self.name == name

    def parse_arguments(self, name: str) -> dict[str, Any]:
        """Return nothing: there are no parameters."""
        del name
        return {}


class re:  # noqa: N801
    r"""Match a regular expression as a whole; its named groups are the parameters.

    Example:
        >>> pays = parsers.re(r"the 'teller' pays (?P<coins>\d+) coins?")
        >>> pays.parse_arguments("the 'teller' pays 3 coins")
        {'coins': '3'}
    """

    def __init__(self, pattern: str, flags: int = 0) -> None:
        self.name = pattern
        self.regex = regular.compile(pattern, flags)

    def is_matching(self, name: str) -> bool:
        """Whether the whole sentence has the pattern."""
        return self.regex.fullmatch(name) is not None

    def parse_arguments(self, name: str) -> dict[str, Any] | None:
        """Return the named groups."""
        found = self.regex.fullmatch(name)
        return found.groupdict() if found else None


class parse:  # noqa: N801
    """Match by :mod:`parse`: ``the 'teller' pays {coins:d} coins``.

    Example:
        >>> pays = parsers.parse("the 'teller' pays {coins:d} coins")
        >>> pays.parse_arguments("the 'teller' pays 3 coins")
        {'coins': 3}
    """

    def __init__(self, pattern: str, extra_types: Mapping[str, Callable[[str], Any]] | None = None) -> None:
        self.name = pattern
        self.parser = self._compiled(pattern, dict(extra_types or {}))

    def is_matching(self, name: str) -> bool:
        """Whether the whole sentence has the pattern."""
        try:
            return bool(self.parser.parse(name))
        except ValueError:
            return False

    def parse_arguments(self, name: str) -> dict[str, Any] | None:
        """Return the named fields."""
        found = self.parser.parse(name)
        return dict(found.named) if found else None

    def _compiled(self, pattern: str, extra_types: dict[str, Any]) -> Any:
        import parse as library  # noqa: PLC0415 - most patterns are regular expressions

        return library.compile(pattern, extra_types)


class cfparse(parse):  # noqa: N801
    """Match by :mod:`parse_type`, which knows cardinality, and types of one's own."""

    def _compiled(self, pattern: str, extra_types: dict[str, Any]) -> Any:
        from parse_type import cfparse as library  # noqa: PLC0415 - most patterns are regular expressions

        return library.Parser(pattern, extra_types)
