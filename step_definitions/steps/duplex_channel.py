"""Sentences of features/13-duplex-channel.feature; 13.1 to 13.4 are known to other implementations."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field, replace

from harmony import ByteSize, ScenarioContext, expect_equal, step, then
from step_definitions import foreign_peer
from step_definitions.held_resources import HeldResources
from step_definitions.observer import HEADER, BufferView, Part
from step_definitions.patterns import Pattern, Payload, digest
from step_definitions.port import Blob, Driver
from step_definitions.role import Role
from step_definitions.sentences import acting, stating
from step_definitions.steps.signs_of_life import SignsOfLifeSteps

_REQUEST_METADATA = 4096
_REQUEST_PAYLOAD = 1 << 20
_RESPONSE_METADATA = 4096
_RESPONSE_PAYLOAD = 1 << 22
_SMALL_PAYLOAD = 4096
_MODES = frozenset({"SingleThread"})


_KEY = 0xFF


@dataclass(slots=True)
class _Talk:
    """What a client has said and heard over one channel.

    Attributes:
        name: Of the channel, in full.
        handle: The client as the driver knows it.
        sent: Its requests.
        received: The responses so far.
    """

    name: str = ""
    handle: int = 0
    sent: list[Payload] = field(default_factory=list)
    received: list[Blob] = field(default_factory=list)

    @property
    def answered_next(self) -> Payload:
        """The request that the next response belongs to."""
        if len(self.received) >= len(self.sent):
            raise AssertionError("no request is left whose response could come")
        return self.sent[len(self.received)]


class DuplexChannelSteps:
    """Requests and responses."""

    def __init__(
        self, role: Role, driver: Driver, context: ScenarioContext, signs: SignsOfLifeSteps, held: HeldResources
    ) -> None:
        self._role = role
        self._driver = driver
        self._context = context
        self._signs = signs
        self._held = held
        self._server = 0
        self._talks: dict[str, _Talk] = {}
        self._talk = _Talk()
        self._seconds = 0.0

    @property
    def handle(self) -> int:
        """The channel as the driver knows it: the client's, or else the server's."""
        return self._talk.handle or self._server

    @step(
        acting(
            r"creates immutable duplex channel '(?P<base>[^']+)' with metadata size '(?P<metadata>[^']+)' "
            r"and payload size '(?P<payload>[^']+)'"
        )
    )
    async def create(self, base: str, metadata: ByteSize, payload: ByteSize) -> None:
        """Create a channel and become its server."""
        await self._role.require_capabilities()
        name = self._role.naming.name(base)
        self._role.view_exactly(f"{name}_response")
        self._role.owns(f"{name}_request")
        self._server = await self._driver.serve(name, metadata=metadata, payload=payload)

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
        await self._driver.handle(self._server, "echo")

    @step(acting(r"starts handler with '(?P<milliseconds>\d+)' ms processing time"))
    async def start_slow(self, milliseconds: int) -> None:
        """Answer every request with itself, after a while."""
        await self._driver.handle(self._server, "echo", delay=milliseconds / 1000)

    @step(acting(r"starts handler that doubles request size"))
    async def start_double(self) -> None:
        """Answer every request with itself twice."""
        await self._driver.handle(self._server, "double")

    @step(acting(r"starts handler that implements XOR with key '(?P<key>[^']+)'"))
    async def start_xor(self, key: int) -> None:
        """Answer every request with its complement, and try to change the request on the way."""
        expect_equal(_KEY, key, "key of the one handler of this kind that there is")
        await self._driver.handle(self._server, "xor")

    @step(acting(r"starts handler that fails for every other request"))
    async def start_faulty(self) -> None:
        """Fail for the first, third, fifth … request, and answer the others with themselves."""
        await self._driver.handle(self._server, "faulty")

    @step(acting(r"tries to start a handler again"))
    async def try_start_again(self) -> None:
        """Start answering with another handler, beside the one that there is."""
        await self._role.operations.attempt(self._driver.handle(self._server, "double"))

    @step(acting(r"tries to receive a response"))
    async def try_receive(self) -> None:
        """Receive the next response, which may be an error."""
        timeout = self._role.settings.read_timeout
        await self._role.operations.attempt(self._driver.receive(self._talk.handle, timeout=timeout), patience=timeout)

    @then(acting(r"should have found its requests read-only"))
    async def requests_read_only(self) -> None:
        """Ask what became of the attempts to change requests."""
        seen = await self._driver.service(self._server)
        if not seen.requests:
            raise AssertionError("the handler has met no request")
        expect_equal(seen.requests, seen.refused_changes, "requests that refused to be changed")

    @step(acting(r"stops its channel(?: within '(?P<milliseconds>\d+)' ms)?"))
    async def stop(self, milliseconds: int | None = None) -> None:
        """Close the server, also with requests unanswered."""
        began = time.monotonic()
        await self._driver.close(self._server)
        if milliseconds is not None:
            self._role.expect_within(time.monotonic() - began, milliseconds, "the call")

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

    @step(acting(r"becomes the client of channel '(?P<base>[^']+)', asks and leaves '(?P<times>\d+)' times"))
    async def visit(self, base: str, times: int) -> None:
        """Become the client of a channel, send a request, receive its response, and leave, again and again."""
        for _ in range(times):
            await self._dial(base, _SMALL_PAYLOAD)
            await self._send(Payload(Pattern.SIMPLE, 100))
            await self._expect(Payload(Pattern.SIMPLE, 100))
            await self._driver.close(self._talk.handle)
            await self._held.note()

    @step(acting(r"tries to create duplex channel client '(?P<base>[^']+)'"))
    async def try_dial(self, base: str) -> None:
        """Become the client of a channel, or learn after a moment that it has no server."""
        await self._role.require_capabilities()
        await self._role.operations.attempt(self._dial(base, _RESPONSE_PAYLOAD, self._role.settings.quiet_timeout))

    @step(stating(r"an obstacle stands in the place of the response buffer of channel '(?P<base>[^']+)'"))
    def obstruct_responses(self, base: str) -> None:
        """Put a directory where the segment of the client's buffer would be."""
        view = self._role.view_exactly(self._role.naming.name(base) + "_response")
        view.obstruct(Part.SEGMENT)
        self._context.on_cleanup(view.clear)

    @step(stating(r"the obstacle of channel '(?P<base>[^']+)' is removed"))
    def clear_responses(self, base: str) -> None:
        """Remove it."""
        self._role.view_exactly(self._role.naming.name(base) + "_response").clear()

    @step(acting(r"starts to create duplex channel client '(?P<base>[^']+)'"))
    async def start_dialling(self, base: str) -> None:
        """Begin to wait for the server of a channel."""
        self._role.operations.start(self._dial(base, _RESPONSE_PAYLOAD))

    @step(
        acting(
            r"sees another implementation become the client of channel '(?P<base>[^']+)' in a process of its own"
            r"(?P<mute>, without a response buffer)?"
        )
    )
    def foreign_dial(self, base: str, mute: str | None = None) -> None:
        """Be the client as one that knows part one of the protocol alone."""
        self._talk = _Talk(self._role.naming.name(base))
        if not mute:
            self._make_responses()
        foreign_peer.connect(self._view("request"), self._signs.living())

    @step(acting(r"sees the other implementation send request with size '(?P<size>[^']+)'"))
    async def foreign_send(self, size: ByteSize) -> None:
        """Write its next request into memory and signal it; the server takes it."""
        requests = self._view("request")
        taken = requests.field("payload_read_count")
        self._talk.sent.append(Payload(Pattern.FRAME, size, len(self._talk.sent) + 1))
        foreign_peer.write(requests, size, len(self._talk.sent))
        await self._role.poll(lambda: requests.field("payload_read_count") > taken, "the request taken")

    @then(acting(r"should see the other implementation left without a response, and told '(?P<text>[^']+)'"))
    async def foreign_left(self, text: str) -> None:
        """The server came and went; what stands in the response buffer is a trace, and no frame."""
        responses = self._view("response")
        await self._role.poll(
            lambda: responses.metadata() != b"" and responses.field("writer_pid") == 0,
            "a server that wrote metadata and left",
        )
        self._expect_in_responses(text, 0)

    @then(acting(r"should see the other implementation left after '(?P<count>\d+)' responses?, and told nothing"))
    async def foreign_left_later(self, count: int) -> None:
        """The server went; what it had answered stands in the response buffer, and no trace beside it."""
        responses = self._view("response")
        await self._role.poll(lambda: responses.field("writer_pid") == 0, "a server that left")
        self._expect_in_responses("", count)

    @step(acting(r"sees the other implementation make its response buffer '(?P<milliseconds>\d+)' ms later"))
    async def foreign_make(self, milliseconds: int) -> None:
        """Make the buffer for responses, where a request has been read already."""
        await asyncio.sleep(milliseconds / 1000)
        self._make_responses()

    @then(acting(r"should see the other implementation have a response of size '(?P<size>[^']+)'"))
    async def foreign_answered(self, size: ByteSize) -> None:
        """One frame stands in the response buffer, and its token has come."""
        responses = self._view("response")
        await self._role.poll(lambda: responses.semaphore(Part.DATA) == 1, "a token in the response buffer")
        expect_equal((size, 1), responses.frame_header(0), "(size, sequence) of the response")

    @step(acting(r"sees its number gone from its response buffer"))
    def lose_number(self) -> None:
        """Have the response buffer say that its reader has closed."""
        self._view("response").overwrite("reader_pid", 0)

    @step(acting(r"turns to channel '(?P<base>[^']+)'"))
    def turn_to(self, base: str) -> None:
        """Speak over another of the channels this process is a client of."""
        if base not in self._talks:
            raise AssertionError(f"this role is no client of channel {base!r}")
        self._talk = self._talks[base]

    @step(acting(r"closes its channel"))
    async def hang_up(self) -> None:
        """Leave the channel."""
        await self._driver.close(self._talk.handle)

    @step(acting(r"sends request with size '(?P<size>[^']+)'"))
    @step(acting(r"sends '(?P<size>[^']+)' byte frame with test pattern"))
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
        await self._role.watch_peer(self._view("request").field("reader_pid"))
        self._role.operations.start(self._driver.receive(self._talk.handle, timeout=self._role.settings.bulk_timeout))

    @then(stating(r"response should match request with size '(?P<size>[^']+)'"))
    async def response_matches(self, size: ByteSize) -> None:
        """Compare the next response with the request."""
        await self._expect(Payload(Pattern.SIMPLE, size))

    @then(stating(r"response should contain XOR transformed data"))
    async def response_is_complement(self) -> None:
        """Compare the next response with the complement of the request that it answers."""
        await self._expect(replace(self._talk.answered_next, mask=_KEY))

    @then(stating(r"the server handler receives immutable request frame"))
    def request_unchanged(self) -> None:
        """Look into the memory for the last request: its handler has left every byte as it was."""
        expect_equal(self._talk.sent[-1].content(), self._last_in("request"), "bytes of the request in memory")

    @then(stating(r"the server handler returns new response data"))
    def response_is_new(self) -> None:
        """Look into the memory for the last response: it has a place and bytes of its own."""
        expected = replace(self._talk.sent[-1], mask=_KEY).content()
        expect_equal(expected, self._last_in("response"), "bytes of the response in memory")

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
        while len(self._talk.received) < count:
            await self._receive()
        expect_equal(count, len(self._talk.received), "number of responses")

    @then(stating(r"responses should match requests by content"))
    def match_by_content(self) -> None:
        """Compare every response with its request, byte for byte by digest."""
        self._compare(self._talk.sent)

    @then(stating(r"no responses should be lost or duplicated"))
    async def none_lost(self) -> None:
        """Count the responses, and look for one too many."""
        expect_equal(len(self._talk.sent), len(self._talk.received), "number of responses")
        operations, timeout = self._role.operations, self._role.settings.quiet_timeout
        await operations.attempt(self._driver.receive(self._talk.handle, timeout=timeout), patience=timeout)
        await operations.error(["timeout"], self._role.settings.read_timeout)

    @then(acting(r"receives exactly '(?P<count>\d+)' responses"))
    async def receives_exactly(self, count: int) -> None:
        """Count the responses, and look for one too many."""
        expect_equal(count, len(self._talk.received), "number of responses")
        await self.none_lost()

    @then(stating(r"all '(?P<count>\d+)' responses match their requests"))
    def all_match(self, count: int) -> None:
        """Compare every response with its request."""
        expect_equal(count, len(self._talk.received), "number of responses")
        self._compare(self._talk.sent)

    @then(stating(r"all '(?P<count>\d+)' responses should be their requests twice over"))
    def all_doubled(self, count: int) -> None:
        """Compare every response with its request, doubled."""
        expect_equal(count, len(self._talk.received), "number of responses")
        self._compare([replace(one, repeat=2) for one in self._talk.sent])

    @step(acting(r"measures total response time"))
    def measure(self) -> None:
        """Log how long all requests took together."""
        if not self._talk.received:
            raise AssertionError("nothing has been received that could be measured")
        self._role.logger.info("responses", count=len(self._talk.received), milliseconds=round(self._seconds * 1000))

    @then(stating(r"total time should be at least '(?P<milliseconds>\d+)' ms"))
    def took_at_least(self, milliseconds: int) -> None:
        """Compare the time of all requests with the least it can be if they are handled one by one."""
        if self._seconds * 1000 < milliseconds:
            raise AssertionError(f"took {self._seconds * 1000:.0f} ms, at least {milliseconds} expected")

    @then(stating(r"responses should arrive in order"))
    def in_order(self) -> None:
        """Compare every response with its request: the n-th answers the n-th."""
        self._compare(self._talk.sent)

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

    async def _dial(self, base: str, payload: int, timeout: float | None = None) -> None:
        name = self._role.naming.name(base)
        self._role.view_exactly(f"{name}_request")
        self._role.owns(f"{name}_response")
        handle = await self._driver.dial(
            name, metadata=_RESPONSE_METADATA, payload=payload, timeout=timeout or self._role.settings.read_timeout
        )
        self._talk = self._talks[base] = _Talk(name, handle)

    def _make_responses(self) -> None:
        responses = self._view("response")
        self._context.on_cleanup(responses.sweep)
        foreign_peer.create(responses, _SMALL_PAYLOAD, self._signs.living(), metadata=_RESPONSE_METADATA)

    def _expect_in_responses(self, text: str, count: int) -> None:
        responses = self._view("response")
        expect_equal(text.encode(), responses.metadata(), "metadata of the response buffer")
        seen = (responses.field("payload_written_count"), responses.semaphore(Part.DATA))
        expect_equal((count, count), seen, "(frames, tokens) of the response buffer")

    def _view(self, end: str) -> BufferView:
        return self._role.view_exactly(f"{self._talk.name}_{end}")

    def _last_in(self, end: str) -> bytes:
        """Return the bytes of the frame that was written last into one of the two buffers."""
        view, size = self._view(end), self._talk.sent[-1].size
        behind = view.field("payload_write_pos") or view.field("payload_size")
        expect_equal(size, view.frame_header(behind - size - HEADER.size)[0], f"size of the {end} in memory")
        return view.payload(behind - size, size)

    async def _send(self, payload: Payload, *, in_place: bool = False) -> None:
        await self._driver.send(self._talk.handle, payload, in_place=in_place)
        self._talk.sent.append(payload)

    async def _receive(self) -> Blob:
        response = await self._driver.receive(self._talk.handle)
        self._talk.received.append(response)
        return response

    async def _expect(self, payload: Payload) -> None:
        content = payload.content()
        expect_equal(Blob(len(content), digest(content)), await self._receive(), "(size, digest) of the response")

    def _compare(self, expected: list[Payload]) -> None:
        contents = [one.content() for one in expected]
        wanted = [Blob(len(content), digest(content)) for content in contents]
        if not wanted:
            raise AssertionError("no request has been sent")
        expect_equal(wanted, self._talk.received, "responses, in order")
