"""Checks of the wire: framing, ids, and that stdout belongs to the messages alone."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from typing import Any, Final

from harmony.doctor.check import BOOK, Check
from harmony.doctor.check_context import CheckContext
from harmony.doctor.driver_probe import DriverProbe, request
from harmony.doctor.finding import WrongError, expect
from harmony.doctor.observations import Observation
from harmony.doctor.requests import expect_error, expect_health
from harmony.wire import framing, jsonrpc
from harmony.wire.jsonrpc import Response

_SOON: Final = {"timeout": 1.0}
_PIECE: Final = 7
_AT_ONCE: Final = 20
_LARGE: Final = 1 << 20
_IDS: Final = (1, 0, 2**53 - 1, "a", "", "7", 'quoted "id" \\ with ünïcode ∞')


async def _takes_pieces(context: CheckContext) -> None:
    probe = await context.probe()
    number = probe.next_id()
    data = request(number, "health", _SOON)
    with probe.expecting(number) as answer:
        for start in range(0, len(data), _PIECE):
            await probe.send(data[start : start + _PIECE])
            await asyncio.sleep(0.002)  # each piece is to be read by itself
        _expect_true("a request in pieces", await probe.within(0.0, answer, "a request in pieces"))


async def _takes_many(context: CheckContext) -> None:
    probe = await context.probe()
    numbers = [probe.next_id() for _ in range(_AT_ONCE)]
    with ExitStack() as stack:
        futures = {number: stack.enter_context(probe.expecting(number)) for number in numbers}
        await probe.send(b"".join(request(number, "health", _SOON) for number in numbers))
        for number, answer in futures.items():
            what = f"request {number - numbers[0] + 1} of {_AT_ONCE} in one write"
            _expect_true(what, await probe.within(0.0, answer, what))


async def _takes_other_headers(context: CheckContext) -> None:
    probe = await context.probe()
    for what, head in (
        ("a header in lower case", "content-length: {}\r\n\r\n"),
        ("a header in capitals without a space", "CONTENT-LENGTH:{}\r\n\r\n"),
        ("lines that end in LF alone", "Content-Length: {}\n\n"),
        ("another header before", "Content-Type: application/json; charset=utf-8\r\nContent-Length: {}\r\n\r\n"),
        ("another header behind", "Content-Length: {}\r\nContent-Type: application/json\r\n\r\n"),
    ):
        number = probe.next_id()
        body = request(number, "health", _SOON).partition(b"\r\n\r\n")[2]
        with probe.expecting(number) as answer:
            await probe.send(head.format(len(body)).encode() + body)
            _expect_true(what, await probe.within(0.0, answer, f"a request with {what}"))


async def _counts_bytes(context: CheckContext) -> None:
    probe = await context.probe()
    number = probe.next_id()
    params = [{**_SOON, "note": "größer als ∞ 𝄞"}]
    document = {"jsonrpc": "2.0", "id": number, "method": "health", "params": params}
    with probe.expecting(number) as answer:
        await probe.send(framing.encode(json.dumps(document, ensure_ascii=False).encode()))
        _expect_true("raw UTF-8", await probe.within(0.0, answer, "a request with raw UTF-8 in a text"))
    await expect_health(probe, "a request with raw UTF-8 in a text")


async def _takes_large(context: CheckContext) -> None:
    probe = await context.probe()
    answer = await probe.ask("health", {**_SOON, "note": "x" * _LARGE}, timeout=1.0)
    _expect_true(f"a request of {_LARGE} bytes", answer)


async def _echoes_ids(context: CheckContext) -> None:
    probe = await context.probe()
    for identity in _IDS:
        _expect_true(f"the id {identity!r}", await probe.ask("health", _SOON, identity=identity))


async def _survives_garbage(context: CheckContext) -> None:
    for what, data in (
        ("a line between messages that is no header", b"this is no header\r\n"),
        ("headers without a length", b"Content-Type: application/json\r\n\r\n"),
        ("a length that is no number", b"Content-Length: many\r\n\r\n"),
    ):
        await _refuses(await context.probe(), what, data)


async def _makes_no_room_for_what_is_announced(context: CheckContext) -> None:
    for length in (framing.MAX_MESSAGE + 1, 1 << 40):
        await _refuses(
            await context.probe(),
            f"a message of {length} bytes that is announced",
            b"Content-Length: %d\r\n\r\n" % length,
        )


async def _refuses(probe: DriverProbe, what: str, data: bytes) -> None:
    """See that broken framing is told, and that the driver finds the next message or ends with a reason."""
    number = probe.next_id()
    with probe.expecting(number) as answer:
        await probe.send(data + request(number, "health", _SOON))
        try:
            expect_error(what, await probe.told(), jsonrpc.PARSE_ERROR)
            _expect_true(f"health after {what}", await probe.within(0.0, answer, f"health after {what}"))
        except WrongError as error:
            ended = probe.child.how_it_ended()
            if (
                not ended.startswith("exited with code")
                or ended == "exited with code 0"
                or not probe.child.stderr.lines()
            ):
                raise WrongError(
                    f"{what}: expected error {jsonrpc.PARSE_ERROR} with the id null and then the next answer, "
                    "or an end with a message on stderr and a status other than 0",
                    *error.lines,
                ) from None


def _expect_true(what: str, answer: object) -> None:
    seen: Any = answer.result if isinstance(answer, Response) else answer
    expect(what, seen, True)


async def _exercise(context: CheckContext) -> DriverProbe:
    """Have a driver say a little of everything."""
    probe = await context.probe()
    for verb in ("hello", "health", "dump", "no_such_verb"):
        await probe.ask(verb, _SOON)
    if context.case.driver_checks.hold is not None:
        await context.case.driver_checks.hold(context, probe)
    return probe


def _nothing_observed(kind: Observation) -> Callable[[CheckContext], Awaitable[None]]:
    async def run(context: CheckContext) -> None:
        probe = await _exercise(context)
        await probe.end()
        if kind is Observation.LEFT:
            for thing in context.left():
                context.case.observations.note(
                    kind, context.check, f"{thing.replace(context.run, '…')} is left by a driver that ended in order"
                )
        seen = context.case.observations.of(kind)
        if seen:
            checks = sorted(set(seen.values()) - {context.check})
            lines = (f"{text} (first during {check})" for text, check in seen.items())
            raise WrongError(*lines, with_checks=checks)

    return run


CHECKS: Final = (
    Check(
        "wire.pieces",
        "a message that comes in pieces is one message",
        "A pipe cuts where it likes; a driver that takes a read for a message fails under load alone.",
        f"{BOOK}#wire",
        _takes_pieces,
    ),
    Check(
        "wire.many",
        "many messages in one write are all answered",
        "A pipe joins what comes quickly; what is read with it and left over is never answered.",
        f"{BOOK}#wire",
        _takes_many,
    ),
    Check(
        "wire.headers",
        "headers in any case, with LF alone, with others beside them",
        "Peers in the field write them so.",
        f"{BOOK}#wire",
        _takes_other_headers,
    ),
    Check(
        "wire.bytes",
        "the length counts bytes, not characters",
        "One letter beyond ASCII, and every message behind it is lost.",
        f"{BOOK}#wire",
        _counts_bytes,
    ),
    Check(
        "wire.large",
        "a message of a mebibyte is one message",
        "Recipes with texts and long lists of sizes are that large.",
        f"{BOOK}#wire",
        _takes_large,
    ),
    Check(
        "wire.ids",
        "ids come back as they were given, numbers and texts",
        "An answer is found by its id alone.",
        f"{BOOK}#wire",
        _echoes_ids,
    ),
    Check(
        "wire.garbage",
        "what is no message is told and left behind, or ends the driver with a reason",
        "A driver that waits in silence for the rest of nothing looks like one that hangs in the library.",
        f"{BOOK}#wire",
        _survives_garbage,
    ),
    Check(
        "wire.too-large",
        "a message beyond 16 MiB is refused by its header, without room being made for it",
        "One broken header must not take the machine's memory.",
        f"{BOOK}#wire",
        _makes_no_room_for_what_is_announced,
    ),
)

OBSERVATIONS: Final = (
    Check(
        "wire.stdout",
        "nothing but messages came on stdout, during all of it",
        "What a library prints there breaks the framing; the harness may skip it, other hosts end the driver.",
        f"{BOOK}#wire",
        _nothing_observed(Observation.STDOUT),
        alone=True,
    ),
    Check(
        "wire.answers",
        "every request got one answer, with its id and the keys of JSON-RPC, and nobody else got one",
        "A second answer or one to nobody means that two requests have been mixed up.",
        f"{BOOK}#wire",
        _nothing_observed(Observation.ANSWERS),
        alone=True,
    ),
    Check(
        "errors.form",
        "every error has a message, and a canonical code if it came from the implementation",
        "Scenarios assert on codes: one that is missing or made up fails them in this language alone.",
        f"{BOOK}#errors",
        _nothing_observed(Observation.ERRORS),
        alone=True,
    ),
    Check(
        "end.nothing-left",
        "no driver that ended in order has left anything behind",
        "What is left fills the machine, and is what the next run stumbles over.",
        f"{BOOK}#end",
        _nothing_observed(Observation.LEFT),
        alone=True,
    ),
)
