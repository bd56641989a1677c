"""What was seen between the roles of a scenario, in order: bounded, and to be waited for."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

from harmony.errors import ExitCode, HarmonyError
from harmony.logs import now
from harmony.model import NetworkEvent, NetworkKind

HEAD: Final = 500
TAIL: Final = 1500
TOLD_HEAD: Final = 100
TOLD_TAIL: Final = 200
_KEPT_BYTES: Final = 1024


class NetworkError(HarmonyError, AssertionError):
    """A fault of the network cannot be made, or was not made, as a scenario says it.

    Way out: name the roles as the scenario does, and let one of them ask for the way to the other, `network.to(…)`,
    where it connects; `docs/network.md` says what each fault does.
    """

    code = "network"
    exit_code = ExitCode.FAILED


class Trace:
    """Keeps the first and the last events of all links of one scenario. It belongs to one loop."""

    def __init__(self) -> None:
        self._head: list[NetworkEvent] = []
        self._tail: deque[NetworkEvent] = deque(maxlen=TAIL)
        self._count = 0
        self._more = asyncio.Event()

    @property
    def left_out(self) -> int:
        """How many events are kept no more."""
        return max(0, self._count - HEAD - TAIL)

    def note(
        self,
        kind: NetworkKind,
        text: str,
        *,
        link: str = "",
        connection: int = 0,
        sender: str = "",
        data: bytes = b"",
    ) -> NetworkEvent:
        """Keep an event that happens now."""
        event = NetworkEvent(self._count, now(), kind, text, link, connection, sender, len(data), data[:_KEPT_BYTES])
        (self._head if self._count < HEAD else self._tail).append(event)
        self._count += 1
        more, self._more = self._more, asyncio.Event()
        more.set()
        return event

    def events(self, since: int = 0) -> tuple[NetworkEvent, ...]:
        """Return the events that are kept, from a count on."""
        return tuple(event for event in (*self._head, *self._tail) if event.number >= since)

    def told(self) -> tuple[NetworkEvent, ...]:
        """Return what a report tells: the first and the last events; one says how many lie between."""
        left_out = self._count - TOLD_HEAD - TOLD_TAIL
        every = self.events()
        if left_out <= 0:
            return every
        last = every[-TOLD_TAIL:]
        gap = NetworkEvent(TOLD_HEAD, last[0].at, NetworkKind.STEP, f"… {left_out} left out …")
        return (*every[:TOLD_HEAD], gap, *last)

    async def wait(self, fits: Callable[[NetworkEvent], bool], since: int) -> NetworkEvent:
        """Return the first event that fits, from a count on; wait for it, if need be for ever."""
        while True:
            more, upto = self._more, self._count
            for event in self.events(since):
                if fits(event):
                    return event
            since = upto
            await more.wait()
