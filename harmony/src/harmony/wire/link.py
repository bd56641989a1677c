"""Asks a process or a socket, with a deadline for every request, and judges how its peer came to its end."""

from __future__ import annotations

import asyncio
import socket
import time
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, Protocol

from harmony.errors import HarmonyError
from harmony.logs import process_logger
from harmony.model import Verdict
from harmony.process.child import ChildProcess
from harmony.text import shown
from harmony.wire import framing, jsonrpc
from harmony.wire.client import Client, Oddity, UnansweredError
from harmony.wire.jsonrpc import ErrorResponse, Message, Request

MAX_ANSWER = 64 * 1024 * 1024
_MAX_ODDITIES = 20
_LONGEST_ODDITY: Final = 400
_OF_CLEAN_UP: Final = frozenset({Verdict.CRASHED, Verdict.TIMED_OUT, Verdict.FAILED, Verdict.UNSUPPORTED})

_log = process_logger()


class LinkError(HarmonyError):
    """A request got no proper answer. `verdict` says what that makes of the step.

    Way out: repeat the cell with `--record DIR`, and read what was asked and answered.
    """

    code = "link"
    verdict = Verdict.ERRORED


class PeerGoneError(LinkError):
    """The peer ended, or closed the connection, while an answer was due.

    Way out: its stderr says why; one that is attached to (`HARMONY_…_ENDPOINT`) has to be started first.
    """

    code = "peer_gone"
    verdict = Verdict.CRASHED


class NoAnswerError(LinkError):
    """The deadline passed without an answer.

    Way out: the report shows what each thread was doing; a verb that waits must hold up no other, and end at its
    `timeout`.
    """

    code = "no_answer"
    verdict = Verdict.TIMED_OUT


class ProtocolError(LinkError):
    """The peer answered with something that is not the protocol.

    Way out: only messages may go to stdout; `harmony doctor` shows what was sent, `--record DIR` keeps it.
    """

    code = "protocol"


class RefusedError(LinkError):
    """The peer answered with a JSON-RPC error.

    Way out: its message is the peer's own; code -32601 means that it has not got the method.

    Attributes:
        rpc_code: The code of the answer.
        reason: Its message, as the peer gave it.
        data: What came with it.
    """

    code = "refused"

    def __init__(self, peer: str, error: ErrorResponse) -> None:
        super().__init__(f"{peer} answered with error {error.code}: {error.message}")
        self.rpc_code = error.code
        self.reason = error.message
        self.data = error.data
        said = error.data.get("verdict") if isinstance(error.data, Mapping) else None
        if isinstance(said, str) and said in _OF_CLEAN_UP:
            self.verdict = Verdict(said)  # a worker of ours says so of what it had started, or had to release


class Observer(Protocol):
    """Hears every message of a conversation, for recordings."""

    def sent(self, message: Message, at: float) -> None:
        """A message went to the peer."""

    def received(self, message: Message, at: float) -> None:
        """A message came from the peer."""


