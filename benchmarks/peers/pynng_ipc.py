"""pynng: Push0 and Pull0 over ``ipc://``."""

import importlib
from pathlib import Path
from typing import Any

from benchmarks.peers.base import Channel

_pynng: Any = importlib.import_module("pynng")


class PeerChannel(Channel):
    """Buffers of the library's largest sensible size; no deadline, as for every other contender."""

    _socket: Any = None

    def _address(self) -> str:
        return f"ipc://{Path(self.job.directory) / self.name}"

    def _buffered(self) -> int:
        return int(min(1024, max(4, self.job.capacity // self.job.size)))

    def open_receiver(self) -> None:
        """Listens."""
        self._socket = _pynng.Pull0()
        self._socket.recv_max_size = 0
        self._socket.listen(self._address())
        recv = self._socket.recv

        def receive() -> int:
            data = recv()
            return int(data[0] + data[-1])

        self.receive = receive

    def open_sender(self) -> None:
        """Dials."""
        self._socket = _pynng.Push0(send_buffer_size=self._buffered())
        self._socket.dial(self._address(), block=True)
        self.send = self._socket.send

    def produce(self, payload: bytes, count: int) -> None:
        """See `Channel.produce`."""
        send = self._socket.send
        for _ in range(count):
            send(payload)

    def consume(self, count: int) -> int:
        """See `Channel.consume`."""
        recv, checksum = self._socket.recv, 0
        for _ in range(count):
            data = recv()
            checksum += data[0] + data[-1]
        return checksum

    def close(self) -> None:
        """Closes the socket."""
        if self._socket is not None:
            self._socket.close()
