"""Changes the last byte of each frame on the way."""

from tests.benchmarks.zoo import honest


class PeerChannel(honest.PeerChannel):
    def send_one(self, payload: bytes) -> None:
        super().send_one(payload[:-1] + b"\0")
