"""The step worker: a process that speaks the step contract on its standard streams or a Unix socket.

The main thread waits for the end (signal, closed input, vanished parent, `shutdown`) and then releases everything
within a second; meanwhile it watches for steps that hang. Each conversation has a loop thread that reads and performs.
"""

from __future__ import annotations

import asyncio
import contextlib
import faulthandler
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NoReturn

from harmony.errors import ExitCode, HarmonyError
from harmony.logs import process_logger
from harmony.process.descriptors import nonblocking_pipe, readable
from harmony.process.this_system import SYSTEM
from harmony.run.loop_thread import LoopThread
from harmony.serve.conversation import Host, Session, SessionOptions
from harmony.serve.streams import SocketWire, StandardStreams, Wire
from harmony.wire import framing
from harmony.wire.framing import Fault, Frame

POLL_SECONDS = 0.2
DRAIN_SECONDS = 0.3
MAX_CONNECTIONS = 16
IDLE_SECONDS = 1.0
"""From then on a connection without a scenario makes room for one that waits, where there is none."""

_log = process_logger()


class ListenError(HarmonyError):
    """A worker cannot listen where it was told to.

    Way out: end who listens there, or name another path; a short one, in a directory that exists.
    """

    code = "listen_failed"
    exit_code = ExitCode.CONFIGURATION


class Ending:
    """The first reason to end, and a way to wait for it that signals and threads may use alike."""

    def __init__(self) -> None:
        self._read, self._write = nonblocking_pipe()
        self.code: int | None = None
        self.reason = ""

    def set(self, code: int, reason: str) -> None:
        """End with this code; only the first call counts. Safe in a signal handler: takes no lock."""
        if self.code is None:
            self.code, self.reason = code, reason
        with contextlib.suppress(BlockingIOError):
            os.write(self._write, b".")

    def wait(self, seconds: float) -> bool:
        """Return whether the end has come, after at most so many seconds."""
        readable(self._read, seconds)
        return self.code is not None


class Conversation:
    """Reads a wire and lets a session answer.

    The loop on which steps run reads by itself, so that a step changes no threads. A thread takes over for good when
    that loop is blocked, requests pile up, or the wire ends.

    Args:
        wire: The two directions of bytes.
        factory: Makes the actor.
        options: See `SessionOptions`.
        ending: Set when the whole worker must end.
        on_closed: Called when this peer is gone.
    """

    def __init__(
        self,
        wire: Wire,
        factory: Callable[[], Host],
        options: SessionOptions,
        ending: Ending,
        on_closed: Callable[[str], None],
    ) -> None:
        self._wire = wire
        self._on_closed = on_closed
        self._writing = threading.Lock()
        self._loop_thread = LoopThread()
        self._session = Session(factory, self._loop_thread, self._send, ending.set, options)
        self._decoder = framing.FrameDecoder()
        self._reading = threading.Lock()
        self._reader: threading.Thread | None = None
        self._turns = True
        self._progress = 0
        self._seen = -1
        self._heard = time.monotonic()
        self._loop_thread.post(self._begin)

    @property
    def idle(self) -> float:
        """Seconds for which nothing was said; 0 while a scenario is played."""
        return 0.0 if self._session.playing else time.monotonic() - self._heard

    def stalled(self) -> bool:
        """Return whether the peer is gone though reading, which would tell, stands still in back-pressure."""
        still = self._progress == self._seen and self._wire.hung_up()
        self._seen = self._progress
        return still

    def watch(self) -> None:
        """Have a thread read if the loop is blocked, and a step that hangs answered. To be called now and then."""
        self._session.watch()
        if self._reader is None:
            if not self._turns and self._reading.acquire(blocking=False):
                self._hand_over()
                self._reading.release()
            self._turns = False
            self._loop_thread.post(self._turn)

    def close(self) -> bool:
        """Release everything; return whether all of it ended in time."""
        return self._session.close()

    def _turn(self) -> None:
        self._turns = True

    def _begin(self) -> None:
        try:
            asyncio.get_running_loop().add_reader(self._wire.fileno(), self._readable)
        except OSError:  # a file cannot be waited for
            with self._reading:
                self._hand_over()

    def _readable(self) -> None:
        with self._reading:
            if self._reader is not None:
                return
            try:
                data = self._wire.read()
            except OSError:
                data = b""
            items = self._items(data)
            for item in items:
                self._session.receive(item)
                if self._session.full:
                    break
            else:
                if data:
                    return
            self._hand_over(items)

    def _hand_over(self, items: Iterable[Frame | Fault] = ()) -> None:
        self._loop_thread.post(self._forget_wire)
        self._reader = threading.Thread(target=self._read, args=(items,), name="reader", daemon=True)
        self._reader.start()

    def _forget_wire(self) -> None:
        asyncio.get_running_loop().remove_reader(self._wire.fileno())

    def _items(self, data: bytes) -> Iterator[Frame | Fault]:
        self._progress += 1
        self._heard = time.monotonic()
        return self._decoder.feed(data)

    def _read(self, items: Iterable[Frame | Fault]) -> None:
        reason = "the peer has closed its end"
        try:
            for item in items:
                self._session.receive(item)
            while data := self._wire.read():
                for item in self._items(data):
                    self._session.receive(item)
            rest = self._decoder.finish()
            if rest is not None:
                self._session.receive(rest)
            self._session.drain(DRAIN_SECONDS)
        except OSError as error:
            reason = f"the peer is gone: {error}"
        finally:
            self._on_closed(reason)

    def _send(self, body: bytes) -> None:
        try:
            with self._writing:
                self._wire.write(framing.encode(body))
        except OSError as error:
            self._on_closed(f"the peer takes no answers: {error}")


