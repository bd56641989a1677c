"""What a browser asks, and whether it may be told. Pure."""

from __future__ import annotations

import http.client
import io
import secrets
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

LONGEST: Final = 1 << 14
"""Bytes of a request; it has no body."""
_HERE: Final = frozenset({"127.0.0.1", "localhost"})
EVENTS: Final = "events"


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked for.

    Attributes:
        method: Such as GET.
        path: Without the query.
        host: Whom the browser believes to speak to, without the port.
        seen: Number of the last change that it has seen; 0 if it has seen none.
    """

    method: str
    path: str
    host: str
    seen: int

    @classmethod
    def of(cls, head: bytes) -> Request:
        """Read the head of a request.

        Raises:
            ValueError: It is none.
        """
        stream = io.BytesIO(head)
        words = stream.readline().decode("latin-1").split()
        if len(words) != 3:
            raise ValueError("no line of a request")
        try:
            headers = http.client.parse_headers(stream)
            path, host = urlsplit(words[1]).path, urlsplit(f"//{headers.get('Host', '')}").hostname
        except http.client.HTTPException as error:
            raise ValueError("no headers") from error
        last = headers.get("Last-Event-ID", "")
        # Beyond eighteen digits it is no number of ours.
        return cls(words[0], path, host or "", int(last) if last.isdecimal() and len(last) < 19 else 0)

    def asks_for(self, token: str) -> tuple[HTTPStatus, str]:
        """Return whether it may be told, and what of the page it asks for.

        The name of the host is looked at, because a page of others may have its own name lead to this machine.
        """
        given, _, rest = self.path.removeprefix("/").partition("/")
        if self.host not in _HERE or not secrets.compare_digest(given.encode(), token.encode()):
            return HTTPStatus.FORBIDDEN, ""
        if self.method != "GET":
            return HTTPStatus.METHOD_NOT_ALLOWED, ""
        return (HTTPStatus.OK if rest in {"", EVENTS} else HTTPStatus.NOT_FOUND), rest
