"""Requests and responses over two buffers: NAME_request, read by the server, and NAME_response, read by the client.

The side that answers is here; the one that asks is :mod:`zerobuffer.duplex_client`.

The n-th response answers the n-th request; nothing else ties them together.
"""

from __future__ import annotations

import contextlib
import logging
import math
import threading
import time
from collections.abc import Callable
from enum import Enum
from typing import TYPE_CHECKING

from zerobuffer._core import Frame
from zerobuffer.closing import Closing
from zerobuffer.config import DEFAULT_SPIN, DEFAULT_TIMEOUT, BufferConfig
from zerobuffer.errors import (
    BufferNotFoundError,
    BusyError,
    ClosedError,
    FrameTimeoutError,
    MetadataTooLargeError,
    ReaderDeadError,
    WriterDeadError,
    ZeroBufferError,
)
from zerobuffer.reader import Reader
from zerobuffer.writer import Writer

if TYPE_CHECKING:
    from typing_extensions import Buffer

Handler = Callable[[Frame], "Buffer"]

DEFAULT_REQUEST_CONFIG = BufferConfig(metadata_size=4096, payload_size=1 << 20)
DEFAULT_RESPONSE_CONFIG = BufferConfig(metadata_size=4096, payload_size=1 << 22)

_CONNECT_PATIENCE = 5.0
"""Seconds that a server gives a client that has sent a request to show its response buffer."""

POLL = 0.01
"""Seconds between looks for what the protocol has no event for: a server not yet connected."""

_SEEN_AFTER = 0.25
"""Seconds after which a waiting client has seen its server: several times what it waits between two looks."""

_FAILED = b"no response: the handler failed"
"""Metadata of a response buffer whose first response could not be made."""

FAILURE_MARK = b"\xf5zb handler err\xf5"
"""How a response begins that is the text of an error; it is no UTF-8, and as long as the least that always fits."""

_log = logging.getLogger("zerobuffer.duplex")


def request_buffer(channel: str) -> str:
    """Return the name of the buffer that carries requests."""
    return f"{channel}_request"


def response_buffer(channel: str) -> str:
    """Return the name of the buffer that carries responses."""
    return f"{channel}_response"


class ProcessingMode(Enum):
    """How a server works through its requests."""

    SINGLE_THREAD = "single_thread"
    """One after the other, in order, in one thread."""


