"""Two bare POSIX semaphores and nothing else: what a wake-up costs here. Carries no data."""

import importlib
import time
from array import array
from typing import Any

from benchmarks.peers.base import Channel
from benchmarks.plan import Job, Kind

_posix_ipc: Any = importlib.import_module("posix_ipc")


def _semaphore_of(channel: Channel) -> Any:
    return channel.semaphore if isinstance(channel, PeerChannel) else None


class PeerChannel(Channel):
    """One semaphore per direction."""

    kinds = frozenset({Kind.ROUND_TRIP})

    def __init__(self, job: Job, name: str) -> None:
        super().__init__(job, name)
        self.semaphore: Any = _posix_ipc.Semaphore(f"/{name}", _posix_ipc.O_CREX)
        self.semaphore.unlink()

    def open_receiver(self) -> None:
        """Uses the inherited semaphore."""
        acquire = self.semaphore.acquire

        def receive() -> int:
            acquire()
            return 0

        self.receive = receive

    def open_sender(self) -> None:
        """Uses the inherited semaphore."""
        release = self.semaphore.release
        self.send = lambda _: release()

    def ping(self, back: Channel, payload: bytes, samples: "array[int]") -> int:
        """Without a single call that the semaphores do not need."""
        del payload
        there, clock = self.semaphore.release, time.perf_counter_ns
        answer = _semaphore_of(back).acquire
        for index in range(len(samples)):
            begin = clock()
            there()
            answer()
            samples[index] = clock() - begin
        return 0

    def echo(self, back: Channel, payload: bytes, count: int) -> None:
        """See `ping`."""
        del payload
        acquire, release = self.semaphore.acquire, _semaphore_of(back).release
        for _ in range(count):
            acquire()
            release()

    def produce(self, payload: bytes, count: int) -> None:
        """See `Channel.produce`."""
        del payload
        for _ in range(count):
            self.semaphore.release()

    def consume(self, count: int) -> int:
        """See `Channel.consume`."""
        for _ in range(count):
            self.semaphore.acquire()
        return 0

    def discard(self) -> None:
        """Closes the parent's handle."""
        self.semaphore.close()
