"""Cannot open its sending end."""

from tests.benchmarks.zoo import honest


class PeerChannel(honest.PeerChannel):
    def open_sender(self) -> None:
        raise OSError("no such wire")
