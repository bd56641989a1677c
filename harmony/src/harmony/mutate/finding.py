"""The faults of sources: one walk over their trees, in which every class of fault looks at every node. Pure."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from harmony.errors import ConfigurationError
from harmony.mutate import expressions, statements
from harmony.mutate.fault import Fault
from harmony.mutate.language import Language
from harmony.mutate.languages import language_of
from harmony.mutate.spot import Change, Spot

OPERATORS: Final = (
    "comparison",
    "boundary",
    "arithmetic",
    "condition",
    "statement",
    "arguments",
    "return",
    "constant",
    "lock",
    "order",
)
"""The classes of faults."""
_FINDERS: Final[tuple[Callable[[Spot], Iterator[Change]], ...]] = (
    expressions.comparison,
    expressions.unary,
    expressions.condition,
    expressions.constant,
    expressions.arguments,
    expressions.order,
    statements.statement,
    statements.missing_return,
    statements.early_return,
    statements.other_value,
    statements.lock,
    statements.modifier,
)
_TELLING: Final = re.compile(
    r"(?:^|[.:>_\s])(?:log|logger|logging|logf|slog|tracing|console|e?print(?:ln|f)?|f?printf|fputs|puts|perror|stderr"
    r"|debug|trace|warn|warning|errorf|assert\w*|abort|unreachable)(?=$|[.:!(_])",
    re.IGNORECASE,
)
"""Calls that tell a person something, or that are there for who made a mistake in the code."""
_TESTS: Final = re.compile(
    r"(?:^|/)(?:tests?|__tests__|testdata)/|_test\.|(?:^|/)(?:test_|conftest\.)|Tests?\.(?:cs|java)$|\.(?:test|spec)\."
)
_GENERATED: Final = re.compile(rb"code generated|do not edit|@generated|auto-?generated", re.IGNORECASE)
_HEAD: Final = 600
"""Bytes at the beginning of a file in which it says that it is generated."""
_DIGITS: Final = 6


def find_faults(sources: Mapping[str, bytes]) -> list[Fault]:
    """Return the faults of files, by their place.

    Args:
        sources: The content of each file, by its path from the project's root; those in other languages are left out,
            and so are tests and what is generated.

    Raises:
        ConfigurationError: A grammar is missing, or a file is not UTF-8.
    """
    found: list[Fault] = []
    taken: set[str] = set()
    for file in sorted(sources):
        language = language_of(file)
        source = sources[file]
        if language and not _TESTS.search(file) and not _GENERATED.search(source[:_HEAD]):
            found += _in_file(file, source, language, taken)
    return found


def _in_file(file: str, source: bytes, language: Language, taken: set[str]) -> Iterator[Fault]:
    try:
        source.decode()
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{file} is not UTF-8: {error}", hint="name it in `leave_out`") from error
    root = Spot(language.parser().parse(source).root_node, None, source, language)
    changes = {(one.start, one.end, one.after): one for one in reversed(list(_changes(root)))}
    alike: Counter[str] = Counter()
    for one in sorted(changes.values(), key=lambda one: (one.start, one.end, one.operator, one.after)):
        before = source[one.start : one.end].decode()
        begin = source.rfind(b"\n", 0, one.start) + 1
        stop = source.find(b"\n", one.start)
        whole = source[begin : len(source) if stop < 0 else stop].decode()
        column = one.start - begin - (len(whole) - len(whole.lstrip()))
        told = "\0".join((file, one.operator, whole.strip(), str(column), before, one.after))
        alike[told] += 1
        name = _name(one.operator, f"{told}\0{alike[told]}", taken)
        line = source.count(b"\n", 0, one.start) + 1
        yield Fault(name, one.operator, file, line, one.start, one.end, before, one.after, whole.strip())


def _name(operator: str, told: str, taken: set[str]) -> str:
    digest = hashlib.sha256(told.encode()).hexdigest()
    size = next(size for size in range(_DIGITS, len(digest)) if f"{operator}-{digest[:size]}" not in taken)
    name = f"{operator}-{digest[:size]}"
    taken.add(name)
    return name


def _changes(root: Spot) -> Iterator[Change]:
    waiting = [root]
    while waiting:
        spot = waiting.pop()
        if not spot.node.has_error:
            for finder in _FINDERS:
                yield from finder(spot)
        waiting += reversed(list(_inside(spot)))


def _inside(spot: Spot) -> Iterator[Spot]:
    """Give what is looked at within: no texts, types and tests, and nothing that the grammar did not understand."""
    language = spot.language
    for_tests = False
    for one in spot.below:
        if one.kind == "attribute_item":
            for_tests = for_tests or re.search(r"\btest\b", one.text) is not None
            continue
        for_this, for_tests = for_tests, for_tests and not one.node.is_named
        if for_this and one.node.is_named:
            continue
        if one.kind in language.skipped or one.node.is_error or one.node.is_missing:
            continue
        if spot.kind.startswith("preproc_") and one.node == spot.node.child_by_field_name("condition"):
            continue
        if _is_told(one) or one.matches(language.unseen):
            continue
        yield one


def _is_told(spot: Spot) -> bool:
    """Whether it is a call, or a statement of one, that tells a person something."""
    language = spot.language
    call = spot.named[0] if spot.kind in language.statements and len(spot.named) == 1 else spot
    return call.kind in language.calls and _TELLING.search(call.callee()) is not None
