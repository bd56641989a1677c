"""`Content-Length` framing, without I/O.

One decoder serves both ends of the wire. What cannot be read becomes a fault, and the decoder looks for the next
header. That search is safe: valid JSON holds no raw line break inside a string and no letter outside one, so
a header with its line break never occurs inside a well-formed message.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

MAX_MESSAGE = 16 * 1024 * 1024
MAX_HEADER = 8 * 1024

_SEPARATOR = re.compile(rb"\r?\n\r?\n")
_ANCHOR = re.compile(rb"content-length[ \t]*:[ \t]*\d+[ \t]*\r?\n", re.IGNORECASE)
_ANCHOR_REACH = 64
_NAME = b"content-length"
_BEGINNINGS = b"|".join(_NAME[:end] for end in range(1, len(_NAME)))
_BEGUN = re.compile(rb"(?:%b|%b[ \t]*(?::[ \t]*(?:\d+[ \t]*\r?)?)?)\Z" % (_BEGINNINGS, _NAME), re.IGNORECASE)
"""The beginning of a header at the end of a body: with that, no body is JSON, and its length was too long."""
_TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")


class FaultKind(StrEnum):
    """Why bytes could not be read as a message."""

    GARBAGE = "garbage"
    LENGTH = "length"
    TOO_LARGE = "too-large"
    OVERLAP = "overlap"
    TRUNCATED = "truncated"


@dataclass(frozen=True, slots=True)
class Frame:
    """One complete message body."""

    body: bytes


@dataclass(frozen=True, slots=True)
class Fault:
    """Bytes that are no message.

    Attributes:
        kind: What is wrong.
        detail: A sentence for a person.
    """

    kind: FaultKind
    detail: str


def encode(body: bytes) -> bytes:
    """Return the body with the one header that every known peer understands."""
    return b"Content-Length: %d\r\n\r\n%b" % (len(body), body)


class FrameDecoder:
    """Turns a stream of bytes into frames and faults, with bounded memory.

    Args:
        max_message: Largest body that is accepted.
        max_header: Largest block of headers that is accepted.
    """

    def __init__(self, max_message: int = MAX_MESSAGE, max_header: int = MAX_HEADER) -> None:
        self._max_message = max_message
        self._max_header = max_header
        self._buffer = bytearray()
        self._expected: int | None = None
        self._scanned = 0
        self._lost = False
        self._cut = b""

    @property
    def pending(self) -> str:
        """Say what of an unfinished message has arrived; empty between messages."""
        if self._lost:
            return ""
        if self._expected is not None:
            return f"{len(self._buffer)} of the {self._expected} bytes it announced"
        return f"{len(self._buffer)} bytes of a header" if self._buffer.strip() else ""

    def feed(self, data: bytes) -> Iterator[Frame | Fault]:
        """Take more bytes and yield all that they complete."""
        self._buffer += data
        while True:
            if self._lost and not self._resynchronise():
                return
            if self._expected is None:
                fault = self._read_header()
                if fault is not None:
                    yield fault
                    continue
            if self._expected is None:
                return
            item = self._read_body(self._expected)
            if item is None:
                return
            yield item

    def finish(self) -> Fault | None:
        """Return a fault if the stream has ended in the middle of a message."""
        pending = self.pending
        self._buffer.clear()
        self._expected = None
        return Fault(FaultKind.TRUNCATED, f"the stream ended after {pending}") if pending else None

    def _resynchronise(self) -> bool:
        """Drop everything before the next header; keep only what could be its beginning."""
        found = _ANCHOR.search(self._buffer)
        if found:
            del self._buffer[: found.start()]
            self._lost = False
            return True
        del self._buffer[: max(0, len(self._buffer) - _ANCHOR_REACH)]
        return False

    def _lose(self, kind: FaultKind, detail: str, drop: int) -> Fault:
        del self._buffer[:drop]
        self._expected = None
        self._lost = True
        return Fault(kind, detail)

    def _rejoined(self) -> bool:
        """Give a header its beginning back, if the body before it has taken that; return whether that is clear."""
        whole = self._cut + self._buffer[: _ANCHOR_REACH * 2]
        if _ANCHOR.match(whole):
            self._buffer[:0] = self._cut
        elif b"\n" not in self._buffer and len(whole) <= _ANCHOR_REACH:
            return False
        self._cut = b""
        return True

    def _read_header(self) -> Fault | None:
        if self._cut and not self._rejoined():
            return None
        blank = len(self._buffer) - len(self._buffer.lstrip(b"\r\n"))
        del self._buffer[:blank]
        end = _SEPARATOR.search(self._buffer, 0, self._max_header)
        complete = self._buffer[: end.start()] if end else self._buffer[: self._buffer.rfind(b"\n") + 1]
        length: int | None = None
        offset = 0
        for line in bytes(complete).splitlines(keepends=True):
            name, colon, value = line.partition(b":")
            if not colon or not _TOKEN.fullmatch(name.strip(b" \t")) or name[:1] in b" \t":
                # A header may follow on the same line, after the remains of a message that was longer than announced.
                return self._lose(FaultKind.GARBAGE, f"expected a header, got {_excerpt(line)}", drop=offset)
            key = name.strip().lower()
            if key.endswith(b"content-length") and key != b"content-length":
                return self._lose(FaultKind.GARBAGE, f"expected a header, got {_excerpt(line)}", drop=offset)
            offset += len(line)
            if key != b"content-length":
                continue
            digits = value.strip()
            if not digits.isdigit() or (length is not None and length != int(digits[:20])):
                return self._lose(FaultKind.LENGTH, f"not a usable length: {_excerpt(line)}", drop=offset)
            length = int(digits[:20])
        if end is None:
            if len(self._buffer) >= self._max_header:
                return self._lose(FaultKind.GARBAGE, f"no end of the headers in {self._max_header} bytes", drop=1)
            return None
        if length is None:
            return self._lose(FaultKind.LENGTH, f"headers without Content-Length: {_excerpt(complete)}", drop=end.end())
        if length > self._max_message:
            detail = f"a message of {length} bytes is announced, at most {self._max_message} are accepted"
            return self._lose(FaultKind.TOO_LARGE, detail, drop=end.end())
        del self._buffer[: end.end()]
        self._expected = length
        self._scanned = 0
        return None

    def _read_body(self, expected: int) -> Frame | Fault | None:
        limit = min(expected, len(self._buffer))
        if self._buffer.find(b"\n", self._scanned, limit) >= 0:
            found = _ANCHOR.search(self._buffer, max(0, self._scanned - _ANCHOR_REACH))
            if found and found.start() < expected:
                detail = (
                    f"the length {expected} reaches into the next message, which begins {found.start()} bytes later"
                )
                return self._lose(FaultKind.OVERLAP, detail, drop=found.start())
        self._scanned = limit
        if len(self._buffer) < expected:
            return None
        body = bytes(self._buffer[:expected])
        del self._buffer[:expected]
        self._expected = None
        begun = _BEGUN.search(body, max(0, expected - _ANCHOR_REACH))
        self._cut = begun[0] if begun else b""
        return Frame(body)


def _excerpt(data: bytes | bytearray, limit: int = 60) -> str:
    text = bytes(data[:limit]).decode("utf-8", "backslashreplace")
    return repr(text) + (" …" if len(data) > limit else "")
