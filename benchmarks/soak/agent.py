"""An endpoint in a Python process of its own: ``python -m benchmarks.soak.agent COUNTER``.

It speaks the part of the driver contract that the soak uses. Unlike a driver, it uses the endpoint in the main thread,
so that signal handlers run in the middle of its calls. A second thread listens, and forks on request. COUNTER is a
descriptor of shared memory, which holds how many writes have returned.
"""

import ctypes
import faulthandler
import json
import mmap
import os
import queue
import signal
import struct
import sys
import threading
from collections.abc import Callable, Mapping
from functools import partial
from types import FrameType
from typing import Any

import zerobuffer
from harmony.wire.framing import Frame, FrameDecoder, encode
from step_definitions.patterns import ramp
from step_definitions.transfer import Clock, TransferBuilder
from zerobuffer import _core

_SET_DEATH_SIGNAL = 1
_CHILD_SECONDS = 10
_BATCH = 16
_MOST = 20_000
_CHUNK = 1 << 16
_COUNT = struct.Struct("<Q")
_HANDLED = {signal.SIGTERM, signal.SIGINT, signal.SIGUSR1}
_ENDS = {"timeout", "writer_dead"}

Requests = queue.SimpleQueue[dict[str, Any] | None]


class InterruptedWriteError(Exception):
    """What the handler of SIGINT raises in the middle of a write."""


class Endpoint:
    """A reader or a writer, and what is done with it."""

    def __init__(self, counter: mmap.mmap, requests: "Requests") -> None:
        self._counter = counter
        self._requests = requests
        self._side: Any = None
        self._manner: dict[str, Any] = {}
        self._interruptible = False
        self.leaving = False
        self.verbs: Mapping[str, Callable[..., Any]] = {
            "health": self._health,
            "create": self._create,
            "connect": self._connect,
            "close": self.close,
            "arm": self._arm,
            "write": self._write,
            "read_many": self._read_many,
            "read": self._read,
        }

    # What signals do.

    def terminate(self, _number: int, _frame: FrameType | None) -> None:
        """SIGTERM: close, as programs do."""
        self.leaving = True
        self._requests.put(None)
        if self._side is not None:
            self._side.close()
        if self._manner.get("leaves") and not self.threaded:
            sys.exit(0)

    def interrupt(self, _number: int, _frame: FrameType | None) -> None:
        """SIGINT: breaks a write off, and nothing else."""
        if self._interruptible:
            self._interruptible = False
            raise InterruptedWriteError

    # Verbs.

    def _health(self, **_: Any) -> bool:
        return True

    def _create(self, name: str, payload: int, manner: dict[str, Any], **_: Any) -> int:
        self._manner = manner
        self._side = zerobuffer.Reader(name, zerobuffer.BufferConfig(0, payload))
        return 1

    def _connect(self, name: str, manner: dict[str, Any], **_: Any) -> int:
        self._manner = manner
        _COUNT.pack_into(self._counter, 0, 0)
        self._side = zerobuffer.Writer(name)
        return 1

    def close(self, **_: Any) -> None:
        if self._side is not None:
            self._side.close()

    def _arm(self, point: str, passage: int, **_: Any) -> None:
        _core.arm_point(point, passage, signal.SIGKILL)

    def _write(self, sizes: list[int], count: int, timeout: float, **_: Any) -> dict[str, int]:
        """Writes frames; an interrupted write is begun again with the number at which the writer stands."""
        first = self._side.next_sequence
        last = first + count - 1
        while self._side.next_sequence <= last:
            try:
                self._interruptible = not self.threaded
                self._write_to(last, sizes, timeout)
            except InterruptedWriteError:
                _COUNT.pack_into(self._counter, 0, self._side.next_sequence - 1)
            finally:
                self._interruptible = False
        return {"frames": count}

    def _write_to(self, last: int, sizes: list[int], timeout: float) -> None:
        side, counter, call = self._side, self._counter, self._manner["call"]
        while (sequence := side.next_sequence) <= last:
            size = sizes[(sequence - 1) % len(sizes)]
            if call == "batch":
                numbers = range(sequence, min(last + 1, sequence + _BATCH))
                side.write_frames([ramp(sizes[(one - 1) % len(sizes)], one) for one in numbers], timeout)
                sequence = numbers[-1]
            elif call == "slot":
                with side.acquire(size, timeout) as view:
                    view[:] = ramp(size, sequence)
            else:
                side.write_frame(ramp(size, sequence), timeout)
            _COUNT.pack_into(counter, 0, sequence)

    def _read_many(self, count: int | None, idle: float, timeout: float, **_: Any) -> dict[str, Any]:
        """Reads as the contract says, but at most `_MOST` frames, so that what was read is told before a death."""
        transfer, clock = TransferBuilder(), Clock(timeout)
        most = count or _MOST
        while transfer.frames < most:
            patience = idle if count is None else clock.left
            try:
                self._read_some(transfer, most - transfer.frames, patience)
            except zerobuffer.ZeroBufferError as error:
                if count is None and error.code in _ENDS:
                    break
                raise
        return transfer.as_dict(clock)

    def _read_some(self, transfer: TransferBuilder, most: int, patience: float) -> None:
        if self._manner["call"] == "batch":
            with self._side.read_frames(min(_BATCH, most), patience) as frames:
                for frame in frames:
                    transfer.add(frame.sequence, frame.size, frame.data)
        else:
            with self._side.read_frame(patience) as frame:
                transfer.add(frame.sequence, frame.size, frame.data)

    def _read(self, timeout: float, **_: Any) -> dict[str, int]:
        with self._side.read_frame(timeout) as frame:
            return {"sequence": frame.sequence, "size": frame.size}

    @property
    def threaded(self) -> bool:
        """Whether verbs are done in threads of their own."""
        return bool(self._manner.get("threaded"))


