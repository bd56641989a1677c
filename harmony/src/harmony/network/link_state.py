"""The state of the network between two roles. It belongs to the loop of the proxy."""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from harmony.model import NetworkEvent, NetworkKind
from harmony.network.conditions import Conditions
from harmony.network.connection import Connection, How
from harmony.network.door import Door
from harmony.network.moments import AfterBytes, Armed, Before, Match, Moment, called, fits
from harmony.network.stream import Piece, Splitter
from harmony.network.trace import NetworkError, Trace

_SEEDED_WITHIN: Final = 16


@dataclass(slots=True, eq=False)
class _Way:
    """How one of the two roles reaches the other."""

    door: Door
    target: tuple[str, int]
    splitter: Callable[[], Splitter] | None


@dataclass(slots=True, eq=False)
class Corruption:
    """A bit that will be flipped.

    Attributes:
        sender: In what this role sends.
        packet: In the first packet that fits; without one, bytes are counted from now on.
        offset: Of the byte; any of the packet, if absent.
        bit: Of the byte.
    """

    sender: str
    packet: Match | None
    offset: int | None
    bit: int

    def __str__(self) -> str:
        """Return it as a report says it."""
        byte = "a byte" if self.offset is None else f"byte {self.offset}"
        where = "what comes next" if self.packet is None else f"the first packet {called(self.packet)}"
        return f"corrupts bit {self.bit} of {byte} in {where} of {self.sender!r}"


