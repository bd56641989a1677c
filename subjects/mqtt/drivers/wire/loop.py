"""One thread that does all with sockets and times, so that whoever is called in it is alone."""

from __future__ import annotations

import contextlib
import heapq
import itertools
import selectors
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Final, TypeVar, cast

Result = TypeVar("Result")
_CHUNK: Final = 1 << 16


class Timer:
    """Something that is to be done later."""

    def __init__(self, do: Callable[[], None]) -> None:
        self.do: Callable[[], None] | None = do

    def cancel(self) -> None:
        """Have it not done."""
        self.do = None


class Loop:
    """The thread. It ends with the process, or when it is told to."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._calls: deque[Callable[[], None]] = deque()
        self._timers: list[tuple[float, int, Timer]] = []
        self._numbers = itertools.count()
        self._ended = False
        self._woken, self._wake = socket.socketpair()
        self._woken.setblocking(False)
        self.watch(self._woken, lambda _: self._woken.recv(_CHUNK))
        threading.Thread(target=self._run, name="loop", daemon=True).start()

    def call(self, do: Callable[[], Result], timeout: float = 5.0) -> Result:
        """Do something in the thread, and return its result.

        Raises:
            TimeoutError: It is not done in time.
        """
        done = threading.Event()
        results: list[Result] = []
        errors: list[BaseException] = []

        def perform() -> None:
            try:
                results.append(do())
            except BaseException as error:  # noqa: BLE001 - whoever asked gets it
                errors.append(error)
            done.set()

        self._calls.append(perform)
        self._wake.send(b"!")
        if not done.wait(timeout):
            raise TimeoutError(f"the loop has not done it within {timeout:g} s")
        if errors:
            raise errors[0]
        return results[0]

    def end(self) -> None:
        """Close every socket as it is, and end the thread; nothing is done later."""
        self.call(self._close)

    def later(self, seconds: float, do: Callable[[], None]) -> Timer:
        """Have something done in the thread after a time."""
        timer = Timer(do)
        heapq.heappush(self._timers, (time.monotonic() + seconds, next(self._numbers), timer))
        return timer

    def watch(self, sock: socket.socket, ready: Callable[[int], object], *, writing: bool = False) -> None:
        """Have something called when a socket can be read, or written, too."""
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if writing else 0)
        try:
            self._selector.modify(sock, events, ready)
        except KeyError:
            self._selector.register(sock, events, ready)

    def forget(self, sock: socket.socket) -> None:
        """Watch a socket no more."""
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(sock)

    def listen(self, port: int, accepted: Callable[[socket.socket], None]) -> socket.socket:
        """Listen on a port of the loopback."""
        listener = socket.create_server(("127.0.0.1", port), backlog=100)
        listener.setblocking(False)
        self.watch(listener, lambda _: accepted(listener.accept()[0]))
        return listener

    def _run(self) -> None:
        while not self._ended:
            for key, events in self._selector.select(self._pause()):
                key.data(events)
            while self._calls:
                self._calls.popleft()()
            while self._timers and self._timers[0][0] <= time.monotonic():
                timer = heapq.heappop(self._timers)[2]
                if timer.do is not None:
                    timer.do()

    def _close(self) -> None:
        self._ended = True
        self._timers.clear()
        for key in [*self._selector.get_map().values()]:
            cast("socket.socket", key.fileobj).close()
        self._selector.close()
        self._wake.close()

    def _pause(self) -> float | None:
        return max(0.0, self._timers[0][0] - time.monotonic()) if self._timers else None


class Connection:
    """A socket from which bytes come as they arrive, and to which they go as it takes them.

    Args:
        loop: In whose thread everything happens.
        sock: Connected.
    """

    def __init__(self, loop: Loop, sock: socket.socket) -> None:
        self._loop = loop
        self._socket = sock
        self._unsent = bytearray()
        self._closing = False
        self.open = True
        self.received: Callable[[bytes], None] = lambda _: None
        self.lost: Callable[[], None] = lambda: None
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        loop.watch(sock, self._ready)

    def send(self, data: bytes) -> None:
        """Send bytes, at once or as soon as the other side takes them."""
        if self.open and not self._closing:
            self._unsent += data
            self._flush()

    def close(self) -> None:
        """Close, after what is to be sent; `lost` is not called."""
        self._closing = True
        self._flush()

    def _ready(self, events: int) -> None:
        if events & selectors.EVENT_WRITE:
            self._flush()
        if events & selectors.EVENT_READ and self.open:
            try:
                data = self._socket.recv(_CHUNK)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            if self._closing:
                if not data:
                    self._end()
            elif data:
                self.received(data)
            else:
                self._end()
                self.lost()

    def _flush(self) -> None:
        if not self.open:
            return
        try:
            while self._unsent:
                del self._unsent[: self._socket.send(self._unsent)]
        except BlockingIOError:
            pass
        except OSError:
            self._unsent.clear()
        if self._closing and not self._unsent:
            self._end()
        else:
            self._loop.watch(self._socket, self._ready, writing=bool(self._unsent))

    def _end(self) -> None:
        self.open = False
        self._loop.forget(self._socket)
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)
        self._socket.close()


def dial(loop: Loop, port: int, timeout: float) -> Connection:
    """Connect to a port of the loopback."""
    sock = socket.create_connection(("127.0.0.1", port), timeout)
    return loop.call(lambda: Connection(loop, sock))