def fork(wire: int) -> int:
    """Forks a child that closes the wire and keeps the rest, until it is killed or its time is over."""
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(_CHILD_SECONDS)
        nothing = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2, wire):
            os.dup2(nothing, descriptor)
        while True:
            signal.pause()
    return child


class Wire:
    def __init__(self) -> None:
        self._out = os.fdopen(os.dup(1), "wb")
        self._lock = threading.Lock()
        os.dup2(2, 1)
        self.requests: Requests = queue.SimpleQueue()

    def answer(self, request: int, **body: Any) -> None:
        text = json.dumps({"jsonrpc": "2.0", "id": request, **body}).encode()
        with self._lock:
            self._out.write(encode(text))
            self._out.flush()

    def listen(self) -> None:
        """Takes requests from stdin; forks at once, whatever the endpoint is at."""
        decoder = FrameDecoder()
        while data := os.read(0, _CHUNK):
            for item in decoder.feed(data):
                request = json.loads(item.body) if isinstance(item, Frame) else {}
                if request["method"] == "fork":
                    self.answer(request["id"], result=fork(self._out.fileno()))
                else:
                    self.requests.put(request)
        self.requests.put(None)


def beside(target: Callable[[], None]) -> threading.Thread:
    """Starts a thread that takes no signal, because a signal in another thread does not wake the main one."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _HANDLED)
    thread = threading.Thread(target=target, daemon=True)
    thread.start()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _HANDLED)
    return thread


def perform(verb: Callable[..., Any], params: dict[str, Any]) -> dict[str, Any]:
    """Does a verb and returns the body of the answer."""
    try:
        return {"result": verb(**params)}
    except zerobuffer.ZeroBufferError as error:
        return {"error": {"code": -32000, "message": str(error), "data": {"code": error.code}}}
    except Exception as error:
        return {"error": {"code": -32603, "message": f"{type(error).__name__}: {error}"}}


def answer(wire: Wire, number: int, verb: Callable[..., Any], params: dict[str, Any]) -> None:
    wire.answer(number, **perform(verb, params))


def serve(wire: Wire, endpoint: Endpoint) -> None:
    """Does one verb after the other, in a thread of its own where the manner is threaded."""
    while not endpoint.leaving and (request := wire.requests.get()) is not None:
        params = request["params"][0]
        verb = endpoint.verbs[request["method"]]
        done = partial(answer, wire, request["id"], verb, params)
        if endpoint.threaded:
            beside(done).join()
        else:
            done()


def main(arguments: list[str]) -> int:
    """Serves until stdin ends or SIGTERM comes."""
    ctypes.CDLL(None).prctl(_SET_DEATH_SIGNAL, signal.SIGKILL)
    wire = Wire()
    endpoint = Endpoint(mmap.mmap(int(arguments[0]), mmap.PAGESIZE), wire.requests)
    signal.signal(signal.SIGTERM, endpoint.terminate)
    signal.signal(signal.SIGINT, endpoint.interrupt)
    signal.signal(signal.SIGUSR1, lambda _number, _frame: None)
    faulthandler.enable()
    faulthandler.register(signal.SIGUSR2)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel reaps what was forked
    beside(wire.listen)
    serve(wire, endpoint)
    endpoint.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
