"""Sentences of features/13-duplex-channel.feature; 13.1 to 13.4 are known to other implementations."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

from harmony import ByteSize, expect_equal, step, then
from step_definitions.observer import BufferView, Part
from step_definitions.patterns import Pattern, Payload, digest
from step_definitions.port import Blob, Driver
from step_definitions.role import Role
from step_definitions.sentences import acting, stating

_REQUEST_METADATA = 4096
_REQUEST_PAYLOAD = 1 << 20
_RESPONSE_METADATA = 4096
_RESPONSE_PAYLOAD = 1 << 22
_MODES = frozenset({"SingleThread"})


class DuplexChannelSteps:
    """Requests and responses."""

    def __init__(self, role: Role, driver: Driver) -> None:
        self._role = role
        self._driver = driver
        self._handle = 0
        self._clients: dict[str, int] = {}
        self._name = ""
        self._sent: list[Payload] = []
        self._received: list[Blob] = []
        self._seconds = 0.0

    @property
    def handle(self) -> int:
        """The channel as the driver knows it."""
        return self._handle

    @step(
        acting(
            r"creates immutable duplex channel '(?P<base>[^']+)' with metadata size '(?P<metadata>[^']+)' "
            r"and payload size '(?P<payload>[^']+)'"
        )
    )
    async def create(self, base: str, metadata: ByteSize, payload: ByteSize) -> None:
        """Create a channel and become its server."""
        await self._role.require_capabilities()
        self._role.view_exactly(f"{self._role.naming.name(base)}_response")
        self._role.owns(f"{self._role.naming.name(base)}_request")
        self._handle = await self._driver.serve(self._role.naming.name(base), metadata=metadata, payload=payload)

    @step(acting(r"creates immutable duplex channel '(?P<base>[^']+)' with default config"))
    async def create_default(self, base: str) -> None:
        """Create a channel of the usual sizes."""
        await self.create(base, ByteSize(_REQUEST_METADATA), ByteSize(_REQUEST_PAYLOAD))

    @step(acting(r"creates immutable duplex channel '(?P<base>[^']+)' with processing mode '(?P<mode>[^']+)'"))
    async def create_mode(self, base: str, mode: str) -> None:
        """Create a channel whose requests are handled one after the other, which is the one mode there is."""
        if mode not in _MODES:
            raise AssertionError(f"there is no processing mode {mode!r}, only {', '.join(_MODES)}")
        await self.create_default(base)

    @step(acting(r"starts echo handler"))
    async def start_echo(self) -> None:
        """Answer every request with itself."""
        await self._driver.handle(self._handle, "echo")

    @step(acting(r"starts handler with '(?P<milliseconds>\d+)' ms processing time"))
    async def start_slow(self, milliseconds: int) -> None:
        """Answer every request with itself, after a while."""
        await self._driver.handle(self._handle, "echo", delay=milliseconds / 1000)

    @step(acting(r"starts handler that doubles request size"))
    async def start_double(self) -> None:
        """Answer every request with itself twice."""
        await self._driver.handle(self._handle, "double")

    @step(acting(r"starts handler that tries to change its request and answers it xor 255"))
    async def start_xor(self) -> None:
        """Answer every request with its complement."""
        await self._driver.handle(self._handle, "xor")

    @step(acting(r"starts handler that fails for every other request"))
    async def start_faulty(self) -> None:
        """Fail for the first, third, fifth … request, and answer the others with themselves."""
        await self._driver.handle(self._handle, "faulty")

    @step(acting(r"tries to receive a response"))
    async def try_receive(self) -> None:
        """Receive the next response, which may be an error."""
        await self._role.operations.attempt(
            self._driver.receive(self._handle, timeout=self._role.settings.read_timeout)
        )

    @then(acting(r"should have found its requests read-only"))
    async def requests_read_only(self) -> None:
        """Ask what became of the attempts to change requests."""
        seen = await self._driver.service(self._handle)
        if not seen.requests:
            raise AssertionError("the handler has met no request")
        expect_equal(seen.requests, seen.refused_changes, "requests that refused to be changed")

    @step(acting(r"stops its channel"))
    async def stop(self) -> None:
        """Close the server, also with requests unanswered."""
        await self._driver.close(self._handle)

    @step(acting(r"creates duplex channel client '(?P<base>[^']+)'"))
    async def dial(self, base: str) -> None:
        """Become the client of a channel."""
        await self._dial(base, _RESPONSE_PAYLOAD)

    @step(
        acting(r"creates duplex channel client '(?P<base>[^']+)' with a response buffer of '(?P<payload>[^']+)' bytes")
    )
    async def dial_small(self, base: str, payload: ByteSize) -> None:
        """Become the client of a channel, with little room for responses."""
        await self._dial(base, payload)

    @step(acting(r"turns to channel '(?P<base>[^']+)'"))
    def turn_to(self, base: str) -> None:
        """Speak over another of the channels this process is a client of."""
        if base not in self._clients:
            raise AssertionError(f"this role is no client of channel {base!r}")
        self._handle = self._clients[base]

    @step(acting(r"closes its channel"))
    async def hang_up(self) -> None:
        """Leave the channel."""
        await self._driver.close(self._handle)

    @step(acting(r"sends request with size '(?P<size>[^']+)'"))
    async def send(self, size: ByteSize) -> None:
        """Send one request."""
        await self._send(Payload(Pattern.SIMPLE, size))

    @step(acting(r"sends request with size '(?P<size>[^']+)' written in place"))
    async def send_in_place(self, size: ByteSize) -> None:
        """Send one request that is made in the ring."""
        await self._send(Payload(Pattern.SIMPLE, size), in_place=True)

    @step(acting(r"starts a request with size '(?P<size>[^']+)'"))
    async def start_request(self, size: ByteSize) -> None:
        """Send a request and begin to wait for its response."""
        await self._send(Payload(Pattern.SIMPLE, size))
        await self._role.watch_peer(self._role.view_exactly(f"{self._name}_request").field("reader_pid"))
        self._role.operations.start(self._driver.receive(self._handle, timeout=self._role.settings.bulk_timeout))

    @then(stating(r"response should match request with size '(?P<size>[^']+)'"))
    async def response_matches(self, size: ByteSize) -> None:
        """Compare the next response with the request."""
        await self._expect(Payload(Pattern.SIMPLE, size))

    @then(stating(r"response should be the request of size '(?P<size>[^']+)' xor 255"))
    async def response_is_complement(self, size: ByteSize) -> None:
        """Compare the next response with the complement of the request."""
        await self._expect(Payload(Pattern.SIMPLE, size, mask=0xFF))

    @step(acting(r"sends '(?P<count>\d+)' requests sequentially"))
    async def send_sequentially(self, count: int) -> None:
        """Send requests of different sizes, each after the response to the one before."""
        begin = time.monotonic()
        for number in range(1, count + 1):
            await self._send(Payload(Pattern.FRAME, 100 * number, number))
            await self._receive()
        self._seconds = time.monotonic() - begin

    @step(acting(r"sends '(?P<count>\d+)' requests from single thread"))
    async def send_from_one_thread(self, count: int) -> None:
        """Send requests of different sizes, each after the response to the one before."""
        await self.send_sequentially(count)

    @step(acting(r"sends '(?P<count>\d+)' requests of size '(?P<size>[^']+)' without reading"))
    async def send_ahead(self, count: int, size: ByteSize) -> None:
        """Send requests and leave their responses where they are."""
        for number in range(1, count + 1):
            await self._send(Payload(Pattern.FRAME, size, number))

    @step(acting(r"receives '(?P<count>\d+)' responses in order"))
    async def receive_in_order(self, count: int) -> None:
        """Receive what is still owed; the sizes tell that the order is that of the requests."""
        while len(self._received) < count:
            await self._receive()
        expect_equal(count, len(self._received), "number of responses")

    @then(stating(r"responses should match requests by content"))
    def match_by_content(self) -> None:
        """Compare every response with its request, byte for byte by digest."""
        self._compare(self._sent)

    @then(stating(r"no responses should be lost or duplicated"))
    async def none_lost(self) -> None:
        """Count the responses, and look for one too many."""
        expect_equal(len(self._sent), len(self._received), "number of responses")
        operations = self._role.operations
        await operations.attempt(self._driver.receive(self._handle, timeout=self._role.settings.quiet_timeout))
        await operations.error(["timeout"], self._role.settings.read_timeout)

    @then(acting(r"receives exactly '(?P<count>\d+)' responses"))
    async def receives_exactly(self, count: int) -> None:
        """Count the responses, and look for one too many."""
        expect_equal(count, len(self._received), "number of responses")
        await self.none_lost()

    @then(stating(r"all '(?P<count>\d+)' responses match their requests"))
    def all_match(self, count: int) -> None:
        """Compare every response with its request."""
        expect_equal(count, len(self._received), "number of responses")
        self._compare(self._sent)

    @then(stating(r"all '(?P<count>\d+)' responses should be their requests twice over"))
    def all_doubled(self, count: int) -> None:
        """Compare every response with its request, doubled."""
        expect_equal(count, len(self._received), "number of responses")
        self._compare([replace(one, repeat=2) for one in self._sent])

    @step(acting(r"measures total response time"))
    def measure(self) -> None:
        """Log how long all requests took together."""
        if not self._received:
            raise AssertionError("nothing has been received that could be measured")
        self._role.logger.info("responses", count=len(self._received), milliseconds=round(self._seconds * 1000))

    @then(stating(r"total time should be at least '(?P<milliseconds>\d+)' ms"))
    def took_at_least(self, milliseconds: int) -> None:
        """Compare the time of all requests with the least it can be if they are handled one by one."""
        if self._seconds * 1000 < milliseconds:
            raise AssertionError(f"took {self._seconds * 1000:.0f} ms, at least {milliseconds} expected")

    @then(stating(r"responses should arrive in order"))
    def in_order(self) -> None:
        """Compare every response with its request: the n-th answers the n-th."""
        self._compare(self._sent)

    @then(
        stating(r"at most '(?P<most>\d+)' responses should stand in the response buffer of channel '(?P<base>[^']+)'")
    )
    async def few_responses(self, most: int, base: str) -> None:
        """Watch the semaphore of the response buffer rise to its most, and stay there."""
        name = f"{self._role.naming.name(base)}_response"
        seen = await self._settled(self._role.view_exactly(name))
        if seen > most:
            raise AssertionError(f"{seen} responses stand in the buffer, at most {most} have room")

    @then(stating(r"no object of channel '(?P<base>[^']+)' should exist"))
    def nothing_left(self, base: str) -> None:
        """Look for what either buffer of a channel left."""
        name = self._role.naming.name(base)
        left = [part for end in ("request", "response") for part in self._role.view_exactly(f"{name}_{end}").existing()]
        expect_equal([], left, "objects of the channel")

    async def _settled(self, view: BufferView) -> int:
        """Return the value of the data semaphore once it has stopped rising."""
        await self._role.poll(lambda: view.semaphore(Part.DATA) >= 1, "1 on the semaphore")
        before = -1
        while (now := view.semaphore(Part.DATA)) != before:
            before = now
            await asyncio.sleep(self._role.settings.blocked_for)
        return now

    async def _dial(self, base: str, payload: int) -> None:
        self._name = self._role.naming.name(base)
        self._role.view_exactly(f"{self._name}_request")
        self._role.owns(f"{self._name}_response")
        self._handle = await self._driver.dial(
            self._name, metadata=_RESPONSE_METADATA, payload=payload, timeout=self._role.settings.read_timeout
        )
        self._clients[base] = self._handle
        self._sent.clear()
        self._received.clear()

    async def _send(self, payload: Payload, *, in_place: bool = False) -> None:
        await self._driver.send(self._handle, payload, in_place=in_place)
        self._sent.append(payload)

    async def _receive(self) -> Blob:
        response = await self._driver.receive(self._handle)
        self._received.append(response)
        return response

    async def _expect(self, payload: Payload) -> None:
        content = payload.content()
        expect_equal(Blob(len(content), digest(content)), await self._receive(), "(size, digest) of the response")

    def _compare(self, expected: list[Payload]) -> None:
        contents = [one.content() for one in expected]
        wanted = [Blob(len(content), digest(content)) for content in contents]
        if not wanted:
            raise AssertionError("no request has been sent")
        expect_equal(wanted, self._received, "responses, in order")
