"""Comparing what was expected with what was seen, so that the difference can be acted on."""

from __future__ import annotations

import itertools
from typing import Any, Final

from harmony.text import shortened

Bytes = bytes | bytearray | memoryview

_WINDOW: Final = 16
_SHOWN: Final = 200


class MismatchError(AssertionError):
    """Two values that should be equal are not.

    Attributes:
        subject: What was compared.
        expected: The expected value, short enough to show.
        seen: The seen value, short enough to show.
        offset: For bytes, the first differing offset.
    """

    def __init__(self, subject: str, expected: str, seen: str, *, offset: int | None = None) -> None:
        where = f"\n  first difference at offset {offset}" if offset is not None else ""
        super().__init__(f"{subject}\n  expected: {expected}\n  seen:     {seen}{where}")
        self.subject = subject
        self.expected = expected
        self.seen = seen
        self.offset = offset


def expect_equal(expected: Any, seen: Any, subject: str) -> None:
    """Compare two values.

    Args:
        expected: What the scenario says.
        seen: What the implementation did.
        subject: What the values are, for the report.

    Raises:
        MismatchError: They differ.

    Example:
        >>> expect_equal(b"light blue", b"light", "the value of 'colour'")
        Traceback (most recent call last):
        harmony.verdict.comparison.MismatchError: the value of 'colour'
          expected: 10 bytes, from offset 0: 6c 69 67 68 74 [20] 62 6c 75 65
          seen:     5 bytes, from offset 0: 6c 69 67 68 74
          first difference at offset 5
    """
    if isinstance(expected, Bytes) and isinstance(seen, Bytes):
        _expect_equal_bytes(memoryview(expected).cast("B"), memoryview(seen).cast("B"), subject)
    elif expected != seen:
        raise MismatchError(subject, shortened(repr(expected), _SHOWN), shortened(repr(seen), _SHOWN))


def _expect_equal_bytes(expected: memoryview, seen: memoryview, subject: str) -> None:
    if expected == seen:
        return
    offset = first_difference(expected, seen)
    raise MismatchError(subject, _window(expected, offset), _window(seen, offset), offset=offset)


def first_difference(left: Bytes, right: Bytes) -> int:
    """Return the first offset at which two byte strings differ; the shorter length if one begins the other."""
    one, other = memoryview(left).cast("B"), memoryview(right).cast("B")
    low, high = 0, min(len(one), len(other))
    if one[:high] == other[:high]:
        return high
    while high - low > 4096:
        middle = (low + high) // 2
        low, high = (middle, high) if one[low:middle] == other[low:middle] else (low, middle)
    pairs = zip(one[low:high], other[low:high], strict=True)
    return next(low + index for index, (a, b) in enumerate(pairs) if a != b)


def _window(data: memoryview, offset: int) -> str:
    begin = max(0, offset - _WINDOW // 2)
    piece = data[begin : begin + _WINDOW]
    shown = " ".join(
        f"[{byte:02x}]" if index == offset else f"{byte:02x}"
        for index, byte in zip(itertools.count(begin), piece, strict=False)
    )
    return f"{len(data)} bytes, from offset {begin}: {shown or '(end)'}"
