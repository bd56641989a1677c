"""What processes write on stderr: each line with its moment, bounded, and what of it is alarming."""

from __future__ import annotations

import contextlib
import os
import re
import threading
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from harmony import patterns
from harmony.excerpt import Excerpt, excerpt
from harmony.logs import now
from harmony.model import LogRecord
from harmony.text import visible

LAST_LINES: Final = 200
WIDTH: Final = 2000
"""Bytes of a line that are kept."""
_MOST_ALARMS: Final = 20
_LEVEL: Final = 2

# What a program says when something in it is broken, whatever it does then.
_REPORTS: Final = re.compile(
    r"\b(?:ERROR|WARNING): \w+Sanitizer\b"
    r"|: runtime error: "  # of UndefinedBehaviorSanitizer
    r"|^==\d+== ERROR SUMMARY: [1-9]"  # of valgrind
    r"|^WARNING: DATA RACE|^panic: |^fatal error: "  # of Go
    r"|^thread '.*' .*panicked at "  # of Rust
    r"|^terminate called |: Assertion .* failed"  # of C++ and C
    r"|^\*\*\* .* \*\*\*: terminated|^(?:double free|free\(\)|malloc|munmap_chunk|corrupted )"  # of glibc
    r"|^Unhandled [Ee]xception|FATAL UNHANDLED EXCEPTION"  # of .NET and Mono
    r"|^Fatal Python error: |^Exception in thread "
)


@dataclass(frozen=True, slots=True)
class StderrRule:
    """What is alarming on the stderr of a process, and what becomes of it.

    Attributes:
        patterns: Regular expressions, beside the reports of sanitizers and of panics.
        clean: Whether an alarm fails the cell.
    """

    patterns: tuple[str, ...] = ()
    clean: bool = False


@dataclass(frozen=True, slots=True)
class Written:
    """What the processes of a role have written on stderr while a cell ran.

    Attributes:
        records: Head and tail of the lines.
        alarms: The alarming lines, the first of them.
        clean: Whether there must be none.
    """

    records: tuple[LogRecord, ...] = ()
    alarms: tuple[str, ...] = ()
    clean: bool = False

    @classmethod
    def together(cls, parts: Iterable[Written]) -> Written:
        """Return what several processes have written, in the order of time."""
        every = list(parts)
        records = sorted((record for part in every for record in part.records), key=lambda record: record.timestamp)
        alarms = [alarm for part in every for alarm in part.alarms]
        return cls(excerpt(records), tuple(alarms[:_MOST_ALARMS]), any(part.clean for part in every))


_passed_on: list[int] = []
"""Descriptors that get every byte, too."""


def pass_on(descriptor: int) -> None:
    """Write what all transcripts of this process take to a descriptor, too: whoever started this one shall have it."""
    _passed_on[:] = [descriptor]


@dataclass(slots=True)
class Transcript:
    """The stderr of one process.

    Attributes:
        rule: What is alarming.
    """

    rule: StderrRule = field(default_factory=StderrRule)
    _kept: Excerpt = field(default_factory=Excerpt)
    _alarms: list[str] = field(default_factory=list)
    _last: deque[str] = field(default_factory=lambda: deque(maxlen=LAST_LINES))
    _begun: bytes = b""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def feed(self, data: bytes) -> None:
        """Take more of the stream."""
        for descriptor in _passed_on:
            with contextlib.suppress(OSError):
                os.write(descriptor, data)
        *lines, rest = data.split(b"\n")
        with self._lock:
            for line in lines:
                self._add(self._begun + line)
                self._begun = b""
            self._begun = (self._begun + rest)[: WIDTH + 1]

    def lines(self, count: int = LAST_LINES) -> list[str]:
        """Return the last lines, the unfinished one included."""
        with self._lock:
            return [*self._last, *([_text(self._begun)] if self._begun else [])][-count:]

    def tail(self, count: int) -> list[str]:
        """Return the last lines of what `take` would return, the unfinished one included; they stay where they are."""
        with self._lock:
            since = [record.message for record in self._kept.records()]
            return [*since, *([_text(self._begun)] if self._begun else [])][-count:]

    def take(self) -> Written:
        """Return what was written since this was asked last; an unfinished line counts as one."""
        with self._lock:
            if self._begun:
                self._add(self._begun)
                self._begun = b""
            alarms, self._alarms = tuple(self._alarms), []
            return Written(self._kept.take(), alarms, self.rule.clean)

    def _add(self, line: bytes) -> None:
        text = _text(line)
        self._last.append(text)
        self._kept.append(LogRecord(now(), _LEVEL, text))
        if len(self._alarms) < _MOST_ALARMS and self._alarming(text):
            self._alarms.append(text)

    def _alarming(self, text: str) -> bool:
        return _REPORTS.search(text) is not None or any(self._finds(pattern, text) for pattern in self.rule.patterns)

    def _finds(self, pattern: str, text: str) -> bool:
        try:
            return patterns.found(pattern, text) is not None
        except patterns.PatternError as error:
            others = tuple(one for one in self.rule.patterns if one != pattern)
            self.rule = StderrRule(others, self.rule.clean)
            self._alarms.append(f"stderr_patterns: {error}")
            return False


def _text(line: bytes) -> str:
    text = visible(line[:WIDTH].decode("utf-8", "backslashreplace").rstrip())
    return f"{text} …" if len(line) > WIDTH else text