class LinkState:
    """The network between two roles.

    Args:
        roles: The two.
        owner: What the names of its ports begin with.
        seed: Of the cell.
        trace: Of the scenario.

    Attributes:
        refused: Whether new connections are refused.
        waiting: The faults whose moment has not come.
        change: Is set as soon as the conditions are others than now.
    """

    def __init__(self, roles: tuple[str, str], owner: str, seed: int, trace: Trace) -> None:
        self.roles = roles
        self.trace = trace
        self.waiting: list[Armed] = []
        self.change = asyncio.Event()
        self.refused = False
        self.connections: dict[Connection, None] = {}
        self._owner = owner
        self._random = random.Random(f"{seed}/network/{self}")  # noqa: S311 - reproducible, not secret
        self._conditions = {role: Conditions() for role in roles}
        self._ways: dict[str, _Way] = {}
        self._number = 0
        self._armed: list[Armed] = []
        self._corruptions: list[Corruption] = []
        self._disturbed = False
        self._failures: list[str] = []

    def __str__(self) -> str:
        """Return the two roles."""
        return ", ".join(self.roles)

    @property
    def between(self) -> str:
        """What it is called in a message."""
        return f"the network between {self.roles[0]!r} and {self.roles[1]!r}"

    # What is done to it.

    def way(self, client: str, target: tuple[str, int], splitter: Callable[[], Splitter] | None) -> int:
        """Return the port at which a role reaches the other one, who listens at the target from now on."""
        way = self._ways.get(client)
        if way is None:
            door = Door(f"{self._owner} {client} {self}", lambda near: self._entered(client, near))
            way = self._ways[client] = _Way(door, target, splitter)
            self._note(NetworkKind.OPENED, f"{client!r} reaches {self._other(client)!r} at {door.port}")
        if not self.refused:
            way.door.open()
        way.target, way.splitter = target, splitter or way.splitter
        return way.door.port

    def fault(self, what: str, at: Moment | None, act: Callable[[], None]) -> None:
        """Have a fault happen now, or at its moment."""
        self._disturbed = True
        if at is None:
            act()
            self._note(NetworkKind.FAULT, what)
            return
        armed = Armed(what, at, act, at.count if isinstance(at, AfterBytes) else 0)
        self._armed.append(armed)
        self.waiting.append(armed)
        self._note(NetworkKind.FAULT, f"to be, {at}: {what}")

    def require_connection(self, what: str) -> None:
        """Refuse a fault of connections where there is none.

        Raises:
            NetworkError: There is none.
        """
        if not self.connections:
            raise NetworkError(
                f"{self.between} cannot be {what}: no connection is open",
                hint="let a role connect through it first (network.to), or say the moment, such as: after a packet",
            )

    def end(self, how: How) -> None:
        """End every connection."""
        for one in self.connections:
            one.end(how)

    def half_open(self, gone: str) -> None:
        """Have the end of a role disappear from every connection."""
        for one in self.connections:
            one.half_open(gone)

    def alter(self, senders: Sequence[str], change: Callable[[Conditions], None]) -> None:
        """Change the conditions of what roles send."""
        for sender in senders:
            change(self._conditions[sender])
        self._changed()

    def corrupt(self, sender: str, packet: Match | None, offset: int | None, bit: int | None) -> None:
        """Have a bit flipped."""
        chosen = self._random.randrange(8) if bit is None else bit
        where = self._random.randrange(_SEEDED_WITHIN) if offset is None and packet is None else offset
        one = Corruption(sender, packet, where, chosen)
        self.fault(str(one), None, lambda: self._corruptions.append(one))

    def refuse(self) -> None:
        """Refuse new connections."""
        self.refused = True
        for way in self._ways.values():
            way.door.shut()

    def calm(self) -> None:
        """End every fault, also those whose moment has not come."""
        self._forget()
        for way in self._ways.values():
            way.door.open()

    def abandon(self) -> None:
        """End every fault, and reset the connections that cannot recover from one: the scenario is over."""
        self._forget()
        for one in self.connections:
            if one.broken:
                one.end(How.RESET)

    async def close(self) -> None:
        """End all connections, and give the ports back."""
        for way in self._ways.values():
            way.door.shut()
        self.end(How.RESET)
        if self.connections:
            await asyncio.wait([one.task for one in self.connections])
        for way in self._ways.values():
            way.door.close()

    def complaints(self) -> list[str]:
        """Return why what a scenario says of this network may not have been so."""
        said = [f"was to be, {one.moment}: {one.what}; that has not come" for one in self.waiting]
        said += [f"was to be, and was not: {one}" for one in self._corruptions]
        if self._disturbed and not self._number:
            said.append("was disturbed, and nobody has connected through it")
        return [f"{self.between} {text}" for text in (*said, *self._failures)]

    def _forget(self) -> None:
        self._armed.clear()
        self.waiting.clear()
        self._corruptions.clear()
        self.refused = False
        for role in self.roles:
            self._conditions[role] = Conditions()
        self._changed()

    # What a connection asks.

    def conditions(self, sender: str) -> Conditions:
        """Return what happens to what a role sends."""
        return self._conditions[sender]

    def awaits_packet(self, sender: str) -> bool:
        """Whether something is to happen before, or to, a packet of a role."""
        moments = (one.moment for one in self._armed)
        return any(isinstance(one, Before) and one.sender in {None, sender} for one in moments) or any(
            one.packet is not None and one.sender == sender for one in self._corruptions
        )

    def bytes_left(self, sender: str) -> int | None:
        """Return after how many bytes of a role something is to happen; none if nothing is."""
        return min((one.left for one in self._counting(sender)), default=None)

    def counted(self, sender: str, size: int) -> Sequence[Armed]:
        """Note that bytes of a role have come; return what is to happen after them."""
        counting = list(self._counting(sender))
        for one in counting:
            one.left -= size
        return self._taken([one for one in counting if one.left <= 0])

    def due(self, event: NetworkEvent) -> tuple[Sequence[Armed], Sequence[Armed]]:
        """Return what is to happen before a packet, and after it."""
        found = self._taken([one for one in self._armed if one.fits(event)])
        before = [one for one in found if isinstance(one.moment, Before)]
        return before, [one for one in found if one not in before]

    def passed(self, event: NetworkEvent | None, piece: Piece, sender: str) -> bytes:
        """Return the bytes as they are passed on."""
        data = bytearray(piece.data)
        for one in [one for one in self._corruptions if one.sender == sender]:
            where = self._place(one, event, piece)
            if where is not None:
                self._corruptions.remove(one)
                before, data[where] = data[where], data[where] ^ 1 << one.bit
                self._note(NetworkKind.FAULT, f"{one}: {before:#04x} becomes {data[where]:#04x}, byte {where} of these")
        return bytes(data)

    def strike(self, armed: Armed) -> None:
        """Have what was armed happen."""
        if armed in self.waiting:  # the network may have become calm meanwhile
            self.waiting.remove(armed)
            armed.act()
            self._note(NetworkKind.FAULT, f"{armed.what}, {armed.moment}")

    def note(
        self, kind: NetworkKind, text: str, *, connection: int = 0, sender: str = "", data: bytes = b""
    ) -> NetworkEvent:
        """Keep an event of this link."""
        return self.trace.note(kind, text, link=str(self), connection=connection, sender=sender, data=data)

    def _place(self, one: Corruption, event: NetworkEvent | None, piece: Piece) -> int | None:
        """Return which byte of a piece is to be corrupted, if one is."""
        size = len(piece.data)
        if one.packet is None:
            where = one.offset or 0
            one.offset = where - size
        elif event is not None and fits(one.packet, event):
            whole = len(piece.packet)
            where = (self._random.randrange(whole) if one.offset is None else one.offset) - (whole - size)
        else:
            return None
        return where if 0 <= where < size else None

    def _entered(self, client: str, near: socket.socket) -> None:
        way, self._number = self._ways[client], self._number + 1
        splitter = way.splitter() if way.splitter is not None else None
        one = Connection(self, self._number, (client, near), (self._other(client), way.target), splitter)
        self.connections[one] = None
        one.task.add_done_callback(lambda task: self._left(one, task))

    def _other(self, role: str) -> str:
        return next(one for one in self.roles if one != role)

    def _left(self, one: Connection, task: asyncio.Task[None]) -> None:
        del self.connections[one]
        if not task.cancelled() and (error := task.exception()) is not None:
            self._failures.append(f"carries no more: {type(error).__name__}: {error}")

    def _counting(self, sender: str) -> Iterator[Armed]:
        return (one for one in self._armed if isinstance(one.moment, AfterBytes) and one.moment.sender == sender)

    def _taken(self, found: list[Armed]) -> list[Armed]:
        self._armed = [one for one in self._armed if one not in found]
        return found

    def _changed(self) -> None:
        change, self.change = self.change, asyncio.Event()
        change.set()

    def _note(self, kind: NetworkKind, text: str) -> None:
        self.note(kind, text)
