"""Test data that every implementation generates alike, and the digest by which two sides compare it.

A pattern has a period of 256 bytes, so that repetition and slicing make ten mebibytes in a few milliseconds.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

_RAMP: Final = bytes(range(256)) * 2
_HEADER: Final = struct.Struct("<QQ")
_STRIDE: Final = 1 << 16


class Pattern(StrEnum):
    """How the bytes of a payload are made.

    FRAME depends on position and sequence, SIMPLE (requests, metadata, frames whose number no sentence says) on the
    position alone, TEXT is given as it is.
    """

    FRAME = "frame"
    SIMPLE = "simple"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Payload:
    """A recipe for bytes, so that the bytes themselves need not travel.

    Attributes:
        pattern: How they are made.
        size: How many.
        sequence: For FRAME, the number that shifts the pattern; 0 stands for the number the frame itself gets.
        text: For TEXT, the content, in UTF-8.
        mask: Every byte is combined with this one by exclusive or.
        repeat: How often the whole is repeated.
    """

    pattern: Pattern
    size: int
    sequence: int = 0
    text: str = ""
    mask: int = 0
    repeat: int = 1

    @classmethod
    def of_text(cls, text: str) -> Payload:
        """Return the recipe for a text."""
        return cls(Pattern.TEXT, len(text.encode()), text=text)

    def content(self, sequence: int = 0) -> bytes:
        """Return the bytes; ``sequence`` fills in for a recipe that leaves it open."""
        if self.pattern is Pattern.TEXT:
            made = self.text.encode()
        else:
            shift = (self.sequence or sequence) if self.pattern is Pattern.FRAME else 0
            made = ramp(self.size, shift)
        if self.mask:
            made = made.translate(bytes(value ^ self.mask for value in range(256)))
        return made * self.repeat


def ramp(size: int, shift: int = 0) -> bytes:
    """Return ``size`` bytes that count upwards modulo 256 from ``shift``."""
    start = shift % 256
    if size <= 256:
        return _RAMP[start : start + size]
    period = _RAMP[start : start + 256]
    return (period * (size // 256 + 1))[:size]


def digest(data: bytes | memoryview) -> int:
    """Return the CRC-32 of some bytes: every language has it or can have it in fifteen lines."""
    return zlib.crc32(data)


def chained(previous: int, sequence: int, data: bytes | memoryview) -> int:
    """Return the digest of a series after one more frame. It covers the size, the sequence and the bytes of each."""
    return zlib.crc32(data, zlib.crc32(_HEADER.pack(len(data), sequence), previous))


def expected_chain(sizes: Iterable[int], first: int) -> int:
    """Return the digest of frames of these sizes that carry their own pattern, numbered from ``first``."""
    total = 0
    for sequence, size in enumerate(sizes, start=first):
        total = chained(total, sequence, ramp(size, sequence))
    return total


def first_difference(expected: bytes, seen: bytes) -> int | None:
    """Return the first offset at which two byte strings differ; a missing byte differs. ``None`` if none does."""
    if expected == seen:
        return None
    length = min(len(expected), len(seen))
    for start in range(0, length, _STRIDE):
        end = min(start + _STRIDE, length)
        if expected[start:end] != seen[start:end]:
            return next(index for index in range(start, end) if expected[index] != seen[index])
    return length


def runs_of(sizes: Sequence[int]) -> list[tuple[int, int]]:
    """Return sizes as (size, how often in a row), which keeps a report of many equal frames short."""
    runs: list[tuple[int, int]] = []
    for size in sizes:
        if runs and runs[-1][0] == size:
            runs[-1] = (size, runs[-1][1] + 1)
        else:
            runs.append((size, 1))
    return runs


def sizes_of(runs: Iterable[Sequence[int]]) -> Iterable[int]:
    """Return the sizes that :func:`runs_of` shortened."""
    return (size for size, times in runs for _ in range(times))
