"""Frames through a pipe, each read in full."""

import os

from benchmarks.peers.base import Channel
from benchmarks.plan import LARGE, Job


class PeerChannel(Channel):
    kinds = LARGE

    def __init__(self, job: Job, name: str) -> None:
        super().__init__(job, name)
        self.reading, self.writing = os.pipe()

    def open_receiver(self) -> None:
        self.receive = self.receive_one

    def open_sender(self) -> None:
        self.send = self.send_one

    def send_one(self, payload: bytes) -> None:
        os.write(self.writing, payload)

    def receive_one(self) -> int:
        data = b""
        while len(data) < self.job.size:
            data += os.read(self.reading, self.job.size - len(data))
        return data[0] + data[-1]

    def produce(self, payload: bytes, count: int) -> None:
        for _ in range(count):
            self.send_one(payload)

    def consume(self, count: int) -> int:
        return sum(self.receive_one() for _ in range(count))

    def copy_out(self, target: memoryview) -> None:
        while target:
            target = target[os.readv(self.reading, [target]) :]

    def discard(self) -> None:
        os.close(self.reading)
        os.close(self.writing)
