"""What an adapter to a peer has to offer: a channel in one direction between two forked processes."""

import os
import time
from abc import ABC, abstractmethod
from array import array
from collections.abc import Callable
from typing import Any, ClassVar

from benchmarks.plan import PLAIN, Job, Kind


class Channel(ABC):
    """One direction between two processes.

    Made in the parent, which forks; then one child opens the receiving end and, once that stands, the other the sending
    end.
    `produce` and `consume` are the loops a user of the peer would write: frame by frame, the reader touching the first
    and the last byte of each. Subclasses set `send` and `receive` when they open.

    Attributes:
        kinds: What the peer can be measured for.
        send: Sends one frame.
        receive: Receives one frame and returns the sum of its first and last byte.
    """

    kinds: ClassVar[frozenset[Kind]] = PLAIN
    send: Callable[[bytes], Any]
    receive: Callable[[], int]

    def __init__(self, job: Job, name: str) -> None:
        self.job = job
        self.name = name

    @abstractmethod
    def open_receiver(self) -> None:
        """Opens the receiving end, in the process that will use it."""

    @abstractmethod
    def open_sender(self) -> None:
        """Opens the sending end, in the process that will use it; the receiving end stands already."""

    @abstractmethod
    def produce(self, payload: bytes, count: int) -> None:
        """Sends ``payload`` ``count`` times, frame by frame."""

    @abstractmethod
    def consume(self, count: int) -> int:
        """Receives ``count`` frames one by one; returns the sum of the first and last bytes."""

    def copy_out(self, target: memoryview) -> None:
        """Receives one frame and copies it to ``target``; for those with `Kind.WHOLE`."""
        raise NotImplementedError

    def consume_whole(self, count: int) -> int:
        """Receives ``count`` frames one by one and reads all of each, which takes at least copying it out."""
        target, checksum = memoryview(bytearray(self.job.size)), 0
        for _ in range(count):
            self.copy_out(target)
            checksum += target[0] + target[-1]
        return checksum

    def produce_batches(self, payload: bytes, batches: int) -> None:
        """Sends ``batches`` batches of `benchmarks.plan.BATCH` frames; for those with `Kind.BATCH`."""
        raise NotImplementedError

    def consume_batches(self, count: int) -> int:
        """Receives ``count`` frames, many at a time; for those with `Kind.BATCH`."""
        raise NotImplementedError

    def ping(self, back: "Channel", payload: bytes, samples: "array[int]") -> int:
        """One side of a round trip: sends here, waits for the answer on ``back``, notes the nanoseconds."""
        send, receive, clock = self.send, back.receive, time.perf_counter_ns
        checksum = 0
        for index in range(len(samples)):
            begin = clock()
            send(payload)
            checksum += receive()
            samples[index] = clock() - begin
        return checksum

    def echo(self, back: "Channel", payload: bytes, count: int) -> None:
        """The other side: waits for a frame here, answers on ``back`` with one of the same size."""
        receive, send = self.receive, back.send
        for _ in range(count):
            receive()
            send(payload)

    def wait_idle(self, seconds: float) -> None:
        """Waits for a frame that never comes; for those with `Kind.IDLE`."""
        raise NotImplementedError

    def close(self) -> None:  # noqa: B027  (most have nothing to do here)
        """Closes whatever this process has opened."""

    def discard(self) -> None:  # noqa: B027  (most have nothing to do here)
        """Frees what the parent holds, after both children are gone."""


def _go_on() -> None:
    """Polls again at once."""


def poll_pause(job: Job) -> Callable[[], None]:
    """What a peer that can only be polled does between two tries: nothing, or yield to an other end on this core."""
    return os.sched_yield if job.shares_a_core else _go_on
