"""``multiprocessing.Pipe``, one direction."""

import multiprocessing

from benchmarks.peers.base import Channel
from benchmarks.plan import LARGE, Job


class PeerChannel(Channel):
    """Sends bytes, not pickles: the fastest form of it."""

    kinds = LARGE

    def __init__(self, job: Job, name: str) -> None:
        super().__init__(job, name)
        self._reader, self._writer = multiprocessing.Pipe(duplex=False)

    def open_receiver(self) -> None:
        """Keeps the inherited end."""
        recv_bytes = self._reader.recv_bytes

        def receive() -> int:
            data = recv_bytes()
            return data[0] + data[-1]

        self.receive = receive

    def open_sender(self) -> None:
        """Keeps the inherited end."""
        self.send = self._writer.send_bytes

    def produce(self, payload: bytes, count: int) -> None:
        """See `Channel.produce`."""
        send = self._writer.send_bytes
        for _ in range(count):
            send(payload)

    def consume(self, count: int) -> int:
        """See `Channel.consume`."""
        recv_bytes, checksum = self._reader.recv_bytes, 0
        for _ in range(count):
            data = recv_bytes()
            checksum += data[0] + data[-1]
        return checksum

    def copy_out(self, target: memoryview) -> None:
        """See `Channel.copy_out`."""
        self._reader.recv_bytes_into(target)

    def discard(self) -> None:
        """Closes the parent's copies."""
        self._reader.close()
        self._writer.close()
