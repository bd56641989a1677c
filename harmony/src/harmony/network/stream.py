"""The bytes of one direction of one connection, cut into packets. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from harmony.text import shown

Splitter = Callable[[bytes, str], tuple[int, str] | None]
"""Knows a protocol. It is called with what has come from the beginning of a packet on, and with the role that sent it.

It returns how long the packet is and what it is in one line, or none as long as that cannot be said. It may be asked
about one packet more than once. Each connection has one of its own for both directions, so that it may remember what
was agreed upon.
"""

LARGEST_PACKET: Final = 4 << 20
"""Bytes that are looked at for one packet; what is larger passes unread."""
_LONGEST_TEXT: Final = 200
_SHOWN_BYTES: Final = 16
_FIRST_LOOK: Final = 4096


@dataclass(frozen=True, slots=True)
class Piece:
    """What is passed on together.

    Attributes:
        data: The bytes that have not been passed on before.
        packet: The whole packet that ends with them; empty if it goes on.
        text: What the packet is.
    """

    data: bytes
    packet: bytes = b""
    text: str = ""

    @property
    def whole(self) -> bool:
        """Whether it is a packet of which nothing has been passed on before."""
        return bool(self.packet) and len(self.data) == len(self.packet)


class Stream:
    """Cuts one direction of a connection.

    Args:
        sender: The role that sends.
        splitter: Knows the protocol; without one, what comes together is a packet.
    """

    def __init__(self, sender: str, splitter: Splitter | None = None) -> None:
        self._sender = sender
        self._splitter = splitter
        self._begun = bytearray()
        self._passed = 0

    def take(self, data: bytes) -> None:
        """Take what has come."""
        self._begun += data

    def pieces(self, whole: Callable[[], bool]) -> Iterator[Piece]:
        """Yield what can be passed on now.

        Args:
            whole: Whether packets are passed on when they are whole only, asked for each of them.
        """
        while self._begun:
            found = self._split()
            if found is None:
                if not whole() and (piece := self._rest()).data:
                    yield piece
                return
            size, text = found
            packet, passed = bytes(self._begun[:size]), self._passed
            del self._begun[:size]
            self._passed = 0
            yield Piece(packet[passed:], packet, text)

    def end(self) -> Piece | None:
        """Return what has come of a packet that never became whole, if there is one."""
        if not self._begun:
            return None
        begun, rest = bytes(self._begun), self._rest()
        self._begun.clear()
        return Piece(rest.data, begun, f"no whole packet, {described(begun)}")

    def _rest(self) -> Piece:
        rest = bytes(self._begun[self._passed :])
        self._passed = len(self._begun)
        return Piece(rest)

    def _split(self) -> tuple[int, str] | None:
        if self._splitter is None:
            return self._unread("")
        try:
            # Of many small packets that have come together, the rest is not copied for each.
            found = self._splitter(bytes(self._begun[:_FIRST_LOOK]), self._sender)
            if len(self._begun) > _FIRST_LOOK and (found is None or _FIRST_LOOK <= found[0] <= len(self._begun)):
                found = self._splitter(bytes(self._begun), self._sender)
        except Exception as error:  # noqa: BLE001 - a splitter of others that fails must not stop the bytes
            return self._unread(f"the splitter failed with {type(error).__name__}: {error}; ")
        if found is None:
            big = len(self._begun) > LARGEST_PACKET
            return self._unread(f"a packet of more than {LARGEST_PACKET} bytes; ") if big else None
        size, text = found
        if size < 1:
            return self._unread(f"the splitter found a packet of {size} bytes; ")
        return (size, _one_line(text)) if size <= len(self._begun) else None

    def _unread(self, reason: str) -> tuple[int, str]:
        """Take all that is here for one packet; for a reason, nothing more is read in this direction."""
        if reason:
            self._splitter = None
        return len(self._begun), _one_line(f"{reason}{described(bytes(self._begun))}")


def _one_line(text: str) -> str:
    return shown(text.replace("\n", "\\n"), _LONGEST_TEXT)


def described(data: bytes) -> str:
    """Return how many bytes there are, and the first of them."""
    first = data[:_SHOWN_BYTES]
    plain = "".join(chr(one) if 32 <= one < 127 else "." for one in first)
    more = " …" if len(data) > len(first) else ""
    return f"{len(data)} bytes: {first.hex(' ')}{more}  |{plain}|"
