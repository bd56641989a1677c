"""The driver process under examination: says anything to it, byte by byte if need be, and hears everything."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import signal
import time
from collections.abc import Iterator, Mapping
from typing import Any, Final

from harmony.doctor.finding import WrongError
from harmony.doctor.observations import Aside, Heard
from harmony.process.child import ChildProcess
from harmony.process.stacks import stacks_of
from harmony.wire import framing, jsonrpc
from harmony.wire.driver import Driver, DriverError
from harmony.wire.driver_contract import DRIVER_ERROR, Contract
from harmony.wire.jsonrpc import ErrorResponse, Response

LATE: Final = 3.0
"""Seconds beyond a deadline after which nothing comes any more: a bound on a hang, not a measure."""

_CHUNK: Final = 1 << 16
_REST: Final = 64
_STANDARD: Final = frozenset(
    {
        *(jsonrpc.PARSE_ERROR, jsonrpc.INVALID_REQUEST, jsonrpc.METHOD_NOT_FOUND, jsonrpc.INVALID_PARAMS),
        jsonrpc.INTERNAL_ERROR,
    }
)
_KEYS: Final = ({"jsonrpc", "id", "result"}, {"jsonrpc", "id", "error"})
_ERROR_KEYS: Final = frozenset({"code", "message", "data"})

Answer = Response | ErrorResponse


class Patient(Driver):
    """One driver process.

    Args:
        child: The process.
        contract: What it must keep to.
        heard: Where asides are kept.
        late: Seconds beyond a deadline after which nothing comes any more.

    Attributes:
        identity: What it answered to the first ``hello``; none before that.
        check: The check that examines it.
    """

    def __init__(self, child: ChildProcess, contract: Contract, heard: Heard, late: float = LATE) -> None:
        self.child = child
        self.late = late
        self.contract = contract
        self.heard = heard
        self.identity: Any = None
        self.check = ""
        self.unasked: asyncio.Queue[ErrorResponse] = asyncio.Queue()
        """Errors with the id null, which answer what has no id that could be read."""
        self._decoder = framing.FrameDecoder()
        self._ids = itertools.count(1)
        self._pending: dict[tuple[str, Any], asyncio.Future[Answer]] = {}
        self._answered: set[tuple[str, Any]] = set()
        self._owed: set[tuple[str, Any]] = set()
        self._ended = asyncio.Event()
        self._closed = False
        loop = asyncio.get_running_loop()
        loop.add_reader(child.stdout, self._hear)
        loop.add_reader(child.stderr_fd, self._hear_logs)
        loop.add_reader(child.end_descriptor, self._note_end)

    @property
    def pid(self) -> int:
        """The process that was started."""
        return self.child.pid

    @property
    def claims(self) -> frozenset[str]:
        """The capabilities that it claims, as far as its introduction can be read."""
        claimed = self.identity.get("capabilities") if isinstance(self.identity, dict) else None
        return (
            frozenset(word for word in claimed if isinstance(word, str)) if isinstance(claimed, list) else frozenset()
        )

    @property
    def gone(self) -> bool:
        """Whether the process has ended."""
        return self._ended.is_set()

    @property
    def idle(self) -> bool:
        """Whether it lives, and owes nobody an answer."""
        return not (self.gone or self._owed or self._pending or self.unasked.qsize())

    def next_id(self) -> int:
        """Return an id that no request has had."""
        return next(self._ids)

    async def introduce(self, patience: float) -> None:
        """Have it say hello for the first time.

        Raises:
            WrongError: It does not, in time.
        """
        answer = await self.ask("hello", {"timeout": patience}, timeout=patience - self.late)
        if isinstance(answer, ErrorResponse):
            raise WrongError(f"hello was answered with error {answer.code}: {answer.message}")
        self.identity = answer.result

    async def call(self, verb: str, params: Mapping[str, Any], timeout: float) -> Any:
        """Carry a verb and return its answer, which must be as the contract says, to the letter.

        Raises:
            DriverError: The implementation refuses, with a canonical code.
            WrongError: Anything else.
        """
        answer = await self.ask(verb, dict(params), timeout=timeout)
        if isinstance(answer, Response):
            found = self.contract.verbs[verb].problems(answer.result, strict=True)
            if found:
                raise WrongError(*(f"the result of {verb} is not what the contract says: {text}" for text in found))
            return answer.result
        data = answer.data if isinstance(answer.data, dict) else {}
        details = data.get("details")
        if answer.code == DRIVER_ERROR and isinstance(data.get("code"), str):
            raise DriverError(data["code"], answer.message, details if isinstance(details, dict) else None)
        raise WrongError(f"{verb} was answered with error {answer.code}: {answer.message}")

    async def ask(self, method: str, params: Any, *, identity: int | str | None = None, timeout: float = 0.0) -> Answer:
        """Send a request and wait for its answer, whatever it is, as long as the verb may take.

        Raises:
            WrongError: None came in time, or it is no answer.
        """
        number = self.next_id() if identity is None else identity
        with self.expecting(number) as answer:
            await self.send(request(number, method, params))
            return await self.within(timeout, answer, f"{method} (id {number!r})")

    @contextlib.contextmanager
    def expecting(self, number: int | str) -> Iterator[asyncio.Future[Answer]]:
        """Say that an answer with this id is due; gives the future of it."""
        key = _key(number)
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._pending[key] = future
        self._answered.discard(key)
        try:
            yield future
        finally:
            self._pending.pop(key, None)
            (self._answered if future.done() else self._owed).add(key)
            if future.done() and not future.cancelled():
                future.exception()  # it may have been given up before it failed

    async def within(self, timeout: float, answer: asyncio.Future[Answer], what: str) -> Answer:
        """Wait for an answer, for as long as its verb may take and no longer than what is late.

        Raises:
            WrongError: It did not come in time, or it cannot come any more.
        """
        if self.gone and not answer.done():
            raise WrongError(f"{what} was not answered: {self._end_of_it()}")
        try:
            return await asyncio.wait_for(asyncio.shield(answer), timeout + self.late)
        except TimeoutError:
            raise WrongError(f"{what} was not answered within {timeout + self.late:.3g} s", *self._scene()) from None

    async def told(self) -> ErrorResponse:
        """Wait for an error with the id null.

        Raises:
            WrongError: None came in time, or none can come any more.
        """
        waiting = asyncio.ensure_future(self.unasked.get())
        ending = asyncio.ensure_future(self._ended.wait())
        try:
            await asyncio.wait({waiting, ending}, timeout=self.late, return_when=asyncio.FIRST_COMPLETED)
            if waiting.done():
                return waiting.result()
        finally:
            # Who waits no longer must not take what the next one waits for.
            waiting.cancel()
            ending.cancel()
        if self.gone:
            raise WrongError(f"no error with the id null came: {self._end_of_it()}")
        raise WrongError(f"no error with the id null came within {self.late:.3g} s")

    async def send(self, data: bytes) -> None:
        """Write bytes to its stdin; what cannot be written any more is lost.

        Raises:
            WrongError: It does not read them.
        """
        deadline = time.monotonic() + self.late
        left = memoryview(data)
        while left:
            try:
                left = left[os.write(self.child.stdin, left) :]
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise WrongError(f"it does not read its stdin: {len(left)} bytes wait") from None
                await self._writable(deadline)
            except OSError:
                return

    async def ended(self) -> bool:
        """Return whether it ends before it is late."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._ended.wait(), self.late)
        return self.gone

    async def end(self) -> None:
        """Close its stdin and wait for its end; whoever does not end is killed."""
        self.child.close_input()
        await self.ended()
        await self.discharge()

    async def kill(self) -> None:
        """End it with SIGKILL."""
        self.child.signal(signal.SIGKILL)
        await self.ended()

    async def discharge(self) -> bool:
        """Take leave of the process; return whether it had ended before, and nothing it had started was left."""
        if self._closed:
            return True
        self._closed = True
        before = self.gone
        loop = asyncio.get_running_loop()
        self._hear_the_rest()
        for descriptor in (self.child.stdout, self.child.stderr_fd, self.child.end_descriptor):
            loop.remove_reader(descriptor)
        strays = await asyncio.to_thread(self.child.end, patience=0.0, grace=0.2)
        self.child.release()
        self._fail_all("it was ended")
        while not self.unasked.empty():
            error = self.unasked.get_nowait()
            self.heard.note(
                Aside.ANSWERS, self.check, f"an error that nothing had called for: {error.code} {error.message}"
            )
        return before and not strays

    def _hear(self) -> bool:
        """Take a little and return whether there was any: who never stops talking must not hold up the rest."""
        try:
            data = os.read(self.child.stdout, _CHUNK)
        except BlockingIOError:
            return False
        except OSError:
            data = b""
        if not data:
            asyncio.get_running_loop().remove_reader(self.child.stdout)
            rest = self._decoder.finish()
            if rest is not None:
                self.heard.note(Aside.STDOUT, self.check, rest.detail)
            return False
        for item in self._decoder.feed(data):
            if isinstance(item, framing.Fault):
                self.heard.note(Aside.STDOUT, self.check, f"between messages on stdout: {item.detail}")
            else:
                self._take(item.body)
        return True

    def _hear_the_rest(self) -> None:
        """Take what is still in the pipe, of a process that has ended; what it has left behind may go on talking."""
        for _ in range(_REST):
            if not self._hear():
                return

    def _hear_logs(self) -> None:
        with contextlib.suppress(BlockingIOError, OSError):
            data = os.read(self.child.stderr_fd, _CHUNK)
            self.child.stderr.feed(data)
            if not data:
                asyncio.get_running_loop().remove_reader(self.child.stderr_fd)

    def _note_end(self) -> None:
        asyncio.get_running_loop().remove_reader(self.child.end_descriptor)
        self._hear_the_rest()
        self._hear_logs()
        self._ended.set()
        self._fail_all(self._end_of_it())

    def _take(self, body: bytes) -> None:
        message = jsonrpc.decode(body)
        if not isinstance(message, Response | ErrorResponse):
            text = f"what is no answer: {body[:120]!r}"
            self.heard.note(Aside.ANSWERS, self.check, text)
            self._fail_all(f"it sent {text}")
            return
        self._check_form(message, json.loads(body))
        key = _key(message.id)
        future = self._pending.get(key)
        if future is not None and not future.done():
            future.set_result(message)
        elif message.id is None and isinstance(message, ErrorResponse):
            self.unasked.put_nowait(message)
        elif key in self._owed:
            # Nobody waits for it any more: whoever did has said that it is late, or never meant to see it.
            self._owed.discard(key)
            self._answered.add(key)
        elif future is not None or key in self._answered:
            self.heard.note(
                Aside.ANSWERS, self.check, f"a second or late answer to the request with the id {message.id!r}"
            )
        else:
            text = f"an answer with the id {message.id!r}, which was never asked"
            self.heard.note(Aside.ANSWERS, self.check, text)
            self._fail_all(f"it gave {text}")

    def _check_form(self, message: Answer, document: Mapping[str, Any]) -> None:
        """Note what is wrong with an answer that can be read all the same."""
        if set(document) not in _KEYS:
            self.heard.note(Aside.ANSWERS, self.check, f"an answer with the keys {', '.join(sorted(document))}")
        if isinstance(message, Response):
            return
        found = []
        if not isinstance(document["error"].get("message"), str) or not message.message.strip():
            found.append("no message for a person")
        if strange := set(document["error"]) - _ERROR_KEYS:
            found.append(f"the unknown keys {', '.join(sorted(strange))}")
        if message.code == jsonrpc.INTERNAL_ERROR:
            found.append("that is a bug inside the driver")
        if message.code not in _STANDARD:
            found += self.contract.error_problems(message.code, message.data, strict=True)
        for text in found:
            self.heard.note(Aside.ERRORS, self.check, f"error {message.code} ({message.message:.100}): {text}")

    def _fail_all(self, reason: str) -> None:
        for (_, identity), future in self._pending.items():
            if not future.done():
                future.set_exception(WrongError(f"the request with the id {identity!r} was not answered: {reason}"))

    def _end_of_it(self) -> str:
        logs = self.child.stderr.lines(8)
        return "\n    ".join([f"the driver {self.child.how_it_ended()}", *logs])

    def _scene(self) -> list[str]:
        lines = [f"of an answer there are {self._decoder.pending}"] if self._decoder.pending else []
        if not self.unasked.empty():
            error = self.unasked.get_nowait()
            lines.append(f"instead there was error {error.code} with the id null: {error.message}")
        return [*lines, *stacks_of(self.pid).splitlines()[:12]]

    async def _writable(self, deadline: float) -> None:
        loop = asyncio.get_running_loop()
        ready = asyncio.Event()
        loop.add_writer(self.child.stdin, ready.set)
        try:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(ready.wait(), max(0.0, deadline - time.monotonic()))
        finally:
            loop.remove_writer(self.child.stdin)


def request(identity: int | str, method: str, params: Any) -> bytes:
    """Return a framed request; ``params`` is the one object, or raw positional parameters if it is a list."""
    given = params if isinstance(params, list) else [params]
    return framing.encode(jsonrpc.encode(jsonrpc.Request(identity, method, given)))


def _key(identity: object) -> tuple[str, Any]:
    return type(identity).__name__, identity
