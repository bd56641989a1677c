"""A client of a JSON-RPC peer: sends bytes, hears everything, and gives each answer to the request that waits for it.

One thread per client reads everything the peer says, so that a client outlives any event loop: workers are reused by
one scenario after the other, each in a loop of its own. A subclass says what follows from words that are no answer.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import itertools
import os
import select
import threading
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterator
from enum import StrEnum

from harmony.process.child import ChildProcess
from harmony.process.descriptors import nonblocking_pipe
from harmony.wire import framing, jsonrpc
from harmony.wire.framing import Fault, FaultKind, Frame
from harmony.wire.jsonrpc import ErrorResponse, Id, Malformed, Message, Response

_CHUNK = 64 * 1024
_REST = 64
_REMEMBERED = 1000
_END_AFTER_STDOUT = 1.0

Answer = Response | ErrorResponse


class UnansweredError(Exception):
    """A request gets no answer any more, for the reason that is given."""


class Oddity(StrEnum):
    """What a peer can say that answers no request."""

    NOISE = "bytes between two messages"
    FRAMING = "a length that cannot be kept to"
    TRUNCATED = "the beginning of a message, at the end of the stream"
    MALFORMED = "a message that is no JSON-RPC"
    CALL = "a request or a notification"
    NULL_ID = "an error that names no request"
    UNKNOWN_ID = "an answer to what was never asked"
    SECOND = "an answer to what was answered before"
    LATE = "an answer to what nobody waits for any more"


class Client(ABC):
    """One end of a conversation. A subclass calls :meth:`listen` once it can hear.

    Args:
        name: What messages call the peer.
        read: Descriptor to read from; made non-blocking.
        write: Descriptor to write to; made non-blocking.
        child: The process behind it, whose stderr and end are watched too.
        max_message: Largest message that is accepted.

    Attributes:
        last_answered: The method that was answered last.
    """

    def __init__(
        self,
        name: str,
        read: int,
        write: int,
        *,
        child: ChildProcess | None = None,
        max_message: int = framing.MAX_MESSAGE,
    ) -> None:
        self.name = name
        self._read_fd, self._write_fd, self._child = read, write, child
        self._decoder = framing.FrameDecoder(max_message=max_message)
        self._ids = itertools.count(1)
        self._pending: dict[Id, tuple[str, concurrent.futures.Future[Answer]]] = {}
        self._owed: dict[Id, bool] = {}  # what has not been answered, and whether somebody waited in vain
        self._answered: deque[Id] = deque(maxlen=_REMEMBERED)
        self.last_answered = "its start"
        self._lock = threading.Lock()
        self._write_lock = threading.Lock()
        self._gone: str | None = None
        self._closed = False
        self._wake_read, self._wake_write = nonblocking_pipe()
        os.set_blocking(read, False)
        os.set_blocking(write, False)
        self._thread = threading.Thread(target=self._listen, name=f"client of {name}", daemon=True)

    @abstractmethod
    def received(self, message: Message, body: bytes) -> None:
        """Hear of every message before it is matched; in the client's thread."""

    @abstractmethod
    def odd(self, kind: Oddity, text: str, error: ErrorResponse | None = None) -> None:
        """Hear of what answers no request, described by a noun; in the client's thread."""

    @abstractmethod
    def process_ended(self, child: ChildProcess) -> None:
        """Retire, once all that the process said was heard; in the client's thread."""

    @property
    def gone(self) -> str | None:
        """Why nothing can be asked any more; None while the peer is there."""
        return self._gone

    @property
    def owes(self) -> bool:
        """Whether the peer has left any request without an answer."""
        with self._lock:
            return bool(self._pending or self._owed)

    @property
    def busy_with(self) -> list[str]:
        """The methods that wait for an answer."""
        with self._lock:
            return [method for method, _ in self._pending.values()]

    @property
    def unfinished(self) -> str:
        """What there is of an answer that has not come in full; empty if there is none."""
        return f"of an answer there are {self._decoder.pending}" if self._decoder.pending else ""

    def listen(self) -> None:
        """Begin to hear."""
        self._thread.start()

    def next_id(self) -> int:
        """Return an id that this method has not given before."""
        return next(self._ids)

    @contextlib.contextmanager
    def expecting(self, identity: int | str, method: str = "") -> Iterator[asyncio.Future[Answer]]:
        """Give the answer with an id, which is due from now on.

        The future fails with :class:`UnansweredError` when no answer can come any more, also at once. To whoever is
        cancelled meanwhile, no answer is late.
        """
        pending: concurrent.futures.Future[Answer] = concurrent.futures.Future()
        future = asyncio.wrap_future(pending)
        with self._lock:
            self._pending[identity] = (method, pending)
        if self._gone is not None:
            self.fail(UnansweredError(self._gone))
        in_vain = True
        try:
            yield future
        except asyncio.CancelledError:
            in_vain = False
            raise
        finally:
            with self._lock:
                if self._pending.pop(identity, None) is not None:
                    self._owed[identity] = in_vain
            if not future.cancel() and not future.cancelled():
                future.exception()  # the request may have been given up before it failed

    async def write(self, data: bytes, timeout: float) -> int:
        """Write bytes to the peer; a full pipe is waited for in a thread, and never holds up the event loop.

        Returns:
            How many bytes the peer has not taken in time. If a message was cut by that, nothing can be asked any more.
        """
        if self._gone is not None:
            return 0
        deadline = time.monotonic() + timeout
        left = memoryview(data)
        held = self._write_lock.acquire(blocking=False)
        if held:
            left = self._write_some(left)
            if not left:
                self._write_lock.release()
        return await asyncio.to_thread(self._write_rest, left, deadline, held=held) if left else 0

    def fail(self, error: Exception) -> None:
        """Have every pending request fail; the peer owes their answers all the same."""
        with self._lock:
            failed, self._pending = self._pending, {}
            self._owed.update(dict.fromkeys(failed, True))
        for _, pending in failed.values():
            with contextlib.suppress(concurrent.futures.InvalidStateError):
                pending.set_exception(error)

    def retire(self, reason: str) -> None:
        """Let nothing more be asked, while what the peer says is still heard; only the first reason counts."""
        with self._lock:
            if self._gone is not None:
                return
            self._gone = reason
        self.fail(UnansweredError(reason))

    def close(self) -> None:
        """Hear what has been said by now, and stop listening; the peer itself is not touched."""
        if self._closed:
            return
        self._closed = True
        self.retire("the link was closed")
        with contextlib.suppress(OSError):
            os.write(self._wake_write, b".")
        if threading.current_thread() is not self._thread:
            self._thread.join(5.0)
        if self._child is not None:
            # What it had forked may have gone on writing; by now that has ended, too.
            self._take_the_rest((self._child.stderr_fd,))
        os.close(self._wake_write)

    def _write_some(self, data: memoryview) -> memoryview:
        try:
            return data[os.write(self._write_fd, data) :]
        except BlockingIOError:
            return data
        except OSError:
            # The listening thread knows the reason, and fails what is pending.
            return data[:0]

    def _write_rest(self, data: memoryview, deadline: float, *, held: bool) -> int:
        if not held and not self._write_lock.acquire(timeout=max(0.0, deadline - time.monotonic())):
            return len(data)
        try:
            poller = select.poll()
            poller.register(self._write_fd, select.POLLOUT)
            while data and self._gone is None:
                left = deadline - time.monotonic()
                if left <= 0:
                    self.retire("it does not read what it is sent")
                    return len(data)
                if poller.poll(min(left, 0.25) * 1000):
                    data = self._write_some(data)
        finally:
            self._write_lock.release()
        return 0

    def _listen(self) -> None:
        child = self._child
        sources = (self._read_fd,) if child is None else (child.stderr_fd, self._read_fd)
        poller = select.poll()
        for descriptor in (*sources, self._wake_read, *(() if child is None else (child.end_descriptor,))):
            poller.register(descriptor, select.POLLIN)
        open_ = set(sources)
        try:
            while self._gone is None or child is not None:
                ready = {descriptor for descriptor, _ in poller.poll()}
                for descriptor in sources:
                    # What was written on stderr before an answer is heard before it.
                    heard = descriptor in ready or (self._read_fd in ready and descriptor in open_)
                    if heard and self._take(descriptor) == b"":
                        open_.discard(descriptor)
                        poller.unregister(descriptor)
                        if descriptor == self._read_fd:
                            self._input_ended()
                ended = child is not None and child.end_descriptor in ready
                if ended or self._wake_read in ready:
                    self._take_the_rest(sources)
                    if child is not None and ended:
                        self._finish()
                        self.process_ended(child)
                    return
        finally:
            self.retire("the link was closed")
            os.close(self._wake_read)

    def _take(self, descriptor: int) -> bytes | None:
        """Take what has come: None if that is nothing so far, empty if the stream has ended."""
        try:
            data = os.read(descriptor, _CHUNK)
        except BlockingIOError:
            return None
        except OSError:
            return b""
        if descriptor == self._read_fd:
            for item in self._decoder.feed(data):
                self._hear(item)
        elif self._child is not None:
            self._child.stderr.feed(data)
        return data

    def _take_the_rest(self, sources: tuple[int, ...]) -> None:
        """Take what waits in the pipes. Their end is not awaited: a process that was left behind may go on talking."""
        for descriptor in sources:
            for _ in range(_REST):
                if not self._take(descriptor):
                    break

    def _input_ended(self) -> None:
        """The stream has ended; where there is a process, its own end says more and comes within moments."""
        self._finish()
        if self._child is None:
            self.retire("the connection was closed by the peer")
        elif not self._child.ended(_END_AFTER_STDOUT):
            self.retire("it closed its stdout but goes on running")

    def _finish(self) -> None:
        rest = self._decoder.finish()
        if rest is not None:
            self.odd(Oddity.TRUNCATED, rest.detail)

    def _hear(self, item: Frame | Fault) -> None:
        if isinstance(item, Fault):
            self.odd(Oddity.NOISE if item.kind is FaultKind.GARBAGE else Oddity.FRAMING, item.detail)
            return
        message = jsonrpc.decode(item.body)
        if isinstance(message, Malformed):
            self.odd(Oddity.MALFORMED, f"what is no JSON-RPC answer: {message.error.message}: {item.body[:120]!r}")
            return
        self.received(message, item.body)
        if isinstance(message, Response | ErrorResponse):
            self._match(message)
        else:
            self.odd(Oddity.CALL, f"a call of {message.method}, which is no answer")

    def _match(self, answer: Answer) -> None:
        identity = answer.id
        with self._lock:
            method, pending = self._pending.pop(identity, ("", None))
            late = self._owed.pop(identity, None)
            second = pending is None and identity in self._answered  # a search through many
            if pending is not None or late is not None:
                self._answered.append(identity)
        if pending is not None:
            self.last_answered = method
            with contextlib.suppress(concurrent.futures.InvalidStateError):
                pending.set_result(answer)
        elif late is False:
            pass  # whoever asked was cancelled
        elif late or second:
            kind = Oddity.LATE if late else Oddity.SECOND
            self.odd(kind, f"a second or late answer to the request with the id {identity!r}")
        elif identity is None and isinstance(answer, ErrorResponse):
            self.odd(Oddity.NULL_ID, f"error {answer.code} with the id null: {answer.message}", answer)
        else:
            self.odd(Oddity.UNKNOWN_ID, f"an answer with the id {identity!r}, which was never asked")