class DuplexServer(Closing):
    """Answers requests, one after the other.

    A client that dies is noticed and forgotten; the server goes on and serves the next one. A handler that fails (or
    returns nothing) costs its client a `HandlerError` instead of an answer: the error is logged, kept in `last_error`,
    and the channel goes on. A foreign client would not know the error from an answer: its channel is closed, so that it
    gets a `WriterDeadError` instead of another client's answer.

    Args:
        name: Name of the channel.
        config: Sizes of the request buffer.
        mode: How requests are worked through.
        spin: Seconds that a wait spins before it gives way to the semaphore.

    Example:
        >>> with DuplexServer("doc-echo") as server, DuplexClient("doc-echo") as client:
        ...     server.start(lambda request: bytes(request.data).upper())
        ...     with client.request(b"hello", timeout=2) as response:
        ...         bytes(response.data)
        b'HELLO'
    """

    def __init__(
        self,
        name: str,
        config: BufferConfig | None = None,
        *,
        mode: ProcessingMode = ProcessingMode.SINGLE_THREAD,
        spin: float = DEFAULT_SPIN,
    ) -> None:
        self.name = name
        self.mode = ProcessingMode(mode)
        self.last_error: Exception | None = None
        self._spin = spin
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._responses: Writer | None = None
        self._client = 0
        """Process of the client that is served; 0 for none."""
        self._leave_at = math.inf
        """When to leave a client that is not served any more, but still has to see that there was a server."""
        self._requests = Reader(request_buffer(name), config or DEFAULT_REQUEST_CONFIG, spin=spin)

    @property
    def running(self) -> bool:
        """Whether the thread of `start` runs."""
        return self._thread is not None and self._thread.is_alive()

    def start(self, handler: Handler) -> None:
        """Serve in a thread of its own until `stop`.

        Args:
            handler: Receives the request as a read-only frame, released when it returns; returns the response.
        """
        if self.running:
            raise BusyError(name=self.name, reason="the server has been started already")
        if self._requests.closed:
            raise ClosedError(name=self.name, what="server")
        self._stopping.clear()
        self._thread = threading.Thread(target=self._serve, args=(handler,), name=f"duplex-{self.name}", daemon=True)
        self._thread.start()

    def serve_forever(self, handler: Handler) -> None:
        """Serve in this thread until another one, or a signal handler, calls `stop`."""
        if self.running:
            raise BusyError(name=self.name, reason="the server has been started already")
        try:
            self._serve(handler)
        finally:
            # Not at the start: a signal handler that says `stop` just before it must be heard.
            self._stopping.clear()
            self._requests._set_cancelled(False)  # noqa: SLF001 - the library's own

    def _serve(self, handler: Handler) -> None:
        while not self._stopping.is_set():
            try:
                if not self._await_request():
                    continue
                frame = self._requests.read_frame(0)
            except WriterDeadError:
                self._drop_client()
                continue
            except ClosedError:
                return
            except ZeroBufferError as failure:
                # The request buffer itself is broken: nothing that follows in it can be trusted.
                self.last_error = failure
                _log.exception("channel %s: the request buffer is corrupt, serving ends", self.name)
                self._drop_client()
                return
            with frame:
                self._answer(handler, frame)

    def _await_request(self) -> bool:
        """Wait for a request: of the client that is served, so that its end is noticed, or else of the next one."""
        left = max(0.0, self._leave_at - time.monotonic())
        try:
            return self._requests._wait(left, self._client == 0)  # noqa: SLF001 - the library's own
        except FrameTimeoutError:
            self._drop_client()
            return False

    def _answer(self, handler: Handler, request: Frame) -> None:
        if request.sequence == 1:
            self._meet_client()
        if self._client == 0:
            # Nobody waits for this answer, and the next client must not get it.
            _log.info("channel %s: the client of request %d is gone", self.name, request.sequence)
            return
        try:
            response = memoryview(handler(request))
        except Exception as failure:  # noqa: BLE001 - the handler is not ours
            self._fail(request, failure)
            return
        try:
            self._connected().write_frame(response, None)
        except (ReaderDeadError, BufferNotFoundError, ClosedError) as gone:
            _log.info("channel %s: client left before response %d (%s)", self.name, request.sequence, gone.code)
            self._drop_client()
        except ZeroBufferError as failure:
            self._fail(request, failure)

    def _fail(self, request: Frame, failure: Exception) -> None:
        self.last_error = failure
        _log.error("channel %s: no response to request %d", self.name, request.sequence, exc_info=failure)
        with contextlib.suppress(ZeroBufferError):
            responses = self._connected()
            if responses._reader_is_ours:  # noqa: SLF001 - then the client knows what an error is
                text = f"{type(failure).__name__}: {failure}".encode(errors="replace")
                responses.write_frame((FAILURE_MARK + text)[: responses._always_fits], None)  # noqa: SLF001
                return
        self._close_responses_of_client()

    def _meet_client(self) -> None:
        """Connect before the handler takes its time: later, the response buffer may be another client's."""
        self._drop_client()
        self._client = self._requests._stream_pid  # noqa: SLF001 - the library's own
        if self._client != 0:
            with contextlib.suppress(ZeroBufferError):  # a client may show it after its first request
                self._join(timeout=0)

    def _connected(self) -> Writer:
        deadline = time.monotonic() + _CONNECT_PATIENCE
        while True:
            try:
                return self._join(timeout=POLL)
            except BufferNotFoundError:
                if self._stopping.is_set() or time.monotonic() >= deadline:
                    raise

    def _join(self, timeout: float) -> Writer:
        """Connect to the response buffer, once, if it is that of the client whose request is at hand."""
        if self._responses is not None:
            return self._responses
        responses = Writer(response_buffer(self.name), timeout=timeout, spin=self._spin)
        if responses._reader_pid == self._client:  # noqa: SLF001 - the library's own
            self._responses = responses
            return responses
        responses.close()
        raise ReaderDeadError(name=response_buffer(self.name), reason="another client has come", pid=self._client)

    def _close_responses_of_client(self) -> None:
        with contextlib.suppress(ZeroBufferError):
            responses = self._join(timeout=0)
            if responses.next_sequence == 1:
                # Without a trace, a writer that came and went looks to the client like one that never came.
                try:
                    responses.set_metadata(_FAILED)
                except MetadataTooLargeError:
                    # There is no place for a trace: the client has to see us before we leave.
                    self._client = 0
                    self._leave_at = time.monotonic() + _SEEN_AFTER
                    return
        self._drop_client()

    def _drop_client(self) -> None:
        self._client = 0
        self._leave_at = math.inf
        if self._responses is not None:
            self._responses.close()
            self._responses = None

    def stop(self, timeout: float = DEFAULT_TIMEOUT) -> None:
        """Stop serving; the request at hand is finished first, and the channel stays.

        Raises:
            FrameTimeoutError: The handler did not return within the timeout.
        """
        self._stopping.set()
        thread = self._thread
        if thread is None or thread is threading.current_thread():
            self._cancel_waits()  # of `serve_forever`, which a signal handler may have interrupted
            return
        deadline = time.monotonic() + timeout
        while thread.is_alive():
            # Set again and again: each wait of the thread begins by clearing it.
            self._cancel_waits()
            thread.join(POLL)
            if time.monotonic() >= deadline:
                raise FrameTimeoutError(name=self.name, seconds=timeout)
        self._thread = None
        self._requests._set_cancelled(False)  # noqa: SLF001

    def _cancel_waits(self) -> None:
        self._requests._set_cancelled(True)  # noqa: SLF001
        responses = self._responses
        if responses is not None:
            responses._set_cancelled(True)  # noqa: SLF001

    def close(self) -> None:
        """Stop, and remove the channel. A client that still waits gets an error at once."""
        try:
            self.stop()
        finally:
            self._drop_client()
            self._requests.close()