class Link(Client):
    """Asks a peer; every request has a deadline.

    Args:
        name: See the client, as for what follows.
        read: Descriptor.
        write: Descriptor.
        child: The process.
        on_close: Releases the descriptors.
    """

    def __init__(
        self, name: str, read: int, write: int, *, child: ChildProcess | None = None, on_close: Callable[[], None]
    ) -> None:
        super().__init__(name, read, write, child=child, max_message=MAX_ANSWER)
        self.observer: Observer | None = None
        self.oddities: deque[str] = deque(maxlen=_MAX_ODDITIES)
        self._on_close = on_close
        self._truncated = self._end = ""
        self.listen()

    @classmethod
    def to_process(cls, child: ChildProcess) -> Link:
        """Link to a process that speaks on its standard streams."""
        return cls(child.spec.name, child.stdout, child.stdin, child=child, on_close=lambda: None)

    @classmethod
    def to_socket(cls, name: str, path: Path, timeout: float = 5.0) -> Link:
        """Link to a process that listens on a Unix socket.

        Raises:
            PeerGoneError: If nobody listens there.
        """
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(timeout)
        try:
            connection.connect(str(path))
        except OSError as error:
            connection.close()
            raise PeerGoneError(f"nobody answers at {path} ({name}): {error}", hint="start it first") from error
        return cls(name, connection.fileno(), connection.fileno(), on_close=connection.close)

    def crash(self) -> str:
        """Say how its process has ended, if that was a crash: what it was at, and its last words; empty otherwise."""
        if self._child is None or not self._child.crashed:
            return ""
        return self._end or f"{self.name} {self._child.how_it_ended()}"

    async def ask(self, method: str, params: Any = None, *, timeout: float, grace: float = 0.0) -> Any:
        """Return the result of one request.

        Args:
            method: What is asked.
            params: With what.
            timeout: Seconds that the peer may take.
            grace: Seconds on top, in which it should have said itself that the time is over.

        Raises:
            LinkError: One of its kinds, if there is no proper answer in time.
        """
        began = time.monotonic()
        number = self.next_id()
        request = Request(number, method, [] if params is None else [params])
        with self.expecting(number, method) as answer:
            if self.observer is not None and self.gone is None:
                self.observer.sent(request, time.time())
            await self.write(framing.encode(jsonrpc.encode(request)), timeout + grace)
            try:
                # `wait_for` of Python 3.11 forgets that it is cancelled when the answer is there at that moment.
                async with asyncio.timeout(max(0.0, timeout + grace - (time.monotonic() - began))):
                    found = await answer
            except TimeoutError:
                raise NoAnswerError(self._silence(method, timeout)) from None
            except UnansweredError as error:
                raise PeerGoneError(f"{self.name} was asked for {method}, but {error}") from None
        if isinstance(found, ErrorResponse):
            raise RefusedError(self.name, found)
        return found.result

    def close(self) -> None:
        """Stop listening and release the descriptors; the peer itself is not touched."""
        super().close()
        self._on_close()

    def received(self, message: Message, body: bytes) -> None:  # noqa: ARG002 - an observer hears messages
        """Pass every message on to the observer."""
        if self.observer is not None:
            self.observer.received(message, time.time())

    def odd(self, kind: Oddity, text: str, error: ErrorResponse | None = None) -> None:
        """Remember what answers nothing; what makes the answers uncertain fails all that is pending."""
        text = shown(text, _LONGEST_ODDITY)
        if kind is Oddity.TRUNCATED:
            self._truncated = f" in the middle of an answer: {text}"
        elif error is not None:
            self.fail(RefusedError(self.name, error))
        else:
            self.oddities.append(text)
            _log.warning("odd words on the wire", peer=self.name, detail=text)
        if kind is Oddity.FRAMING:
            self.fail(ProtocolError(f"{self.name} broke the framing: {text}"))
        elif kind in {Oddity.MALFORMED, Oddity.UNKNOWN_ID}:
            self.fail(ProtocolError(f"{self.name} sent {text}"))

    def process_ended(self, child: ChildProcess) -> None:
        """Keep how it ended, what it was at, and its last words."""
        how = child.how_it_ended() + self._truncated
        busy = ", ".join(self.busy_with)
        if not busy:
            how += f", {'asked to end' if child.asked else 'idle'} after {self.last_answered}"
        last = child.stderr.lines(10)
        how += "; last lines of its stderr:\n    " + "\n    ".join(last) if last else ""
        self._end = f"{self.name}, asked for {busy}, {how}" if busy else f"{self.name} {how}"
        self.retire(f"it {how}")

    def _silence(self, method: str, timeout: float) -> str:
        text = f"{self.name} did not answer {method} within {timeout:g} s"
        if self.unfinished:
            text += f"; {self.unfinished}"
        if self.oddities:
            text += f"; on the wire there was also: {'; '.join(list(self.oddities)[-3:])}"
        return text
