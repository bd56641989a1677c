"""A client and a peer that reads late, never, or not any more. A pipe of a few bytes stands for any that is full."""

from __future__ import annotations

import asyncio
import fcntl
import os
import queue
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from harmony.process.child import ChildProcess
from harmony.wire import framing
from harmony.wire.client import Client, Oddity, UnansweredError
from harmony.wire.jsonrpc import ErrorResponse, Message

LARGE = bytes(1 << 18)
SOON, LONG = 0.2, 60.0


class Listening(Client):
    """A client that keeps what is odd."""

    oddities: queue.Queue[Oddity]

    def received(self, message: Message, body: bytes) -> None:
        pass

    def odd(self, kind: Oddity, text: str, error: ErrorResponse | None = None) -> None:
        self.oddities.put_nowait(kind)

    def process_ended(self, child: ChildProcess) -> None:
        pass


@dataclass
class Conversation:
    """A client, and the descriptors that its peer has."""

    client: Client
    hears: int
    speaks: int
    open: set[int] = field(default_factory=set)

    def end(self, descriptor: int) -> None:
        """Close a descriptor of the peer."""
        self.open.discard(descriptor)
        os.close(descriptor)

    def take(self, length: int) -> bytes:
        """Read so many bytes as the peer, however they come."""
        data = b""
        while len(data) < length:
            data += os.read(self.hears, length - len(data))
        return data


@pytest.fixture
def talk() -> Iterator[Conversation]:
    from_client, write = os.pipe()
    read, to_client = os.pipe()
    if hasattr(fcntl, "F_SETPIPE_SZ"):
        fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, 4096)
    client = Listening("the peer", read, write)
    client.oddities = queue.Queue()
    client.listen()
    talk = Conversation(client, from_client, to_client, {from_client, to_client})
    yield talk
    client.close()
    for descriptor in (*talk.open, read, write):
        os.close(descriptor)


def test_a_full_pipe_is_waited_for_and_the_loop_goes_on_meanwhile(talk: Conversation) -> None:
    """A write that blocks the loop would never let the peer's reading begin here."""

    async def work() -> tuple[int, bytes]:
        writing = asyncio.create_task(talk.client.write(LARGE, LONG))
        await asyncio.sleep(0)
        return await asyncio.gather(writing, asyncio.to_thread(talk.take, len(LARGE)))

    left, taken = asyncio.run(work())
    assert (left, taken) == (0, LARGE)
    assert talk.client.gone is None


def test_a_peer_that_does_not_read_gets_nothing_more_and_owes_nobody_an_answer(talk: Conversation) -> None:
    """After a message that was cut short, the next one would be taken for its rest."""

    async def work() -> tuple[int, int]:
        with talk.client.expecting(1, "read") as answer:
            left = await talk.client.write(LARGE, SOON)
            with pytest.raises(UnansweredError, match="it does not read what it is sent"):
                await answer
        return left, await talk.client.write(b"more", LONG)

    left, more = asyncio.run(work())
    assert 0 < left < len(LARGE)
    assert more == 0
    assert talk.client.gone == "it does not read what it is sent"


def test_who_has_not_begun_to_write_in_time_cuts_no_message(talk: Conversation) -> None:
    async def work() -> tuple[int, str | None, int]:
        first = asyncio.create_task(talk.client.write(LARGE, LONG))
        await asyncio.sleep(0)
        second = await talk.client.write(b"late", SOON)
        gone = talk.client.gone
        await asyncio.to_thread(talk.take, len(LARGE))
        return second, gone, await first

    assert asyncio.run(work()) == (len(b"late"), None, 0)


def test_a_peer_that_is_gone_fails_what_is_pending_and_not_the_writer(talk: Conversation) -> None:
    async def work() -> int:
        with talk.client.expecting(1) as answer:
            talk.end(talk.hears)
            left = await talk.client.write(LARGE, LONG)
            talk.end(talk.speaks)
            with pytest.raises(UnansweredError, match="closed by the peer"):
                await answer
        with talk.client.expecting(2) as answer, pytest.raises(UnansweredError, match="closed by the peer"):
            await answer
        return left

    assert asyncio.run(work()) == 0


def test_an_answer_is_late_to_whoever_waited_in_vain_and_not_to_whoever_was_cancelled(talk: Conversation) -> None:
    async def wait_for(number: int, *, cancelled: bool) -> None:
        with talk.client.expecting(number) as answer:
            if cancelled:
                raise asyncio.CancelledError
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(answer, 0)

    async def work() -> None:
        with pytest.raises(asyncio.CancelledError):
            await wait_for(1, cancelled=True)
        await wait_for(2, cancelled=False)

    asyncio.run(work())
    for number in (1, 2, 1):
        body = b'{"jsonrpc":"2.0","id":%d,"result":true}' % number
        os.write(talk.speaks, framing.encode(body))
    assert [talk.client.oddities.get(timeout=LONG) for _ in range(2)] == [Oddity.LATE, Oddity.SECOND]
