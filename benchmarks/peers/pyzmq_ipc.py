"""pyzmq: PUSH and PULL over ``ipc://``."""

import importlib
from pathlib import Path
from typing import Any

from benchmarks.peers.base import Channel
from benchmarks.plan import KIB, LARGE

_zmq: Any = importlib.import_module("zmq")
_ZERO_COPY_FROM = 64 * KIB


class PeerChannel(Channel):
    """High-water marks hold what the others hold; large frames are sent and received without a copy in Python."""

    kinds = LARGE
    _context: Any = None
    _socket: Any = None

    def _open(self, kind: int, option: int) -> Any:
        self._context = _zmq.Context()
        self._socket = self._context.socket(kind)
        self._socket.setsockopt(option, max(4, self.job.capacity // self.job.size // 2))
        self._socket.setsockopt(_zmq.LINGER, 0)
        return self._socket

    def _address(self) -> str:
        return f"ipc://{Path(self.job.directory) / self.name}"

    def open_receiver(self) -> None:
        """Binds."""
        self._open(_zmq.PULL, _zmq.RCVHWM).bind(self._address())
        recv, copy = self._socket.recv, self.job.size < _ZERO_COPY_FROM

        def receive() -> int:
            data = recv()
            return int(data[0] + data[-1])

        def receive_frame() -> int:
            data = recv(copy=False).buffer
            return int(data[0] + data[-1])

        self.receive = receive if copy else receive_frame

    def open_sender(self) -> None:
        """Connects."""
        self._open(_zmq.PUSH, _zmq.SNDHWM).connect(self._address())
        send, copy = self._socket.send, self.job.size < _ZERO_COPY_FROM
        self.send = send if copy else lambda data: send(data, copy=False)

    def produce(self, payload: bytes, count: int) -> None:
        """See `Channel.produce`."""
        send = self._socket.send
        copy = len(payload) < _ZERO_COPY_FROM
        for _ in range(count):
            send(payload, copy=copy)

    def consume(self, count: int) -> int:
        """See `Channel.consume`."""
        recv, checksum = self._socket.recv, 0
        if self.job.size < _ZERO_COPY_FROM:
            for _ in range(count):
                data = recv()
                checksum += data[0] + data[-1]
            return checksum
        for _ in range(count):
            view = recv(copy=False).buffer
            checksum += view[0] + view[-1]
        return checksum

    def copy_out(self, target: memoryview) -> None:
        """See `Channel.copy_out`."""
        target[:] = self._socket.recv(copy=False).buffer

    def close(self) -> None:
        """Closes socket and context."""
        if self._context is not None:
            self._context.destroy(linger=0)
