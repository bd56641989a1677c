"""The driver process under examination: says anything to it, byte by byte if need be, and hears everything."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
from collections.abc import Mapping
from typing import Any, Final

from harmony.doctor.finding import WrongError
from harmony.doctor.observations import Observation, Observations
from harmony.process.child import ChildProcess
from harmony.process.stacks import stacks_of
from harmony.wire import framing, jsonrpc
from harmony.wire.client import Answer, Client, Oddity, UnansweredError
from harmony.wire.driver import DriverError
from harmony.wire.driver_contract import DRIVER_ERROR, Contract
from harmony.wire.jsonrpc import ErrorResponse, Message, Response
from harmony.wire.verb import Carrier

LATE: Final = 3.0
"""Seconds beyond a deadline after which nothing comes any more: a bound on a hang, not a measure."""

_KEYS: Final = ({"jsonrpc", "id", "result"}, {"jsonrpc", "id", "error"})
_ERROR_KEYS: Final = frozenset({"code", "message", "data"})


class DriverProbe(Client, Carrier):
    """One driver process.

    Args:
        child: The process.
        contract: What it must keep to.
        observations: Where observations are kept.
        late: Seconds beyond a deadline after which nothing comes any more.

    Attributes:
        identity: What it answered to the first ``hello``; none before that.
        check: The check that examines it.
    """

    def __init__(self, child: ChildProcess, contract: Contract, observations: Observations, late: float = LATE) -> None:
        super().__init__("the driver", child.stdout, child.stdin, child=child)
        self.child = child
        self.late = late
        self.contract = contract
        self.observations = observations
        self.identity: Any = None
        self.check = ""
        self.unasked: asyncio.Queue[ErrorResponse] = asyncio.Queue()
        """Errors with the id null, which answer what has no id that could be read."""
        self._loop = asyncio.get_running_loop()
        self._ended = asyncio.Event()
        self._disposed = False
        self.listen()

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
    def over(self) -> bool:
        """Whether the process has ended, and all that it said was heard."""
        return self._ended.is_set()

    @property
    def idle(self) -> bool:
        """Whether it can be asked, and owes nobody an answer."""
        return not (self.gone or self.owes or self.unasked.qsize())

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
            found = self.contract.verbs[verb].problems(answer.result)
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
        with self.expecting(number, method) as answer:
            await self.send(request(number, method, params))
            return await self.within(timeout, answer, f"{method} (id {number!r})")

    async def within(self, timeout: float, answer: asyncio.Future[Answer], what: str) -> Answer:
        """Wait for an answer, for as long as its verb may take and no longer than what is late.

        Raises:
            WrongError: It did not come in time, or it cannot come any more.
        """
        try:
            return await asyncio.wait_for(asyncio.shield(answer), timeout + self.late)
        except UnansweredError as error:
            raise WrongError(f"{what} was not answered: {error}") from None
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
        if self.over:
            raise WrongError(f"no error with the id null came: {self.gone}")
        raise WrongError(f"no error with the id null came within {self.late:.3g} s")

    async def send(self, data: bytes) -> None:
        """Write bytes to its stdin; what cannot be written any more is lost.

        Raises:
            WrongError: It does not read them.
        """
        if left := await self.write(data, self.late):
            raise WrongError(f"it does not read its stdin: {left} bytes wait")

    async def ended(self) -> bool:
        """Return whether it ends before it is late."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._ended.wait(), self.late)
        return self.over

    async def end(self) -> None:
        """Close its stdin and wait for its end; whoever does not end is killed."""
        self.child.close_input()
        await self.ended()
        await self.dispose()

    async def kill(self) -> None:
        """End it with SIGKILL."""
        self.child.signal(signal.SIGKILL)
        await self.ended()

    async def dispose(self) -> None:
        """Hear what it has said by now, and take leave of the process."""
        if self._disposed:
            return
        self._disposed = True
        await asyncio.to_thread(self.close)
        await asyncio.to_thread(self.child.end, patience=0.0, grace=0.2)
        self.child.release()
        while not self.unasked.empty():
            error = self.unasked.get_nowait()
            text = f"an error that nothing had called for: {error.code} {error.message}"
            self.observations.note(Observation.ANSWERS, self.check, text)

    def received(self, message: Message, body: bytes) -> None:
        """Note what is wrong with an answer that can be read all the same."""
        if not isinstance(message, Response | ErrorResponse):
            return
        document = json.loads(body)
        if set(document) not in _KEYS:
            self._note(Observation.ANSWERS, f"an answer with the keys {', '.join(sorted(document))}")
        if isinstance(message, Response):
            return
        found = []
        if not isinstance(document["error"].get("message"), str) or not message.message.strip():
            found.append("no message for a person")
        if strange := set(document["error"]) - _ERROR_KEYS:
            found.append(f"the unknown keys {', '.join(sorted(strange))}")
        if message.code == jsonrpc.INTERNAL_ERROR:
            found.append("that is a bug inside the driver")
        if message.code not in jsonrpc.STANDARD_CODES:
            found += self.contract.error_problems(message.code, message.data)
        for text in found:
            self._note(Observation.ERRORS, f"error {message.code} ({message.message:.100}): {text}")

    def odd(self, kind: Oddity, text: str, error: ErrorResponse | None = None) -> None:
        """Note what answers nothing; what makes the answers uncertain fails all that is pending."""
        if error is not None:
            self._loop.call_soon_threadsafe(self.unasked.put_nowait, error)
        elif kind in {Oddity.NOISE, Oddity.FRAMING}:
            self._note(Observation.STDOUT, f"between messages on stdout: {text}")
        elif kind is Oddity.TRUNCATED:
            self._note(Observation.STDOUT, text)
        elif kind is not Oddity.LATE:  # the check that waited has said that it is late, or never meant to see it
            self._note(Observation.ANSWERS, text)
        if kind in {Oddity.MALFORMED, Oddity.CALL, Oddity.UNKNOWN_ID}:
            self.fail(UnansweredError(f"it sent {text}"))

    def process_ended(self, child: ChildProcess) -> None:
        """Keep how it ended, and its last words."""
        self.retire("\n    ".join([f"the driver {child.how_it_ended()}", *child.stderr.lines(8)]))
        self._loop.call_soon_threadsafe(self._ended.set)

    def _note(self, kind: Observation, text: str) -> None:
        self._loop.call_soon_threadsafe(lambda: self.observations.note(kind, self.check, text))

    def _scene(self) -> list[str]:
        lines = [self.unfinished] if self.unfinished else []
        if not self.unasked.empty():
            error = self.unasked.get_nowait()
            lines.append(f"instead there was error {error.code} with the id null: {error.message}")
        return [*lines, *stacks_of(self.pid).splitlines()[:12]]


def request(identity: int | str, method: str, params: Any) -> bytes:
    """Return a framed request; ``params`` is the one object, or raw positional parameters if it is a list."""
    given = params if isinstance(params, list) else [params]
    return framing.encode(jsonrpc.encode(jsonrpc.Request(identity, method, given)))
