"""What a campaign of faults and the process that plays its trials say to each other, over a socket.

The campaign sends orders of one length, so that the descriptors of an order come with it; it is told lines of JSON.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from enum import StrEnum
from typing import Final, Literal

import pydantic

_LENGTH: Final = 24
_DESCRIPTORS: Final = 3


class Verb(StrEnum):
    """What the process is asked."""

    PLAY = "play"
    """A trial; with the descriptors of the :class:`Trial`, of its events, and of its output."""
    END = "end"
    """Interrupt a trial."""
    KILL = "kill"
    """End a trial that does not end."""
    LOOK = "look"
    """Whether all that was read is as it was."""


class Trial(pydantic.BaseModel):
    """Cells that are played, and how.

    Attributes:
        cells: Their keys in their order, and how many seconds each takes without a fault.
        most: After how many red ones it ends; 0 for none.
        limited: Whether steps have no more time than these seconds make likely.
    """

    cells: dict[str, float]
    most: int = 1
    limited: bool = True


class Told(pydantic.BaseModel):
    """What the process tells.

    Attributes:
        what: That it waits for trials, that one has ended, or that it has looked.
        number: Of the trial that has ended.
        code: The exit code of that trial.
        cells: The keys of all cells.
        forks: Whether it plays more than one trial.
        fresh: Whether all that it has read is as it was.
    """

    what: Literal["ready", "ended", "looked"]
    number: int = 0
    code: int = 0
    cells: tuple[str, ...] = ()
    forks: bool = False
    fresh: bool = True


def send(connection: socket.socket, verb: Verb, number: int = 0, descriptors: Sequence[int] = ()) -> None:
    """Send an order.

    Raises:
        OSError: Nobody hears it.
    """
    socket.send_fds(connection, [f"{verb} {number}".ljust(_LENGTH).encode()], descriptors)


def receive(connection: socket.socket) -> tuple[Verb, int, list[int]] | None:
    """Return the next order, with its number and descriptors; nothing where nobody sends any more."""
    data, descriptors, _, _ = socket.recv_fds(connection, _LENGTH, _DESCRIPTORS)
    if not data:
        return None
    verb, _, number = data.decode().partition(" ")
    return Verb(verb), int(number), descriptors
