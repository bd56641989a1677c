"""cloudtoid-interprocess: shared-memory byte queues."""

import importlib
from typing import Any

from benchmarks.peers.base import Channel, poll_pause
from benchmarks.plan import BATCH, BATCHING, Job

_cloudtoid: Any = importlib.import_module("cloudtoid_interprocess")


class PeerChannel(Channel):
    """The subscriber tries before it waits; the publisher can only be tried again when the queue is full."""

    kinds = BATCHING
    _end: Any = None

    def __init__(self, job: Job, name: str) -> None:
        super().__init__(job, name)
        self._capacity = 1 << (max(job.capacity, 2 * job.size + 256) - 1).bit_length()

    def open_receiver(self) -> None:
        """Subscribes."""
        self._end = _cloudtoid.Subscriber(self.name, self._capacity, self.job.directory)
        try_receive, wait = self._end.try_receive, self._end.receive

        def receive() -> int:
            data = try_receive()
            if data is None:
                data = wait()
            return int(data[0] + data[-1])

        self.receive = receive

    def open_sender(self) -> None:
        """Publishes."""
        self._end = _cloudtoid.Publisher(self.name, self._capacity, self.job.directory)
        try_send, pause = self._end.try_send, poll_pause(self.job)

        def send(data: bytes) -> None:
            while not try_send(data):
                pause()

        self.send = send

    def produce(self, payload: bytes, count: int) -> None:
        """See `Channel.produce`."""
        try_send, pause = self._end.try_send, poll_pause(self.job)
        for _ in range(count):
            while not try_send(payload):
                pause()

    def consume(self, count: int) -> int:
        """See `Channel.consume`."""
        try_receive, wait, checksum = self._end.try_receive, self._end.receive, 0
        for _ in range(count):
            data = try_receive()
            if data is None:
                data = wait()
            checksum += data[0] + data[-1]
        return checksum

    def produce_batches(self, payload: bytes, batches: int) -> None:
        """See `Channel.produce_batches`."""
        try_send_batch, batch, pause = self._end.try_send_batch, [payload] * BATCH, poll_pause(self.job)
        for _ in range(batches):
            sent = try_send_batch(batch)
            while sent < BATCH:
                pause()
                sent += try_send_batch(batch[sent:])

    def consume_batches(self, count: int) -> int:
        """The subscriber has no batches: one by one."""
        return self.consume(count)

    def close(self) -> None:
        """Closes the end that this process opened."""
        if self._end is not None:
            self._end.close()
