"""The client's end of a JSON-RPC conversation with a process or a socket.

One thread per link reads everything the peer says, so that a link outlives any event loop: workers are reused by one
scenario after the other, each in a loop of its own. Requests are awaited; every one has a deadline.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import itertools
import os
import select
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import structlog

from harmony.errors import HarmonyError
from harmony.model import Verdict
from harmony.process.child import ChildProcess
from harmony.process.descriptors import nonblocking_pipe
from harmony.wire import framing, jsonrpc
from harmony.wire.framing import Fault, FaultKind, Frame
from harmony.wire.jsonrpc import ErrorResponse, Malformed, Message, Notification, Request, Response

MAX_ANSWER = 64 * 1024 * 1024
_CHUNK = 64 * 1024
_MAX_ODDITIES = 20
_END_AFTER_STDOUT = 1.0

_log = structlog.get_logger(__name__)


class LinkError(HarmonyError):
    """A request got no proper answer. `verdict` says what that makes of the step."""

    code = "link"
    verdict = Verdict.ERRORED


class PeerGoneError(LinkError):
    """The peer ended, or closed the connection, while an answer was due."""

    code = "peer_gone"
    verdict = Verdict.CRASHED


class NoAnswerError(LinkError):
    """The deadline passed without an answer."""

    code = "no_answer"
    verdict = Verdict.TIMED_OUT


class ProtocolError(LinkError):
    """The peer answered with something that is not the protocol."""

    code = "protocol"


class RefusedError(LinkError):
    """The peer answered with a JSON-RPC error.

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
        if isinstance(error.data, Mapping) and error.data.get("verdict") == Verdict.CRASHED:
            self.verdict = Verdict.CRASHED  # a worker of ours says so of a process that it had started


class Observer(Protocol):
    """Hears every message of a conversation, for recordings."""

    def sent(self, message: Message, at: float) -> None:
        """A message went to the peer."""

    def received(self, message: Message, at: float) -> None:
        """A message came from the peer."""


@dataclass(frozen=True, slots=True)
class _Pending:
    method: str
    future: concurrent.futures.Future[Any]


