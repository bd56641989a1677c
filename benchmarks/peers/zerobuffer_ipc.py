"""zerobuffer-ipc: the same protocol in pure Python, importing as ``zerobuffer`` in an environment of its own."""

import importlib
from typing import Any

from benchmarks.peers.base import Channel
from benchmarks.plan import LARGE

_zb: Any = importlib.import_module("zerobuffer")


class PeerChannel(Channel):
    """A buffer per direction, as for the library under test."""

    kinds = LARGE
    _reader: Any = None
    _writer: Any = None

    def open_receiver(self) -> None:
        """Creates the buffer."""
        self._reader = _zb.Reader(self.name, _zb.BufferConfig(metadata_size=64, payload_size=self.job.capacity))
        read_frame = self._reader.read_frame

        def receive() -> int:
            with read_frame(60.0) as frame:
                data = frame.data
                return int(data[0] + data[-1])

        self.receive = receive

    def open_sender(self) -> None:
        """Connects."""
        self._writer = _zb.Writer(self.name)
        self.send = self._writer.write_frame

    def produce(self, payload: bytes, count: int) -> None:
        """See `Channel.produce`."""
        write_frame = self._writer.write_frame
        for _ in range(count):
            write_frame(payload)

    def consume(self, count: int) -> int:
        """See `Channel.consume`."""
        read_frame, checksum = self._reader.read_frame, 0
        for _ in range(count):
            with read_frame(60.0) as frame:
                data = frame.data
                checksum += data[0] + data[-1]
        return checksum

    def copy_out(self, target: memoryview) -> None:
        """See `Channel.copy_out`."""
        with self._reader.read_frame(60.0) as frame:
            target[:] = frame.data

    def close(self) -> None:
        """Closes the end that this process opened."""
        for end in (self._writer, self._reader):
            if end is not None:
                end.close()
