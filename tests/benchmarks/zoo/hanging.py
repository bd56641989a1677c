"""Waits for one frame more than was sent."""

from tests.benchmarks.zoo import honest


class PeerChannel(honest.PeerChannel):
    def consume(self, count: int) -> int:
        return super().consume(count + 1)
