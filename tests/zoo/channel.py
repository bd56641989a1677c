"""Duplex channels over the model's ring."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from tests.zoo.memory import RingError, alive
from tests.zoo.ring import BufferConfig, Frame, Reader, Writer

if TYPE_CHECKING:
    from tests.zoo.model import Model

Handler = Callable[[Frame], bytes]


class DuplexServer:
    def __init__(self, model: Model, name: str, config: BufferConfig) -> None:
        self._model = model
        self._name = name
        self.requests: Reader = model.Reader(f"{name}_request", config)
        self._responses: Writer | None = None
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, handler: Handler) -> None:
        self._thread = threading.Thread(target=self._serve, args=(handler,), daemon=True)
        self._thread.start()

    def _serve(self, handler: Handler) -> None:
        while not self._ending.is_set():
            try:
                request = self.requests.read_frame(0.05)
            except RingError as error:
                if error.code == "writer_dead":
                    self._hang_up()
                elif error.code != "timeout":
                    return
                continue
            try:
                if request.sequence == 1:
                    self._hang_up()
                asker = self.requests.segment.load("writer_pid")
                answer = handler(request)
                if self.still_there(asker):
                    self.respond(answer)
            except RingError:
                self._hang_up()
            finally:
                request.release()

    def still_there(self, asker: int) -> bool:
        """Say whether the client that asked can still be answered, and not another in its place."""
        return self.requests.segment.load("writer_pid") == asker and alive(asker)

    def respond(self, content: bytes) -> None:
        if self._responses is None:
            self._responses = self._model.Writer(f"{self._name}_response", timeout=1.0)
        while not self._ending.is_set():
            try:
                self._responses.write_frame(content, 0.1)
            except RingError as error:
                if error.code != "buffer_full":
                    raise
            else:
                return

    def _hang_up(self) -> None:
        if self._responses is not None:
            self._responses.close()
            self._responses = None

    def close(self) -> None:
        self._ending.set()
        if self._thread is not None:
            self._thread.join(10)
        self._hang_up()
        self.requests.close()


class DuplexClient:
    def __init__(self, model: Model, name: str, config: BufferConfig, *, timeout: float) -> None:
        self.requests: Writer = model.Writer(f"{name}_request", timeout=timeout)
        try:
            self.responses: Reader = model.Reader(f"{name}_response", config)
        except RingError:
            self.requests.close()
            raise

    def send_request(self, data: bytes, timeout: float | None = 5.0) -> int:
        self.requests.write_frame(data, timeout)
        return self.requests.next_sequence - 1

    def request(self, data: bytes, timeout: float | None = 5.0) -> Frame:
        self.send_request(data, timeout)
        return self.receive_response(timeout)

    @contextlib.contextmanager
    def acquire_request(self, size: int, timeout: float | None = 5.0) -> Iterator[memoryview]:
        slot = self.requests.acquire(size, timeout)
        yield slot.data
        slot.commit()

    def receive_response(self, timeout: float | None = 5.0) -> Frame:
        end = time.monotonic() + (timeout or 0.0)
        while True:
            try:
                return self.responses.read_frame(min(0.02, max(0.0, end - time.monotonic())))
            except RingError as error:
                if error.code != "timeout":
                    raise
                if not self.requests.reader_lives():
                    raise RingError("reader_dead") from error
                if time.monotonic() >= end:
                    raise

    def close(self) -> None:
        self.requests.close()
        self.responses.close()
