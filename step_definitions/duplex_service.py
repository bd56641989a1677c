"""A duplex server and the handlers that scenarios ask for."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

from step_definitions.library import Frame, ServingSide

_PATIENCE: Final = 2.0
"""Seconds that a handler gets to come to its end when the server is closed."""


class Server:
    """A duplex server and what its handler has met."""

    def __init__(self, side: ServingSide) -> None:
        self.side = side
        self.requests = 0
        self.refused_changes = 0
        self.ending = threading.Event()

    def handler(self, kind: str, delay: float) -> Callable[[Frame], bytes]:
        """Return what answers a request: ``echo``, ``double``, ``xor`` or ``faulty``, after ``delay`` seconds."""
        xor = bytes(value ^ 0xFF for value in range(256))

        def answer(request: Frame) -> bytes:
            if delay:
                self.ending.wait(delay)
            self.requests += 1
            content = bytes(request.data)
            if kind == "faulty" and self.requests % 2 == 1:
                raise RuntimeError("faulty")
            if kind == "double":
                return content * 2
            if kind == "xor":
                try:
                    request.data[0] ^= 0xFF
                except TypeError:
                    self.refused_changes += 1
                return content.translate(xor)
            return content

        return answer

    def close(self) -> None:
        """Close the server, also with requests unanswered."""
        # A handler may end its work within this time. One that takes longer is cut short.
        patience = threading.Timer(_PATIENCE, self.ending.set)
        patience.start()
        try:
            self.side.close()
        finally:
            patience.cancel()
            patience.join()
