"""Checks of requests: errors by the book, one that waits holds up no other, deadlines are kept."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any, Final

from harmony.doctor.check import BOOK, Check
from harmony.doctor.check_context import BlockingVerb, CheckContext
from harmony.doctor.driver_probe import DriverProbe, request
from harmony.doctor.finding import NotToldError, WrongError, expect
from harmony.doctor.samples import fitting, misfits
from harmony.wire import framing, jsonrpc
from harmony.wire.client import Answer
from harmony.wire.driver_contract import DRIVER_ERROR
from harmony.wire.jsonrpc import ErrorResponse, Response
from harmony.wire.verb import Verb

_SOON: Final = {"timeout": 1.0}
_BRIEF: Final = 0.4
_EARLY: Final = 0.1
_LONG: Final = 20.0
_READABLE: Final = 900

Params = Mapping[str, Any]
_AGE: Final = 0.2


async def expect_health(probe: DriverProbe, after: str) -> None:
    """See that a driver still answers.

    Raises:
        WrongError: It does not.
    """
    try:
        answer = await probe.ask("health", _SOON)
    except WrongError as error:
        raise WrongError(f"after {after} it does not go on", *error.lines) from None
    expect(f"health after {after}", _result(answer), True)


def expect_error(what: str, answer: Answer, code: int, *, naming: str = "") -> None:
    """See that an answer is an error with a code, and that its message names something.

    Raises:
        WrongError: It is not.
    """
    found = error_problem(what, answer, code, naming=naming)
    if found:
        raise WrongError(found)


def error_problem(what: str, answer: Answer, code: int, *, naming: str = "") -> str:
    """Say what is wrong with an error; nothing if it is as it must be."""
    if isinstance(answer, Response):
        return f"{what}: seen the result {answer.result!r:.100}, expected error {code}"
    if answer.code != code:
        return f"{what}: seen error {answer.code} ({answer.message:.100}), expected error {code}"
    if naming and naming not in answer.message:
        return f"{what}: the message {answer.message!r:.150} does not name {naming!r}"
    return ""


async def _knows_no_other_verb(context: CheckContext) -> None:
    probe = await context.probe()
    for verb in ("no_such_verb", "Health", ""):
        expect_error(f"the verb {verb!r}", await probe.ask(verb, _SOON), jsonrpc.METHOD_NOT_FOUND)
    await expect_health(probe, "an unknown verb")


async def _goes_on_after_no_json(context: CheckContext) -> None:
    probe = await context.probe()
    for body in (b"this is no JSON", b'{"jsonrpc":"2.0","id":900,', b""):
        await _expect_refused(probe, body, jsonrpc.PARSE_ERROR)
        await expect_health(probe, f"the body {body!r}")


async def _refuses_other_bytes(context: CheckContext) -> None:
    probe = await context.probe()
    body = b'{"jsonrpc":"2.0","id":900,"method":"health","params":[{"timeout":1.0,"note":"\xff"}]}'
    await _expect_refused(probe, body, jsonrpc.PARSE_ERROR)
    await expect_health(probe, "a body that is no UTF-8")


async def _refuses_what_is_no_request(context: CheckContext) -> None:
    probe = await context.probe()
    one = b'{"jsonrpc":"2.0","id":900,"method":"health","params":[{"timeout":1.0}]}'
    for body in (
        b"[" + one + b"]",
        b"[]",
        b"7",
        b'{"jsonrpc":"2.0","id":900}',
        b'{"jsonrpc":"2.0","id":900,"method":7}',
    ):
        await _expect_refused(probe, body, jsonrpc.INVALID_REQUEST)
    await expect_health(probe, "what is no request")


async def _expect_refused(probe: DriverProbe, body: bytes, code: int) -> None:
    """See that a body is answered with an error, whose id is null or the 900 that may be read from it."""
    what = f"the body {body!r}"
    with probe.expecting(_READABLE) as answer:
        await probe.send(framing.encode(body))
        told = asyncio.ensure_future(probe.told())
        await asyncio.wait((told, answer), return_when=asyncio.FIRST_COMPLETED)
        if answer.done():
            told.cancel()
        try:
            found = await probe.within(0.0, answer, what) if answer.done() else told.result()
        except WrongError as error:
            raise WrongError(f"{what}: expected error {code}", *error.lines) from None
    expect_error(what, found, code)
    if code == jsonrpc.PARSE_ERROR:
        expect(f"the id of the error that answers {what}", found.id, None)


async def _misses_every_parameter(context: CheckContext) -> None:
    def without(verb: Verb) -> Iterator[tuple[str, str, Params]]:
        params = fitting(verb, context.name("missing"))
        for key in params:
            yield key, f"{verb.name} without {key!r}", {name: value for name, value in params.items() if name != key}

    await _refuses_each(context, without)


async def _refuses_ill_typed_parameters(context: CheckContext) -> None:
    def ill_typed(verb: Verb) -> Iterator[tuple[str, str, Params]]:
        params = fitting(verb, context.name("misfit"))
        for key, value in misfits(verb):
            yield key, f"{verb.name} with {key!r} = {value!r}", {**params, key: value}

    await _refuses_each(context, ill_typed)


async def _refuses_each(context: CheckContext, cases: Callable[[Verb], Iterator[tuple[str, str, Params]]]) -> None:
    """See that every verb refuses each of some cases, given as the key that is wrong, in words, and as parameters."""
    probe = await context.probe()
    lines, absent = [], []
    for verb in context.case.contract.verbs.values():
        if (verb.needs and verb.needs not in probe.claims) or not context.case.has(verb):
            continue
        for key, what, params in cases(verb):
            answer = await probe.ask(verb.name, params)
            if isinstance(answer, ErrorResponse) and answer.code == jsonrpc.METHOD_NOT_FOUND:
                absent.append(verb.name)
                break
            lines.append(error_problem(what, answer, jsonrpc.INVALID_PARAMS, naming=key))
    if absent:
        lines.append(f"it has not got the verbs {', '.join(absent)}")
    _tell(lines)


def _tell(lines: list[str]) -> None:
    wrong = [line for line in lines if line]
    if wrong:
        raise WrongError(*wrong)


async def _ignores_what_it_does_not_know(context: CheckContext) -> None:
    probe = await context.probe()
    for verb in ("health", "hello"):
        answer = await probe.ask(verb, {**_SOON, "no_such_key": [1, {"deep": None}]})
        if isinstance(answer, ErrorResponse):
            raise WrongError(
                f"{verb} with an unknown key: seen error {answer.code} ({answer.message}), expected a result"
            )


async def _refuses_what_it_does_not_claim(context: CheckContext) -> None:
    probe = await context.probe()
    lines = []
    for verb in context.case.contract.verbs.values():
        if verb.needs and verb.needs not in probe.claims:
            answer = await probe.ask(verb.name, {**fitting(verb, context.name("unclaimed")), **_SOON})
            what = f"{verb.name}, which needs {verb.needs!r}, which it does not claim"
            lines.append(error_problem(what, answer, jsonrpc.METHOD_NOT_FOUND))
    lines += [f"it has made {thing} all the same" for thing in context.left()]
    _tell(lines)


def blocking_verb_of(context: CheckContext) -> BlockingVerb:
    """Return a situation in which a verb waits.

    Raises:
        NotToldError: The project tells none.
    """
    case = context.case
    waiting = [one for one in case.driver_checks.blocking if case.has(case.contract.verbs[one.verb])]
    if not waiting:
        raise NotToldError("the project tells of no verb that waits (driver.checks)")
    return waiting[0]


async def _answers_while_it_waits(context: CheckContext) -> None:
    blocking = blocking_verb_of(context)
    probe = await context.probe()
    params = await blocking.prepare(context, probe)
    number = probe.next_id()
    with probe.expecting(number) as late:
        await probe.send(request(number, blocking.verb, {**params, "timeout": _LONG}))
        try:
            answer = await probe.ask("health", _SOON)
        except WrongError as error:
            raise WrongError(f"while {blocking.verb} waits, health does not come", *error.lines) from None
        expect("health while another verb waits", _result(answer), True)
        if late.done():
            raise WrongError(f"health was answered only after {blocking.verb}, which had {_LONG:g} s to wait")


async def _lists_what_waits(context: CheckContext) -> None:
    blocking = blocking_verb_of(context)
    probe = await context.probe()
    params = await blocking.prepare(context, probe)
    number = probe.next_id()
    with probe.expecting(number):
        await probe.send(request(number, blocking.verb, {**params, "timeout": _LONG}))
        began = time.monotonic()
        listed: list[dict[str, Any]] = []
        while not listed and time.monotonic() - began < probe.late:  # it may not have come to it yet
            listed = [one for one in await _requests(probe) if one["id"] == number]
        if not listed:
            raise WrongError(f"requests: request {number} ({blocking.verb}), which waits, is not there")
        expect("the verb of the request that waits", listed[0]["verb"], blocking.verb)
        first = float(listed[0]["seconds"])
        if first > time.monotonic() - began + _AGE:
            raise WrongError(f"seconds: seen {first:.3g}, expected the age of a request that has just begun")
        await asyncio.sleep(_AGE)  # what it is about: the request grows older
        again = [one for one in await _requests(probe) if one["id"] == number]
        if again and float(again[0]["seconds"]) < first + _AGE / 2:
            raise WrongError(f"seconds: seen {first:.3g} and, {_AGE} s later, {again[0]['seconds']:.3g}")


async def _requests(probe: DriverProbe) -> list[dict[str, Any]]:
    found = await probe.call("dump", _SOON, 1.0)
    requests: list[dict[str, Any]] = found["requests"]
    if any(one["verb"] == "dump" for one in requests):
        raise WrongError("requests: the dump lists itself")
    return requests


async def _dumps(context: CheckContext) -> None:
    probe = await context.probe()
    found = await probe.call("dump", _SOON, 1.0)
    expect("requests while nothing is under way", found["requests"], [])
    if not found["threads"]:
        raise WrongError("threads: none, expected at least the one that answers")
    empty = [one for one in found["threads"] if not one["name"].strip() or not one["stack"].strip()]
    if empty:
        raise WrongError(f"threads: {len(empty)} without a name or without a stack, such as {empty[0]!r:.100}")


async def _is_healthy(context: CheckContext) -> None:
    probe = await context.probe()
    expect("health", _result(await probe.ask("health", _SOON)), True)


def _keeps_its_deadline(number: int) -> Callable[[CheckContext], Awaitable[None]]:
    async def run(context: CheckContext) -> None:
        blocking = context.case.driver_checks.blocking[number]
        probe = await context.probe()
        params = await blocking.prepare(context, probe)
        for timeout in (_BRIEF, 0.0):
            began = time.monotonic()
            answer = await probe.ask(blocking.verb, {**params, "timeout": timeout}, timeout=timeout)
            took = time.monotonic() - began
            what = f"{blocking.verb} with {timeout} s to wait"
            expect_error(what, answer, DRIVER_ERROR)
            data = answer.data if isinstance(answer, ErrorResponse) else None
            expect(f"the code of {what}", data.get("code") if isinstance(data, dict) else None, blocking.code)
            if took < timeout - _EARLY:
                raise WrongError(f"{what} gave up after {took:.3g} s")

    return run


def _result(answer: Answer) -> Any:
    return answer.result if isinstance(answer, Response) else f"error {answer.code}: {answer.message}"


def deadlines(blocking: BlockingVerb, number: int, needs: str) -> Check:
    """Return the check that a verb which waits keeps its deadline."""
    return Check(
        f"deadline.{blocking.verb}",
        f"{blocking.verb} waits as long as it may and then ends with {blocking.code!r}",
        "A verb that comes late counts as hung; one that gives up early makes scenarios fail by chance.",
        f"{BOOK}#deadlines",
        _keeps_its_deadline(number),
        frozenset({needs} - {""}),
    )


CHECKS: Final = (
    Check(
        "requests.health",
        "health is true",
        "It tells a slow implementation from a dead driver.",
        f"{BOOK}#requests",
        _is_healthy,
    ),
    Check(
        "requests.dump",
        "dump tells of every thread, with nothing under way",
        "When a verb hangs, this is all that a person gets to see.",
        f"{BOOK}#requests",
        _dumps,
    ),
    Check(
        "requests.dump-waiting",
        "dump lists a verb that waits, with its id and its age",
        "A hang is found by what has been under way for how long.",
        f"{BOOK}#requests",
        _lists_what_waits,
    ),
    Check(
        "requests.at-once",
        "a verb that waits holds up no other",
        "A scenario writes while another step of the same process reads; one after the other is a deadlock.",
        f"{BOOK}#requests",
        _answers_while_it_waits,
    ),
    Check(
        "errors.unknown-verb",
        f"an unknown verb is error {jsonrpc.METHOD_NOT_FOUND}",
        "A scenario that needs the verb becomes unsupported; any other answer would make it green or red by chance.",
        f"{BOOK}#errors",
        _knows_no_other_verb,
    ),
    Check(
        "errors.not-json",
        f"what is no JSON is error {jsonrpc.PARSE_ERROR} with the id null, and the driver goes on",
        "A driver that dies of a broken message takes the scenario's state with it, and hides who broke it.",
        f"{BOOK}#errors",
        _goes_on_after_no_json,
    ),
    Check(
        "errors.not-utf8",
        f"bytes that are no UTF-8 are error {jsonrpc.PARSE_ERROR}: JSON is always UTF-8",
        "What is quietly replaced by a question mark becomes the name of something else.",
        f"{BOOK}#errors",
        _refuses_other_bytes,
    ),
    Check(
        "errors.not-a-request",
        f"JSON that is no request (a batch, no method) is error {jsonrpc.INVALID_REQUEST}",
        "Silence looks like a hang; a guess does something that nobody has asked for.",
        f"{BOOK}#errors",
        _refuses_what_is_no_request,
    ),
    Check(
        "errors.missing-parameter",
        f"each parameter that is missing is error {jsonrpc.INVALID_PARAMS}, by name",
        "A default of the driver's own makes two implementations do different things for one sentence.",
        f"{BOOK}#errors",
        _misses_every_parameter,
    ),
    Check(
        "errors.ill-typed-parameter",
        f"each parameter of a wrong type is error {jsonrpc.INVALID_PARAMS}, by name",
        "What is quietly taken for 0 or for an empty text does something that nobody has asked for.",
        f"{BOOK}#errors",
        _refuses_ill_typed_parameters,
    ),
    Check(
        "errors.extra-key",
        "a parameter that it does not know is ignored",
        "A later version of the contract may add one.",
        f"{BOOK}#errors",
        _ignores_what_it_does_not_know,
    ),
    Check(
        "errors.unclaimed",
        f"a verb of a capability that it does not claim is error {jsonrpc.METHOD_NOT_FOUND}, and does nothing",
        "Half a capability makes scenarios fail where they should be shown as unsupported.",
        f"{BOOK}#errors",
        _refuses_what_it_does_not_claim,
    ),
)
