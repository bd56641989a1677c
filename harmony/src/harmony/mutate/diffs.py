"""Unified diffs: read, made and applied. Pure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from harmony.errors import ExitCode, HarmonyError

NOTHING: Final = "/dev/null"
"""What a diff calls the side of a file that is not there."""
_HUNK: Final = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
_ENDS: Final = re.compile(rb"(?<=\n)")
_NO_NEWLINE: Final = "\\ No newline at end of file"


class DiffError(HarmonyError):
    """A diff cannot be read, or does not fit the file that it changes.

    Way out: make it anew of the sources as they are, with `git diff`.
    """

    code = "diff"
    exit_code: ClassVar[ExitCode] = ExitCode.CONFIGURATION

    def __init__(self, message: str) -> None:
        super().__init__(message, hint="make it anew of the sources as they are, with `git diff`")


@dataclass(frozen=True, slots=True)
class Hunk:
    """One place that a diff changes.

    Attributes:
        before: The lines that stood there, with their ends.
        after: The lines that stand there then.
        line: The first line of before, from 1; without any, the one that the new lines follow.
        line_after: The same of after.
    """

    before: tuple[bytes, ...]
    after: tuple[bytes, ...]
    line: int
    line_after: int


@dataclass(frozen=True, slots=True)
class FileChange:
    """What a diff does to one file.

    Attributes:
        before: Its path, without ``a/``; ``/dev/null`` if it is new.
        after: Its path, without ``b/``; ``/dev/null`` if it goes.
        hunks: Its places, from above.
    """

    before: str
    after: str
    hunks: tuple[Hunk, ...]

    @property
    def file(self) -> str:
        """The file that is changed."""
        return self.before if self.after == NOTHING else self.after

    def applied(self, source: bytes) -> bytes:
        """Return the file as it is then.

        A place may have moved: its lines are looked for in the whole file, and must stand there once, or at the line
        that is told.

        Raises:
            DiffError: They do not.
        """
        lines = [one for one in _ENDS.split(source) if one]
        moved = 0
        for hunk in self.hunks:
            told = hunk.line + moved - (1 if hunk.before else 0)
            at = self._place(lines, hunk, told)
            lines[at : at + len(hunk.before)] = hunk.after
            moved += at - told + len(hunk.after) - len(hunk.before)
        return b"".join(lines)

    def _place(self, lines: Sequence[bytes], hunk: Hunk, told: int) -> int:
        size = len(hunk.before)
        if tuple(lines[told : told + size]) == hunk.before and told <= len(lines):
            return told
        found = [at for at in range(len(lines) - size + 1) if tuple(lines[at : at + size]) == hunk.before]
        if not size or len(found) != 1:
            raise DiffError(f"{self.file}: the lines of the diff at line {hunk.line} stand there {len(found)} times")
        return found[0]


def read_diff(text: str) -> list[FileChange]:
    """Return what a unified diff says of each file; what stands around is left out.

    Raises:
        DiffError: It is none, or broken off.
    """
    lines = text.split("\n")
    changes: list[FileChange] = []
    at = 0
    while at < len(lines):
        if not (lines[at].startswith("--- ") and at + 1 < len(lines) and lines[at + 1].startswith("+++ ")):
            at += 1
            continue
        before, after = _path(lines[at], "a/"), _path(lines[at + 1], "b/")
        at += 2
        hunks = []
        while at < len(lines) and (head := _HUNK.match(lines[at])):
            hunk, at = _hunk(lines, at + 1, head)
            hunks.append(hunk)
        changes.append(FileChange(before, after, tuple(hunks)))
    return changes


def touched(text: str) -> Mapping[str, frozenset[int]]:
    """Return the lines of each file that a diff has written; of what it only removed, the lines around it."""
    return {one.file: frozenset(_written(one)) for one in read_diff(text) if one.after != NOTHING}


def unified(file: str, before: bytes, after: bytes) -> str:
    """Return the difference between two states of a file as `git diff` writes it."""
    sides = [_lines(one) for one in (before, after)]
    return "".join(difflib.unified_diff(sides[0], sides[1], f"a/{file}", f"b/{file}"))


def _written(change: FileChange) -> Iterator[int]:
    for hunk in change.hunks:
        if hunk.after:
            yield from range(hunk.line_after, hunk.line_after + len(hunk.after))
        else:
            yield from (hunk.line_after, hunk.line_after + 1)


def _path(line: str, side: str) -> str:
    path = line[4:].split("\t", maxsplit=1)[0].strip()
    if path.startswith('"') and path.endswith('"'):  # git's way with what is not ASCII
        path = path[1:-1].encode("latin-1", "replace").decode("unicode_escape").encode("latin-1", "replace").decode()
    return path.removeprefix(side)


def _hunk(lines: Sequence[str], at: int, head: re.Match[str]) -> tuple[Hunk, int]:
    left, right = (1 if head[group] is None else int(head[group]) for group in (2, 4))
    before: list[bytes] = []
    after: list[bytes] = []
    last: list[list[bytes]] = []
    while left > len(before) or right > len(after) or (at < len(lines) and lines[at].startswith("\\")):
        if at == len(lines):
            raise DiffError(f"a hunk is broken off: {head[0]}")
        sign, rest = lines[at][:1], lines[at][1:]
        if sign == "\\":
            for side in last:
                side[-1] = side[-1].removesuffix(b"\n")
        else:
            # Some editors take the only character of an empty line.
            last = {"-": [before], "+": [after], " ": [before, after], "": [before, after]}.get(sign, [])
            if not last:
                raise DiffError(f"no line of a diff: {lines[at]!r}")
            for side in last:
                side.append(f"{rest}\n".encode())
        at += 1
    return Hunk(tuple(before), tuple(after), int(head[1]), int(head[3])), at


def _lines(source: bytes) -> list[str]:
    lines = [one.decode("utf-8", "replace") for one in _ENDS.split(source) if one]
    return [one if one.endswith("\n") else f"{one}\n{_NO_NEWLINE}\n" for one in lines]
