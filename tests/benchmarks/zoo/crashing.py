"""Dies while it sends."""

import os
import signal

from tests.benchmarks.zoo import honest


class PeerChannel(honest.PeerChannel):
    def send_one(self, payload: bytes) -> None:
        os.kill(os.getpid(), signal.SIGKILL)
