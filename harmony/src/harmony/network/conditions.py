"""What happens to the bytes between two roles, as a connection sees it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from harmony.model import NetworkEvent, NetworkKind
from harmony.network.moments import Armed
from harmony.network.stream import Piece


@dataclass(slots=True)
class Conditions:
    """What happens to the bytes that one role sends.

    Attributes:
        held: They are kept.
        lost: They go nowhere, and what a connection has lost it never gets again.
        delay: Seconds by which they are late.
        rate: Bytes per second that pass on each connection; any, if absent.
    """

    held: bool = False
    lost: bool = False
    delay: float = 0.0
    rate: float | None = None


class Surroundings(Protocol):
    """What a connection asks its link."""

    def conditions(self, sender: str) -> Conditions:
        """Return what happens to what a role sends."""

    @property
    def change(self) -> asyncio.Event:
        """What is set as soon as the conditions are others than now."""

    def awaits_packet(self, sender: str) -> bool:
        """Whether something is to happen before, or to, a packet of a role."""

    def bytes_left(self, sender: str) -> int | None:
        """Return after how many bytes of a role something is to happen; none if nothing is."""

    def counted(self, sender: str, size: int) -> Sequence[Armed]:
        """Note that bytes of a role have come; return what is to happen after them."""

    def due(self, event: NetworkEvent) -> tuple[Sequence[Armed], Sequence[Armed]]:
        """Return what is to happen before a packet, and after it."""

    def passed(self, event: NetworkEvent | None, piece: Piece, sender: str) -> bytes:
        """Return the bytes as they are passed on."""

    def strike(self, armed: Armed) -> None:
        """Have what was armed happen."""

    def note(
        self, kind: NetworkKind, text: str, *, connection: int = 0, sender: str = "", data: bytes = b""
    ) -> NetworkEvent:
        """Keep an event of this link."""
