"""Tags of scenarios as pytest's markers, and what ``--tag`` says of them."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping
from typing import Final

import pytest

from harmony.errors import UnknownSelectionError
from harmony.steps.lint import is_known
from harmony.suggestion import did_you_mean

_TOKEN: Final = re.compile(r"[^\s()]+")
_OPERATORS: Final = frozenset({"and", "or", "not"})


def declare_tag(config: pytest.Config, tag: str, known: Mapping[str, str]) -> None:
    """Declare the marker of a tag of a family, such as clause:3.2: its name shows in a feature only."""
    if tag not in known and is_known(tag, known):
        config.addinivalue_line("markers", marker_name(tag))


def marker_name(tag: str) -> str:
    """Return the marker that stands for a tag."""
    return re.sub(r"\W", "_", tag)


def wanted_tags(expressions: Iterable[str]) -> list[str]:
    """Return the tags that some expressions ask for; what stands behind a ``not`` is not asked for."""
    tokens = ["", *(token for expression in expressions for token in _TOKEN.findall(expression))]
    pairs = itertools.pairwise(tokens)
    return [_tag(token) for before, token in pairs if token not in _OPERATORS and before != "not"]


def marker_expression(expressions: Iterable[str], known: Iterable[str]) -> str:
    """Return what pytest's ``-m`` takes for expressions such as ``slow``, ``@clause:3.2 and not slow``: any of them.

    Raises:
        UnknownSelectionError: One names a tag that the project does not know.
    """
    tags, expressions = list(known), list(expressions)
    for token in (token for expression in expressions for token in _TOKEN.findall(expression)):
        tag = _tag(token)
        if token not in _OPERATORS and not is_known(tag, tags):
            raise UnknownSelectionError(f"no tag is called {tag!r}", hint=did_you_mean(tag, sorted(tags)))
    markers = [_TOKEN.sub(_marker, expression) for expression in expressions]
    return markers[0] if len(markers) == 1 else " or ".join(f"({one})" for one in markers)


def _marker(token: re.Match[str]) -> str:
    return token[0] if token[0] in _OPERATORS else marker_name(_tag(token[0]))


def _tag(token: str) -> str:
    return token.removeprefix("@")
