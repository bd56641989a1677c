"""The page over HTTP: who is told what, and that nobody holds up the run or stays behind."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest

from harmony import until
from harmony.live import page_server
from harmony.live.live_page import LivePage
from harmony.live.page_server import PageServer
from harmony.verdict.events import RunFinished, RunPlanned
from synthetic_results import result

END = RunFinished(verdicts={}, exit_code=0, seconds=1)
FULL = 700
DEADLINE = 30.0
"""A bound on a hang."""


class Browser:
    """What a browser does, as bytes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def message(self) -> dict[str, Any]:
        """Return the next message of the stream, with its number."""
        async with asyncio.timeout(DEADLINE):
            number = (await self.reader.readuntil(b"id: ") and await self.reader.readline()).decode()
            told: dict[str, Any] = json.loads((await self.reader.readline()).removeprefix(b"data: "))
        return {"id": int(number), **told}

    async def end(self) -> bytes:
        """Return what is left, to the end."""
        async with asyncio.timeout(DEADLINE):
            return await self.reader.read()


@asynccontextmanager
async def asked(server: PageServer, what: str = "", *headers: str) -> AsyncIterator[Browser]:
    url = urlsplit(server.address)
    narrow = socket.socket()
    narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 14)
    narrow.connect((url.hostname, url.port))
    reader, writer = await asyncio.open_connection(sock=narrow, limit=1 << 26)
    head = (f"GET {url.path}{what} HTTP/1.1", f"Host: {url.netloc}", *headers, "", "")
    writer.write("\r\n".join(head).encode())
    try:
        yield Browser(reader, writer)
    finally:
        writer.close()


def full() -> LivePage:
    """Return a page of more than what a socket keeps."""
    page = LivePage()
    for number in range(FULL):
        page(result(f"2.{number}[a=x]", error=f"{number} " + "x" * 11_000))
    return page


def cells(message: dict[str, Any]) -> int:
    return len(message["cells"]["cells"][0]) if message["cells"] else 0


@pytest.mark.asyncio
async def test_the_page_is_given_to_who_knows_its_address_and_may_not_be_shown_elsewhere() -> None:
    async with PageServer(LivePage()) as server:
        async with asked(server) as browser:
            head, _, body = (await browser.end()).decode().partition("\r\n\r\n")
        url = urlsplit(server.address)
        reader, writer = await asyncio.open_connection(url.hostname, url.port)
        writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        stranger = await Browser(reader, writer).end()
        writer.close()
    assert head.startswith("HTTP/1.1 200 ")
    assert "Access-Control" not in head
    assert "frame-ancestors 'none'" in head
    assert "Referrer-Policy: no-referrer" in head, "the token stands in the address"
    assert body.startswith("<!doctype html>")
    assert len(url.path) > 30
    assert stranger.startswith(b"HTTP/1.1 403 ")
    assert b"html" not in stranger


@pytest.mark.asyncio
async def test_no_other_machine_reaches_it() -> None:
    async with PageServer(LivePage()) as server:
        port = urlsplit(server.address).port
        (bound,) = server.sockets
        assert bound == ("127.0.0.1", port)


@pytest.mark.asyncio
async def test_a_browser_is_told_all_and_then_what_changes_and_at_last_the_end() -> None:
    page = LivePage()
    page(RunPlanned(cells=2, of=2, digest="0"))
    page(result("1.1[a=x]"))
    async with PageServer(page) as server, asked(server, "events") as browser:
        first = await browser.message()
        page(result("1.2[a=x]"))
        server.tell()
        second = await browser.message()
        page(END)
        server.tell()
        last = await browser.message()
        assert await browser.end() == b"\n"
    assert [cells(one) for one in (first, second, last)] == [1, 1, 0]
    assert [one["now"]["done"] for one in (first, second, last)] == [1, 2, 2]
    assert "1 of 1 cell passed, 1 to come" in first["overview"]
    assert last["now"]["over"]
    assert "passed: 2 of 2 cells passed" in last["overview"]


