"""The raw peer of a role: it says packets and hears them, as they are on the wire."""

from __future__ import annotations

from drivers.wire.packets import BrokenRuleError, Kind, Packet
from drivers.wire.reading import Splitter, decode
from drivers.wire.writing import encode

from harmony import DriverError, HarmonyError, expect_equal

from .party import Party

PEER = r"(?:the|a)(?: (?:second|third))? '[^']+' process"
"""Each instance of the raw peer has steps and a process of its own."""


class ForgottenError(HarmonyError):
    """A sentence names a packet that none before it has noted.

    Way out: have the peer hear it first, and note its identifier.
    """


class Raw:
    """One of these for the raw peer in each scenario.

    Attributes:
        granted: What the last CONNACK that it has heard grants.
    """

    def __init__(self, party: Party) -> None:
        self._party = party
        self._noted: dict[str, int] = {}
        self.granted: dict[str, int] = {}

    async def dial(self) -> None:
        """Connect to the broker without a word."""
        await self._party.driver.dial(await self._party.way(), self._party.version)

    async def say(self, packet: Packet) -> None:
        """Send a packet."""
        packet.version = self._party.version
        await self._party.driver.say(encode(packet, self._party.version).hex())

    async def answer(self, packet: Packet) -> None:
        """Answer, as a broker, each CONNECT from now on with a packet."""
        await self._party.driver.answer(encode(packet, self._party.version).hex())

    async def hear(self, *kinds: str, timeout: float | None = None) -> Packet:
        """Return the next packet of one of these kinds."""
        data = bytes.fromhex(await self._party.driver.hear(list(kinds), timeout=timeout or self._party.patience))
        head = Splitter.head(data)
        assert head is not None, "a packet has a head"  # noqa: S101 - the driver hands out whole packets
        first, start, _ = head
        try:
            packet = decode(first, data[start:], self._party.version)
        except BrokenRuleError as error:
            expect_equal("a packet as it should be", str(error), f"what comes: {data.hex()}")
            raise
        if packet.kind is Kind.CONNACK:
            self.granted = {name: value for name, value in packet.properties.items() if isinstance(value, int)}
        return packet

    async def hear_if_any(self, *kinds: str, timeout: float | None = None) -> Packet | None:
        """Return the next packet of one of these kinds; nothing if none comes."""
        try:
            return await self.hear(*kinds, timeout=timeout)
        except DriverError as error:
            if error.code != "lost":
                raise
            return None

    def note(self, packet: Packet) -> None:
        """Keep the identifier of a message, under its topic."""
        self._noted[packet.topic] = packet.packet_id

    def noted(self, topic: str) -> int:
        """Return the identifier of a message."""
        if topic not in self._noted:
            raise ForgottenError(
                f"no identifier was noted for {topic!r}", hint="have the peer hear it, and note it, first"
            )
        return self._noted[topic]