def serve_streams(wire: StandardStreams, factory: Callable[[], Host], options: SessionOptions) -> int:
    """Serve on stdin and stdout until the end, and return the exit code.

    The process must exit with `leave` afterwards: a step that hangs may have left a thread.
    """
    parent = wire.parent
    ending = Ending()
    with _signals(ending):
        conversation = Conversation(wire, factory, options, ending, lambda reason: ending.set(0, reason))
        while not ending.wait(POLL_SECONDS):
            if os.getppid() != parent:
                ending.set(0, "the parent process is gone")
            elif conversation.stalled():
                ending.set(0, "the peer has closed its end")
            conversation.watch()
        return _ended(ending, clean=conversation.close())


def serve_socket(path: Path, factory: Callable[[], Host], options: SessionOptions) -> int:
    """Serve every connection to a Unix socket, each with an actor of its own, until a signal or `shutdown`.

    Raises:
        ListenError: If the socket cannot be made, or another worker listens there.
    """
    ending = Ending()
    guests: list[_Guest] = []
    clean = True
    with _listening(path) as listener, _signals(ending):
        _log.info("listening", socket=str(path))

        def leaving() -> list[_Guest]:
            """Return who is gone, and whoever holds the last place without need while somebody waits for one."""
            gone = [guest for guest in guests if guest.gone()]
            if gone or len(guests) < MAX_CONNECTIONS or not readable(listener.fileno(), 0):
                return gone
            longest = max(guests, key=lambda guest: guest.idle)
            return [longest] if longest.idle >= IDLE_SECONDS else []

        def awaited() -> bool:
            return len(guests) < MAX_CONNECTIONS and readable(listener.fileno(), 0)

        while not ending.wait(0 if awaited() else POLL_SECONDS / 4):
            if awaited():
                guests.append(_Guest(listener.accept()[0], factory, options, ending))
            for guest in leaving():
                guests.remove(guest)
                clean = guest.close() and clean
        for guest in guests:
            clean = guest.close() and clean
    return _ended(ending, clean=clean)


def leave(code: int) -> NoReturn:
    """Exit at once, even if a step has left a thread that would never be joined."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


class _Guest:
    """One connection of a listening worker."""

    def __init__(
        self, connection: socket.socket, factory: Callable[[], Host], options: SessionOptions, ending: Ending
    ) -> None:
        self._connection = connection
        self._closed = threading.Event()
        self._conversation = Conversation(SocketWire(connection), factory, options, ending, self._gone)

    @property
    def idle(self) -> float:
        """Seconds for which the peer has said nothing; 0 while it plays a scenario."""
        return self._conversation.idle

    def gone(self) -> bool:
        """Return whether the peer has left; answer for a step that hangs."""
        self._conversation.watch()
        return self._closed.is_set() or self._conversation.stalled()

    def close(self) -> bool:
        """Release everything; return whether all of it ended in time."""
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)
        clean = self._conversation.close()
        self._connection.close()
        return clean

    def _gone(self, reason: str) -> None:
        _log.info("a connection has ended", reason=reason)
        self._closed.set()


@contextlib.contextmanager
def _signals(ending: Ending) -> Iterator[None]:
    """Let SIGTERM and SIGINT end the worker, and SIGUSR1 print every stack even while the GIL is held."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    with contextlib.suppress(OSError, ValueError, RuntimeError):
        faulthandler.register(signal.SIGUSR1, file=2, all_threads=True)
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    before = {
        number: signal.signal(number, lambda number, _: ending.set(0, signal.Signals(number).name))
        for number in numbers
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _listening(path: Path) -> Iterator[socket.socket]:
    """Listen on a socket that only this user may use; a stale one is replaced, a live one is not."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        _clear(path)
        mask = os.umask(0o177)
        try:
            listener.bind(str(path))
        except OSError as error:
            hint = f"the folder must exist, and the path may have {SYSTEM.max_socket_path} bytes"
            raise ListenError(f"cannot listen on {path}: {error}", hint=hint) from error
        finally:
            os.umask(mask)
        listener.listen(MAX_CONNECTIONS)
        try:
            yield listener
        finally:
            path.unlink(missing_ok=True)
    finally:
        listener.close()


def _clear(path: Path) -> None:
    if not path.is_socket():
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            path.unlink(missing_ok=True)
            return
    raise ListenError(f"another worker listens on {path}", hint="end it first, or listen somewhere else")


def _ended(ending: Ending, *, clean: bool) -> int:
    _log.info("worker ends", reason=ending.reason, code=ending.code, released=clean)
    return ending.code or 0
