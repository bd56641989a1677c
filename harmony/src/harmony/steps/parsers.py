"""How a pattern takes arguments from a sentence.

pytest-bdd's parsers of the same names may be used instead of these.
"""

from __future__ import annotations

import re as regular
from typing import Any, Protocol


class StepParser(Protocol):
    """A pattern.

    Attributes:
        name: As its author wrote it.
    """

    name: str

    def is_matching(self, name: str, /) -> bool:
        """Return whether the whole sentence fits."""

    def parse_arguments(self, name: str, /) -> dict[str, Any] | None:
        """Return the arguments by name."""


class string:  # noqa: N801 - named like its siblings everywhere
    """The exact sentence."""

    def __init__(self, name: str) -> None:
        self.name = name

    def is_matching(self, name: str, /) -> bool:
        """Return whether the sentence is this one."""
        return self.name == name

    def parse_arguments(self, name: str, /) -> dict[str, Any]:
        """Return nothing: there is no room for arguments."""
        del name
        return {}


class re:  # noqa: N801
    """A regular expression."""

    def __init__(self, name: str, flags: int | regular.RegexFlag = 0) -> None:
        self.name = name
        self.regex = regular.compile(name, flags)

    def is_matching(self, name: str, /) -> bool:
        """Return whether the whole sentence fits."""
        return self.regex.fullmatch(name) is not None

    def parse_arguments(self, name: str, /) -> dict[str, Any] | None:
        """Return the named groups."""
        found = self.regex.fullmatch(name)
        return found.groupdict() if found else None


class parse:  # noqa: N801
    """A format string of the package `parse`, such as ``{count:d} frames``."""

    def __init__(self, name: str, extra_types: dict[str, Any] | None = None) -> None:
        self.name = name
        self.parser = self._compiled(name, extra_types or {})

    def is_matching(self, name: str, /) -> bool:
        """Return whether the whole sentence fits."""
        try:
            return bool(self.parser.parse(name))
        except ValueError:
            return False

    def parse_arguments(self, name: str, /) -> dict[str, Any] | None:
        """Return the fields."""
        found = self.parser.parse(name)
        return dict(found.named) if found else None

    def _compiled(self, name: str, extra_types: dict[str, Any]) -> Any:
        import parse as library  # noqa: PLC0415 - most patterns are regular expressions

        return library.compile(name, extra_types)


class cfparse(parse):  # noqa: N801
    """Like `parse`, with fields that stand for several values, such as ``{names:Name+}``."""

    def _compiled(self, name: str, extra_types: dict[str, Any]) -> Any:
        from parse_type import cfparse as library  # noqa: PLC0415 - most patterns are regular expressions

        return library.Parser(name, extra_types)
