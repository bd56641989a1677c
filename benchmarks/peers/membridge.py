"""membridge: a shared-memory SPSC ring that can only be polled."""

import importlib
from typing import Any

from benchmarks.peers.base import Channel, poll_pause
from benchmarks.plan import Job

_membridge: Any = importlib.import_module("membridge")
_RING_HEADER = 24


class PeerChannel(Channel):
    """Polls without a pause, or yields when both ends share a core."""

    _memory: Any = None

    def __init__(self, job: Job, name: str) -> None:
        super().__init__(job, name)
        self._path = f"/{name}"
        self._capacity = 1 << (max(job.capacity, job.size + 64) - 1).bit_length()
        self._owner: Any = _membridge.SharedMemory.create(self._path, self._capacity + _RING_HEADER)
        self._ring: Any = self._owner.spsc()

    def open_receiver(self) -> None:
        """Uses the ring that the parent has made: each further `spsc` would empty it."""
        pop, pause = self._ring.pop, poll_pause(self.job)

        def receive() -> int:
            while (data := pop()) is None:
                pause()
            return int(data[0] + data[-1])

        self.receive = receive

    def open_sender(self) -> None:
        """Uses the ring that the parent has made."""
        push, pause = self._ring.push, poll_pause(self.job)

        def send(data: bytes) -> None:
            while not push(data):
                pause()

        self.send = send

    def produce(self, payload: bytes, count: int) -> None:
        """See `Channel.produce`."""
        push, pause = self._ring.push, poll_pause(self.job)
        for _ in range(count):
            while not push(payload):
                pause()

    def consume(self, count: int) -> int:
        """See `Channel.consume`."""
        pop, pause, checksum = self._ring.pop, poll_pause(self.job), 0
        for _ in range(count):
            while (data := pop()) is None:
                pause()
            checksum += data[0] + data[-1]
        return checksum

    def discard(self) -> None:
        """Removes the segment."""
        _membridge.SharedMemory.remove(self._path)