@pytest.mark.asyncio
async def test_who_comes_again_is_told_what_it_has_missed() -> None:
    page = LivePage()
    for number in range(5):
        page(result(f"1.{number}[a=x]"))
    async with PageServer(page) as server:
        async with asked(server, "events", "Last-Event-ID: 3") as browser:
            again = await browser.message()
        async with asked(server, "events", "Last-Event-ID: 99") as browser:
            beyond = await browser.message()
    assert (again["id"], cells(again), cells(beyond)) == (5, 2, 0)


@pytest.mark.asyncio
async def test_who_reads_nothing_holds_up_nobody_and_hears_it_all_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is kept for it does not grow, and others hear each change."""
    page = full()
    asked_for: list[int] = []
    since = page.cells_since
    monkeypatch.setattr(page, "cells_since", lambda number: asked_for.append(number) or since(number))
    async with PageServer(page) as server, asked(server, "events") as slow:
        slow.writer.transport.pause_reading()  # type: ignore[attr-defined]
        async with asked(server, "events", f"Last-Event-ID: {page.number}") as quick:
            await quick.message()
            before = asked_for.count(0)
            for number in range(20):
                page(result(f"3.{number}[a=x]"))
                server.tell()
                assert cells(await quick.message()) == 1
        assert (before, asked_for.count(0)) == (1, 1)
        assert len(asked_for) == 22, "the slow one has been told nothing since"
        slow.writer.transport.resume_reading()  # type: ignore[attr-defined]
        assert [cells(await slow.message()) for _ in range(2)] == [FULL, 20]


@pytest.mark.asyncio
async def test_who_reads_nothing_for_too_long_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_server, "_STUCK", 0.01)
    async with PageServer(full()) as server, asked(server, "events") as slow:
        slow.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await until(lambda: server.watching == 1, what="a browser that looks")
        await until(lambda: not server.watching, timeout=DEADLINE, what="nobody who looks")


@pytest.mark.asyncio
async def test_who_goes_is_forgotten() -> None:
    async with PageServer(LivePage()) as server:
        async with asked(server, "events") as browser:
            await browser.message()
            assert server.watching == 1
        await until(lambda: not server.watching, timeout=DEADLINE, what="nobody who looks")


@pytest.mark.asyncio
async def test_who_says_nothing_or_nonsense_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_server, "_PATIENCE", 0.01)
    async with PageServer(LivePage()) as server:
        url = urlsplit(server.address)
        for said in (b"", b"x" * 100_000, b"\r\n\r\n"):
            reader, writer = await asyncio.open_connection(url.hostname, url.port)
            writer.write(said)
            answer = await Browser(reader, writer).end() if len(said) < 5 else b""
            assert answer[:13] in {b"", b"HTTP/1.1 400 "}
            writer.close()


@pytest.mark.asyncio
async def test_at_the_end_nothing_is_left_and_a_browser_that_looks_has_heard_of_it() -> None:
    """No task and no socket."""
    page = LivePage()
    async with AsyncExitStack() as kept:
        server = await kept.enter_async_context(PageServer(page))
        async with asked(server, "events") as browser:
            await browser.message()
            page(END)
            await kept.aclose()
            assert (await browser.message())["now"]["over"]
    assert asyncio.all_tasks() == {asyncio.current_task()}
    with socket.socket() as again, pytest.raises(ConnectionRefusedError):
        again.connect(server.sockets[0])


@pytest.mark.asyncio
async def test_the_end_does_not_wait_for_who_reads_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_server, "_PATIENCE", 0.5)
    page = full()
    async with asyncio.timeout(DEADLINE), AsyncExitStack() as kept:
        server = await kept.enter_async_context(PageServer(page))
        async with asked(server, "events") as slow:
            slow.writer.transport.pause_reading()  # type: ignore[attr-defined]
            await until(lambda: server.watching == 1, what="a browser that looks")
            page(END)
            await kept.aclose()
            assert not server.watching
