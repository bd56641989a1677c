"""Checks of duplex channels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

from harmony.doctor import CheckContext, WrongError, driver_check, expect, expect_all, expect_error, refusal, refused
from harmony.wire import jsonrpc
from step_definitions.driver_checks.fixtures import SHORT, TypedDriver, driver_of
from step_definitions.observer import BufferView, Part
from step_definitions.patterns import Pattern, Payload, digest, ramp
from step_definitions.port import Handler

_SIZES: Final = (1, 100, 257)


@dataclass(frozen=True, slots=True)
class _Channel:
    """A channel with both ends in one driver."""

    driver: TypedDriver
    name: str
    server: int
    client: int

    @classmethod
    async def open(cls, context: CheckContext, handler: Handler | None = None, delay: float = 0.0) -> Self:
        driver, name = await driver_of(context), context.name("channel")
        server = await driver.serve(name, metadata=0, payload=4096)
        if handler:
            await driver.handle(server, handler, delay=delay)
        return cls(driver, name, server, await driver.dial(name, metadata=0, payload=4096))


@driver_check("serve", "objects", "serve makes the request buffer of a channel", why="Clients find the channel by it.")
async def _serve(context: CheckContext) -> None:
    driver, name = await driver_of(context), context.name("served")
    server = await driver.serve(name, metadata=0, payload=4096)
    view = BufferView(f"{name}_request")
    expect_all(
        ("objects", view.existing(), [part.value for part in Part]),
        ("reader_pid", view.field("reader_pid"), driver.probe.identity["pid"]),
        ("payload_size", view.field("payload_size"), 4096),
    )
    await driver.close(server)
    expect("objects after close", view.existing(), [])


@refusal("serve", "in-use", "a channel that is in use is refused", why="A living server must not lose its memory.")
async def _serve_twice(context: CheckContext) -> None:
    driver, name = await driver_of(context), context.name("served")
    await driver.serve(name, metadata=0, payload=4096)
    await refused(driver.serve(name, metadata=0, payload=4096), "buffer_in_use")


@driver_check(
    "handle", "handlers", "the handlers echo, double and turn bytes over", why="Scenarios know their answers."
)
async def _handle(context: CheckContext) -> None:
    driver = await driver_of(context)
    answers: dict[Handler, bytes] = {
        "echo": ramp(100),
        "double": ramp(100) * 2,
        "xor": bytes(255 - one for one in ramp(100)),
    }
    for handler, answer in answers.items():
        name = context.name(handler)
        await driver.handle(await driver.serve(name, metadata=0, payload=4096), handler)
        client = await driver.dial(name, metadata=0, payload=4096)
        await driver.send(client, Payload(Pattern.SIMPLE, 100))
        seen = await driver.receive(client)
        expect_all(
            (f"size of the answer of {handler}", seen.size, len(answer)),
            (f"digest of the answer of {handler}", seen.digest, digest(answer)),
        )


@refusal("handle", "unknown", "a handler that nobody knows is refused", why="Silence would look like a slow server.")
async def _handle_unknown(context: CheckContext) -> None:
    driver = await driver_of(context)
    server = await driver.serve(context.name("served"), metadata=0, payload=4096)
    params = {"handle": server, "handler": "triple", "delay": 0.0, "timeout": 1.0}
    answer = await driver.probe.ask("handle", params)
    expect_error("handle with 'handler' = 'triple'", answer, jsonrpc.INVALID_PARAMS, naming="handler")


@driver_check(
    "service", "counts", "service counts requests and refused changes", why="A request's memory is not the server's."
)
async def _service(context: CheckContext) -> None:
    channel = await _Channel.open(context, "xor")
    await channel.driver.ping(channel.client, Payload(Pattern.SIMPLE, 10), count=3)
    seen = await channel.driver.service(channel.server)
    expect_all(("requests", seen.requests, 3), ("refused_changes", seen.refused_changes, 3))


@driver_check("dial", "objects", "dial makes the response buffer of a channel", why="The server answers there.")
async def _dial(context: CheckContext) -> None:
    channel = await _Channel.open(context)
    requests, responses = BufferView(f"{channel.name}_request"), BufferView(f"{channel.name}_response")
    pid = channel.driver.probe.identity["pid"]
    expect_all(
        ("objects", responses.existing(), [part.value for part in Part]),
        ("reader_pid of the responses", responses.field("reader_pid"), pid),
        ("writer_pid of the requests", requests.field("writer_pid"), pid),
    )
    await channel.driver.close(channel.client)
    expect("objects after close", responses.existing(), [])


@refusal("dial", "nobody", "a channel without a server is refused", why="The client would wait for nobody.")
async def _dial_nobody(context: CheckContext) -> None:
    driver, name = await driver_of(context), context.name("nobody")
    await refused(driver.dial(name, metadata=0, payload=4096, timeout=SHORT), "not_found")
    expect("objects afterwards", BufferView(f"{name}_response").existing(), [])


@driver_check(
    "send", "in-order", "requests are answered in order, written in place or not", why="Nothing else tells them apart."
)
async def _send(context: CheckContext) -> None:
    channel = await _Channel.open(context, "echo")
    for number, size in enumerate(_SIZES):
        await channel.driver.send(channel.client, Payload(Pattern.SIMPLE, size, mask=number), in_place=number % 2 == 1)
    for number, size in enumerate(_SIZES):
        expected = bytes(value ^ number for value in ramp(size))
        seen = await channel.driver.receive(channel.client)
        expect_all(
            (f"size of answer {number + 1}", seen.size, size),
            (f"digest of answer {number + 1}", seen.digest, digest(expected)),
        )


@refusal("send", "size", "a request beyond the ring is refused", why="It could never be read.")
async def _send_too_much(context: CheckContext) -> None:
    channel = await _Channel.open(context, "echo")
    for in_place in (False, True):
        too_much = Payload(Pattern.SIMPLE, 5000)
        await refused(channel.driver.send(channel.client, too_much, in_place=in_place), "frame_too_large")


@driver_check("receive", "later", "receive waits for a slow handler", why="Scenarios have slow servers.")
async def _receive(context: CheckContext) -> None:
    channel = await _Channel.open(context, "echo", delay=SHORT)
    await channel.driver.send(channel.client, Payload(Pattern.SIMPLE, 10))
    seen = await channel.driver.receive(channel.client)
    expect_all(("size", seen.size, 10), ("digest", seen.digest, digest(ramp(10))))


@refusal("receive", "nothing", "without a request there is no answer", why="It would wait for nobody.")
async def _receive_nothing(context: CheckContext) -> None:
    channel = await _Channel.open(context, "echo")
    await refused(channel.driver.receive(channel.client, timeout=SHORT), "timeout")


@driver_check("ping", "trips", "ping measures each round trip", why="It is what measures the time of a round trip.")
async def _ping(context: CheckContext) -> None:
    channel = await _Channel.open(context, "echo", delay=0.02)
    seen = await channel.driver.ping(channel.client, Payload(Pattern.SIMPLE, 10), count=5)
    expect("how many", len(seen), 5)
    if min(seen) < 0.019:
        raise WrongError(f"seconds: seen {min(seen):.3g}, expected at least the 0.02 that the handler takes")


@refusal("ping", "unhandled", "a server that handles nothing is no answer", why="It would wait for nobody.")
async def _ping_nobody(context: CheckContext) -> None:
    channel = await _Channel.open(context)
    work = channel.driver.ping(channel.client, Payload(Pattern.SIMPLE, 10), count=1, timeout=SHORT)
    await refused(work, "timeout")


CHECKS: Final = (
    *(_serve, _serve_twice, _handle, _handle_unknown, _service, _dial, _dial_nobody),
    *(_send, _send_too_much, _receive, _receive_nothing, _ping, _ping_nobody),
)
