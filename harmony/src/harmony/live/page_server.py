"""Serves the page of a run, and what changes of it, to browsers on this machine that know the token."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import time
from http import HTTPStatus
from typing import Any, Final, Self

from harmony.live.live_page import LivePage
from harmony.live.requests import EVENTS, LONGEST, Request
from harmony.report.page import live_page

_HOST: Final = "127.0.0.1"
_PATIENCE: Final = 10.0
"""Seconds for a request to come, or for the last change to reach a browser."""
_STUCK: Final = 60.0
"""Seconds after which a browser that reads nothing is left; it may come again."""
_MOST_BROWSERS: Final = 32
_PART: Final = 20
"""Of the time, at most one part in so many makes overviews: they are made of all cells."""
_SOONEST: Final = 0.5
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Connection": "close",
    "Content-Security-Policy": "frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class PageServer:
    """Serves it, from when it is entered until it is left.

    Args:
        page: What is served. Who changes it says so by :meth:`tell`.

    Attributes:
        address: Where, with the token.
        sockets: The address and the port of each socket that it listens on.
        watching: How many browsers hear of changes.
    """

    def __init__(self, page: LivePage) -> None:
        self._page = page
        self._token = secrets.token_urlsafe(24)
        self._talks: set[asyncio.Task[None]] = set()
        self.watching = 0
        self._news = asyncio.Event()
        self._overview = ""
        self._overview_of = -1
        self._due = 0.0
        self.address = ""
        self.sockets: list[tuple[str, int]] = []

    async def __aenter__(self) -> Self:
        """Begin.

        Raises:
            OSError: This machine gives no port.
        """
        self._server = await asyncio.start_server(self._begin, _HOST, 0, limit=LONGEST)
        self.sockets = [one.getsockname() for one in self._server.sockets]
        self.address = f"http://{_HOST}:{self.sockets[0][1]}/{self._token}/"
        return self

    async def __aexit__(self, *_: object) -> None:
        """End, after the end of the run has reached the browsers that look at it."""
        self._server.close()
        if self._talks and self._page.is_over:
            self.tell()
            await asyncio.wait(self._talks, timeout=_PATIENCE)
        for talk in self._talks:
            talk.cancel()
        await asyncio.gather(*self._talks, return_exceptions=True)
        await self._server.wait_closed()

    def tell(self) -> None:
        """Let every browser that is ready know what has changed; who is not hears it later, all at once."""
        if self.watching:
            self._renew_overview()
        news, self._news = self._news, asyncio.Event()
        news.set()

    def _renew_overview(self) -> None:
        page = self._page
        if self._overview_of == page.number or (not page.is_over and time.monotonic() < self._due):
            return
        began = time.monotonic()
        self._overview, self._overview_of = page.overview(), page.number
        ended = time.monotonic()
        self._due = ended + max(_SOONEST, _PART * (ended - began))

    async def _begin(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talk = asyncio.current_task()
        assert talk is not None  # noqa: S101 - asyncio has made it
        self._talks.add(talk)
        try:
            # Who is left is cancelled; asyncio would tell of that as of a mistake.
            with contextlib.suppress(
                ConnectionError, TimeoutError, asyncio.IncompleteReadError, asyncio.CancelledError
            ):
                await self._talk(reader, writer)
        finally:
            self._talks.discard(talk)
            writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_PATIENCE):
                request = Request.of(await reader.readuntil(b"\r\n\r\n"))
        except (ValueError, asyncio.LimitOverrunError):
            await self._answer(writer, HTTPStatus.BAD_REQUEST)
            return
        status, what = request.asks_for(self._token)
        if status is not HTTPStatus.OK:
            await self._answer(writer, status)
        elif what != EVENTS:
            self._renew_overview()
            await self._answer(writer, status, "text/html", live_page(self._overview))
        elif self.watching >= _MOST_BROWSERS:
            await self._answer(writer, HTTPStatus.SERVICE_UNAVAILABLE)
        else:
            self.watching += 1
            try:
                await self._tell_all(reader, writer, request.seen)
            finally:
                self.watching -= 1

    async def _answer(
        self, writer: asyncio.StreamWriter, status: HTTPStatus, kind: str = "text/plain", text: str = ""
    ) -> None:
        body = (text or f"{status.value} {status.phrase}\n").encode()
        writer.write(_head(status, kind, len(body)) + body)
        async with asyncio.timeout(_PATIENCE):
            await writer.drain()

    async def _tell_all(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seen: int) -> None:
        """Tell a browser what it lacks, and from then on each change, until all is told or it goes.

        Nothing is kept for it but the number of what it has seen: while it reads slowly, changes add up to one.
        """
        transport, page = writer.transport, self._page
        transport.set_write_buffer_limits(high=0)
        writer.write(_head(HTTPStatus.OK, "text/event-stream") + b"retry: 1000\n\n")
        gone = asyncio.create_task(_end_of(reader))
        self._renew_overview()
        told, overview_of = -1, -1
        try:
            while not gone.done():
                news = self._news
                if told != page.number or overview_of != self._overview_of:
                    message: dict[str, Any] = {"cells": page.cells_since(seen), "now": page.now()}
                    if overview_of != self._overview_of:
                        message["overview"], overview_of = self._overview, self._overview_of
                    seen = told = page.number
                    writer.write(f"id: {seen}\ndata: {json.dumps(message)}\n\n".encode())
                    async with asyncio.timeout(_STUCK):
                        await writer.drain()
                    if page.is_over and overview_of == page.number == told:
                        return
                waiting = asyncio.create_task(news.wait())
                await asyncio.wait({gone, waiting}, return_when=asyncio.FIRST_COMPLETED)
                waiting.cancel()
        finally:
            gone.cancel()
            with contextlib.suppress(asyncio.CancelledError, ConnectionError):
                await gone


async def _end_of(reader: asyncio.StreamReader) -> None:
    """Wait until the other side has gone; what it says until then is for nobody."""
    while await reader.read(LONGEST):
        pass


def _head(status: HTTPStatus, kind: str, length: int | None = None) -> bytes:
    headers = {**_HEADERS, "Content-Type": f"{kind}; charset=utf-8"}
    if length is not None:
        headers["Content-Length"] = str(length)
    lines = (f"HTTP/1.1 {status.value} {status.phrase}", *(f"{name}: {value}" for name, value in headers.items()))
    return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii")
