"""``multiprocessing.Queue``."""

import multiprocessing

from benchmarks.peers.base import Channel
from benchmarks.plan import Job


class PeerChannel(Channel):
    """Bounded by number of frames, so that it holds what the others hold."""

    def __init__(self, job: Job, name: str) -> None:
        super().__init__(job, name)
        self._queue: multiprocessing.Queue[bytes] = multiprocessing.Queue(maxsize=max(4, job.capacity // job.size))

    def open_receiver(self) -> None:
        """Uses the inherited queue."""
        get = self._queue.get

        def receive() -> int:
            data = get()
            return data[0] + data[-1]

        self.receive = receive

    def open_sender(self) -> None:
        """Uses the inherited queue."""
        self.send = self._queue.put

    def produce(self, payload: bytes, count: int) -> None:
        """See `Channel.produce`."""
        put = self._queue.put
        for _ in range(count):
            put(payload)

    def consume(self, count: int) -> int:
        """See `Channel.consume`."""
        get, checksum = self._queue.get, 0
        for _ in range(count):
            data = get()
            checksum += data[0] + data[-1]
        return checksum

    def discard(self) -> None:
        """Closes the parent's copy, which never started a feeder thread."""
        self._queue.close()
