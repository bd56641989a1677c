"""When a fault happens that does not happen at once. Pure, but for who waits until it has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from harmony.model import NetworkEvent

Match = str | Callable[[NetworkEvent], bool]
"""Which packets: those in whose line a text stands, or which a function takes."""


@dataclass(frozen=True, slots=True)
class After:
    """As soon as a packet has been passed on.

    Attributes:
        packet: Which.
        sender: Of which role; of any, if absent.
    """

    packet: Match
    sender: str | None = None

    def __str__(self) -> str:
        """Return it as a report says it."""
        return f"after {_called(self.packet, self.sender)}"


@dataclass(frozen=True, slots=True)
class Before:
    """Before anything of a packet is passed on.

    Attributes:
        packet: Which.
        sender: Of which role; of any, if absent.
    """

    packet: Match
    sender: str | None = None

    def __str__(self) -> str:
        """Return it as a report says it."""
        return f"before {_called(self.packet, self.sender)}"


@dataclass(frozen=True, slots=True)
class AfterBytes:
    """As soon as a number of bytes has been passed on, counted from the moment at which it was said.

    Attributes:
        count: How many.
        sender: Of which role.
    """

    count: int
    sender: str

    def __str__(self) -> str:
        """Return it as a report says it."""
        return f"after {self.count} bytes of {self.sender!r}"


Moment = After | Before | AfterBytes


@dataclass(slots=True, eq=False)
class Armed:
    """A fault that waits for its moment.

    Attributes:
        what: What will happen.
        moment: When.
        act: Makes it happen.
        left: Bytes that pass until then, where bytes are counted.
    """

    what: str
    moment: Moment
    act: Callable[[], None]
    left: int = 0

    def fits(self, event: NetworkEvent) -> bool:
        """Whether a packet is the one."""
        moment = self.moment
        if isinstance(moment, AfterBytes) or moment.sender not in {None, event.sender}:
            return False
        return fits(moment.packet, event)


def fits(match: Match, event: NetworkEvent) -> bool:
    """Whether a packet is one of those that are meant."""
    return match in event.text if isinstance(match, str) else bool(match(event))


def called(match: Match) -> str:
    """Return what is meant, as a report says it."""
    return repr(match) if isinstance(match, str) else getattr(match, "__name__", "one that fits")


def _called(match: Match, sender: str | None) -> str:
    return f"a packet {called(match)}{f' of {sender!r}' if sender else ''}"
