"""Patterns of sentences: what stands in ``@given(...)`` where a text alone does not do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from pytest_bdd import parsers


class Parser(Protocol):
    """Finds a pattern in a sentence, and the values of its parameters."""

    name: str

    def is_matching(self, name: str) -> bool:
        """Whether the sentence has the pattern."""

    def parse_arguments(self, name: str) -> dict[str, Any] | None:
        """Return the values of the parameters."""


def string(sentence: str) -> Parser:
    """Match this sentence and no other; a plain text does the same."""
    return parsers.string(sentence)


def parse(pattern: str) -> Parser:
    """Match by :mod:`parse`: ``the 'teller' pays {coins:d} coins``."""
    return parsers.parse(pattern)


def cfparse(pattern: str, extra_types: Mapping[str, Callable[[str], Any]] | None = None) -> Parser:
    """Match by :mod:`parse_type`, which knows cardinality, and types of one's own."""
    return parsers.cfparse(pattern, extra_types=dict(extra_types or {}))


def re(pattern: str) -> Parser:
    """Match a regular expression as a whole; its named groups are the parameters."""
    return parsers.re(pattern)