class Link:
    """Asks a peer and hears its answers.

    Args:
        name: What messages call the peer.
        read: Descriptor to read from; made non-blocking.
        write: Descriptor to write to; made non-blocking.
        child: The process behind it, whose stderr and end are watched too.
        on_close: Releases the descriptors.
    """

    def __init__(
        self, name: str, read: int, write: int, *, child: ChildProcess | None = None, on_close: Callable[[], None]
    ) -> None:
        self.name = name
        self.observer: Observer | None = None
        self.oddities: deque[str] = deque(maxlen=_MAX_ODDITIES)
        self._read_fd, self._write_fd = read, write
        self._child = child
        self._on_close = on_close
        self._decoder = framing.FrameDecoder(max_message=MAX_ANSWER)
        self._ids = itertools.count(1)
        self._issued = 0
        self._pending: dict[int, _Pending] = {}
        self._lock = threading.Lock()
        self._write_lock = threading.Lock()
        self._gone: str | None = None
        self._last, self._end = "its start", ""
        self._closed = False
        self._wake_read, self._wake_write = nonblocking_pipe()
        os.set_blocking(read, False)
        os.set_blocking(write, False)
        self._thread = threading.Thread(target=self._listen, name=f"link {name}", daemon=True)
        self._thread.start()

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

    @property
    def gone(self) -> str | None:
        """Why nothing can be asked any more; None while the peer is there."""
        return self._gone

    def crash(self) -> str:
        """Say how its process has ended, if that was a crash: what it was at, and its last words; empty otherwise."""
        if self._child is None or not self._child.crashed:
            return ""
        return self._end or f"{self.name} {self._child.how_it_ended()}"

    async def ask(self, method: str, params: Any = None, *, timeout: float) -> Any:
        """Return the result of one request.

        Raises:
            LinkError: One of its kinds, if there is no proper answer in time.
        """
        began = time.monotonic()
        number = next(self._ids)
        pending = _Pending(method, concurrent.futures.Future())
        with self._lock:
            if self._gone is not None:
                raise PeerGoneError(f"{self.name} was asked for {method}, but {self._gone}")
            self._issued = number
            self._pending[number] = pending
        try:
            await self._send(Request(number, method, [] if params is None else [params]), timeout)
            left = max(0.0, timeout - (time.monotonic() - began))
            return await asyncio.wait_for(asyncio.wrap_future(pending.future), left)
        except TimeoutError:
            raise NoAnswerError(self._silence(method, timeout)) from None
        finally:
            with self._lock:
                self._pending.pop(number, None)

    def retire(self, reason: str) -> None:
        """Let nothing more be asked, while what the peer says on its way out is still heard."""
        self._lose(reason)

    def close(self) -> None:
        """Stop listening and release the descriptors; the peer itself is not touched."""
        if self._closed:
            return
        self._closed = True
        self._lose("the link was closed")
        with contextlib.suppress(OSError):
            os.write(self._wake_write, b".")
        if threading.current_thread() is not self._thread:
            self._thread.join(5.0)
        os.close(self._wake_write)
        self._on_close()

    async def _send(self, message: Message, timeout: float) -> None:
        """Write a message; a full pipe is waited for in a thread, and never holds up the event loop."""
        deadline = time.monotonic() + timeout
        data = memoryview(framing.encode(jsonrpc.encode(message)))
        if self.observer is not None:
            self.observer.sent(message, time.time())
        held = self._write_lock.acquire(blocking=False)
        if held:
            try:
                data = self._write_some(data)
            finally:
                if not data:
                    self._write_lock.release()
        if data:
            await asyncio.to_thread(self._write_rest, data, deadline, held=held)

    def _write_some(self, data: memoryview) -> memoryview:
        try:
            return data[os.write(self._write_fd, data) :]
        except BlockingIOError:
            return data
        except OSError:
            # The listening thread knows the reason, and fails what is pending.
            return data[:0]

    def _write_rest(self, data: memoryview, deadline: float, *, held: bool) -> None:
        if not held and not self._write_lock.acquire(timeout=max(0.0, deadline - time.monotonic())):
            return
        try:
            poller = select.poll()
            poller.register(self._write_fd, select.POLLOUT)
            while data and self._gone is None:
                left = deadline - time.monotonic()
                if left <= 0:
                    self._lose("it does not read what it is sent")
                    return
                if poller.poll(min(left, 0.25) * 1000):
                    data = self._write_some(data)
        finally:
            self._write_lock.release()

    def _silence(self, method: str, timeout: float) -> str:
        text = f"{self.name} did not answer {method} within {timeout:g} s"
        if self._decoder.pending:
            text += f"; of an answer there are {self._decoder.pending}"
        if self.oddities:
            text += f"; on the wire there was also: {'; '.join(list(self.oddities)[-3:])}"
        return text

    def _listen(self) -> None:
        poller = select.poll()
        poller.register(self._read_fd, select.POLLIN)
        poller.register(self._wake_read, select.POLLIN)
        child = self._child
        if child is not None:
            poller.register(child.stderr_fd, select.POLLIN)
            poller.register(child.end_descriptor, select.POLLIN)
        try:
            while self._gone is None or child is not None:
                ready = {descriptor for descriptor, _ in poller.poll()}
                if self._wake_read in ready and (child is None or child.end_descriptor not in ready):
                    return
                if child is not None and child.stderr_fd in ready and not self._take_stderr(child):
                    poller.unregister(child.stderr_fd)
                if self._read_fd in ready and not self._take_answers():
                    poller.unregister(self._read_fd)
                    self._input_ended(child)
                if child is not None and child.end_descriptor in ready:
                    poller.unregister(child.end_descriptor)
                    self._process_ended(child)
                    return
        finally:
            self._lose("the link was closed")
            os.close(self._wake_read)

    def _take_answers(self) -> bool:
        try:
            data = os.read(self._read_fd, _CHUNK)
        except BlockingIOError:
            return True
        except OSError:
            return False
        for item in self._decoder.feed(data):
            self._take(item)
        return bool(data)

    def _take_stderr(self, child: ChildProcess) -> bool:
        try:
            data = os.read(child.stderr_fd, _CHUNK)
        except BlockingIOError:
            return True
        except OSError:
            return False
        child.stderr.feed(data)
        return bool(data)

    def _input_ended(self, child: ChildProcess | None) -> None:
        """The stream has ended; where there is a process, its own end says more and comes within moments."""
        if child is None:
            self._lose("the connection was closed by the peer")
        elif not child.ended(_END_AFTER_STDOUT):
            self._lose("it closed its stdout but goes on running")

    def _process_ended(self, child: ChildProcess) -> None:
        """Take what was written before the end. A child left behind may hold the pipes open, so no end is awaited."""
        while _ready(self._read_fd) and self._take_answers():
            pass
        while _ready(child.stderr_fd) and self._take_stderr(child):
            pass
        rest = self._decoder.finish()
        how = child.how_it_ended() + (f" in the middle of an answer: {rest.detail}" if rest else "")
        with self._lock:
            busy = ", ".join(pending.method for pending in self._pending.values())
        if not busy:
            how += f", {'asked to end' if child.asked else 'idle'} after {self._last}"
        last = child.stderr.lines(10)
        how += "; last lines of its stderr:\n    " + "\n    ".join(last) if last else ""
        self._end = f"{self.name}, asked for {busy}, {how}" if busy else f"{self.name} {how}"
        self._lose(f"it {how}")

    def _take(self, item: Frame | Fault) -> None:
        if isinstance(item, Fault):
            self._odd(item.detail)
            if item.kind is not FaultKind.GARBAGE:
                self._fail_all(ProtocolError(f"{self.name} broke the framing: {item.detail}"))
            return
        message = jsonrpc.decode(item.body)
        if isinstance(message, Malformed):
            detail = f"{message.error.message}: {item.body[:120]!r}"
            self._odd(detail)
            self._fail_all(ProtocolError(f"{self.name} sent what is no JSON-RPC answer: {detail}"))
            return
        if self.observer is not None:
            self.observer.received(message, time.time())
        match message:
            case Response(id=identity, result=result):
                self._settle(identity, result, None)
            case ErrorResponse(id=identity):
                self._settle(identity, None, RefusedError(self.name, message))
            case Request() | Notification():
                self._odd(f"it asked for {message.method}; a worker only answers")

    def _settle(self, identity: jsonrpc.Id, result: Any, error: LinkError | None) -> None:
        with self._lock:
            known = isinstance(identity, int) and 0 < identity <= self._issued
            pending = self._pending.pop(identity, None) if isinstance(identity, int) else None
        if pending is not None:
            self._last = pending.method
            if error is not None:
                _fail(pending.future, error)
            else:
                with contextlib.suppress(concurrent.futures.InvalidStateError):
                    pending.future.set_result(result)
        elif known:
            self._odd(f"a second or late answer to request {identity}")
        elif identity is None and error is not None:
            self._fail_all(error)
        else:
            self._odd(f"an answer with the id {identity!r}, which was never asked")
            self._fail_all(ProtocolError(f"{self.name} answered with the id {identity!r}, which was never asked"))

    def _fail_all(self, error: LinkError) -> None:
        with self._lock:
            pending = list(self._pending.values())
        for entry in pending:
            _fail(entry.future, error)

    def _lose(self, reason: str) -> None:
        with self._lock:
            if self._gone is not None:
                return
            self._gone = reason
            pending = list(self._pending.values())
        for entry in pending:
            _fail(entry.future, PeerGoneError(f"{self.name} was asked for {entry.method}, but {reason}"))

    def _odd(self, text: str) -> None:
        self.oddities.append(text)
        _log.warning("odd words on the wire", peer=self.name, detail=text)


def _fail(future: concurrent.futures.Future[Any], error: LinkError) -> None:
    with contextlib.suppress(concurrent.futures.InvalidStateError):
        future.set_exception(error)


def _ready(descriptor: int) -> bool:
    poller = select.poll()
    poller.register(descriptor, select.POLLIN)
    return any(events & select.POLLIN for _, events in poller.poll(0))
