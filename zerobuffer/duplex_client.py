"""The side of a duplex channel that asks."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from zerobuffer._core import Frame, FrameSlot
from zerobuffer.closing import Closing
from zerobuffer.config import DEFAULT_SPIN, DEFAULT_TIMEOUT, BufferConfig, deadline
from zerobuffer.duplex import DEFAULT_RESPONSE_CONFIG, FAILURE_MARK, POLL, request_buffer, response_buffer
from zerobuffer.errors import BusyError, FrameTimeoutError, HandlerError
from zerobuffer.reader import Reader
from zerobuffer.writer import Writer

if TYPE_CHECKING:
    from typing_extensions import Buffer


class DuplexClient(Closing):
    """Sends requests and receives responses.

    Args:
        name: Name of the channel.
        config: Sizes of the response buffer, which the client owns.
        timeout: Seconds to wait for a server that is not there yet.
        spin: Seconds that a wait spins before it gives way to the semaphore.

    Raises:
        BufferNotFoundError: No server has the channel.
        WriterExistsError: Another client has it.
    """

    def __init__(
        self,
        name: str,
        config: BufferConfig | None = None,
        *,
        timeout: float = 0.0,
        spin: float = DEFAULT_SPIN,
    ) -> None:
        self.name = name
        self._received = 0
        self._abandoned: set[int] = set()
        self._requests = Writer(request_buffer(name), timeout=timeout, spin=spin)
        try:
            self._responses = Reader(response_buffer(name), config or DEFAULT_RESPONSE_CONFIG, spin=spin)
        except BaseException:
            self._requests.close()
            raise

    @property
    def _sent(self) -> int:
        return self._requests.next_sequence - 1

    @property
    def outstanding(self) -> int:
        """Requests whose response was neither received nor given up."""
        return self._sent - self._received - len(self._abandoned)

    def request(self, data: Buffer, timeout: float | None = DEFAULT_TIMEOUT) -> Frame:
        """Send one request and wait for its response, a frame to be released.

        A request that times out is given up: its response is dropped when it comes, and the next one is matched right.

        Raises:
            FrameTimeoutError: No response in time.
            HandlerError: The server could not answer this request; the channel goes on.
            WriterDeadError: The server is gone. So does `ReaderDeadError`.
            BusyError: Responses to earlier `send_request` calls have not been received.
        """
        if self.outstanding:
            raise BusyError(name=self.name, reason=f"{self.outstanding} responses wait for receive_response()")
        until = deadline(timeout)
        self.send_request(data, timeout)
        try:
            return self.receive_response(max(0.0, until - time.monotonic()))
        except FrameTimeoutError as error:
            self._abandoned.add(self._sent)
            raise error.asked(timeout) from None

    def send_request(self, data: Buffer, timeout: float | None = DEFAULT_TIMEOUT) -> int:
        """Send a request without waiting; returns its number, which is that of its response."""
        self._requests.write_frame(data, timeout)
        return self._sent

    def acquire_request(self, size: int, timeout: float | None = DEFAULT_TIMEOUT) -> FrameSlot:
        """Lend a writable place for a request: `with client.acquire_request(n) as view:` sends it at the end."""
        return self._requests.acquire(size, timeout)

    def receive_response(self, timeout: float | None = DEFAULT_TIMEOUT) -> Frame:
        """Wait for the next response that is not given up."""
        until = deadline(timeout)
        while True:
            try:
                frame = self._next_response(until)
            except FrameTimeoutError as error:
                raise error.asked(timeout) from None
            self._received += 1
            if self._received not in self._abandoned:
                return self._checked(frame)
            self._abandoned.remove(self._received)
            frame.release()

    def _checked(self, frame: Frame) -> Frame:
        if frame.size < len(FAILURE_MARK) or frame.data[: len(FAILURE_MARK)] != FAILURE_MARK:
            return frame
        with frame:
            reason = bytes(frame.data[len(FAILURE_MARK) :]).decode(errors="replace") or "its handler failed"
        raise HandlerError(name=self.name, request=self._received, reason=reason)

    def _next_response(self, until: float) -> Frame:
        # Until the server has connected to the response buffer, its death shows only in the request buffer.
        while self._responses.writer_state == "absent":
            try:
                return self._responses.read_frame(min(POLL, max(0.0, until - time.monotonic())))
            except FrameTimeoutError:
                self._requests.check_reader()
                if time.monotonic() >= until:
                    raise
        return self._responses.read_frame(max(0.0, until - time.monotonic()))

    def close(self) -> None:
        """Leave the channel, and remove the response buffer."""
        try:
            self._requests.close()
        finally:
            self._responses.close()
