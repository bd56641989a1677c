"""faster-fifo: a queue over a shared-memory ring."""

import importlib
from typing import Any

from benchmarks.peers.base import Channel
from benchmarks.plan import BATCH, BATCHING, Job, Kind

_fifo: Any = importlib.import_module("faster_fifo")
importlib.import_module("faster_fifo_reduction")


def _as_it_is(data: bytes) -> bytes:
    return data


class PeerChannel(Channel):
    """With pickling switched off, its fastest form for bytes."""

    kinds = BATCHING

    def __init__(self, job: Job, name: str) -> None:
        super().__init__(job, name)
        self._queue: Any = _fifo.Queue(max_size_bytes=job.capacity, loads=bytes, dumps=_as_it_is)

    def open_receiver(self) -> None:
        """Uses the inherited queue; its message buffer has room for what one call brings from the start."""
        frames = BATCH if self.job.kind is Kind.BATCH else 1
        self._queue.reallocate_msg_buffer(frames * (self.job.size + 64))
        get = self._queue.get

        def receive() -> int:
            data = get()
            return int(data[0] + data[-1])

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

    def produce_batches(self, payload: bytes, batches: int) -> None:
        """See `Channel.produce_batches`."""
        put_many, batch = self._queue.put_many, [payload] * BATCH
        for _ in range(batches):
            put_many(batch)

    def consume_batches(self, count: int) -> int:
        """See `Channel.consume_batches`."""
        get_many, checksum, seen = self._queue.get_many, 0, 0
        while seen < count:
            frames = get_many(max_messages_to_get=BATCH)
            seen += len(frames)
            for data in frames:
                checksum += data[0] + data[-1]
        return checksum
