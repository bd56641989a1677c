"""Reads packets, strictly: what breaks a rule of the standard is refused, with the number of the statement."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from . import topics
from .packets import (
    FLAGS,
    MALFORMED,
    MANY,
    NEVER_0,
    PLACES,
    PROPERTIES,
    PROTOCOL_ERROR,
    SHOWN,
    V4,
    V5,
    BrokenRuleError,
    Kind,
    Packet,
    Properties,
)

_LONGEST_LENGTH: Final = 4
_FLAGGED: Final = frozenset({Kind.PUBREL, Kind.SUBSCRIBE, Kind.UNSUBSCRIBE})
"""Packets whose first byte ends with 2."""


class Splitter:
    """Cuts a stream into packets.

    Args:
        largest: Bytes that one may have.
    """

    def __init__(self, largest: int = 1 << 28) -> None:
        self._bytes = bytearray()
        self._largest = largest

    @property
    def rest(self) -> int:
        """How many bytes wait for the end of their packet."""
        return len(self._bytes)

    def feed(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """Take bytes; yield the first byte and the body of each packet that is complete.

        Raises:
            BrokenRuleError: No length can begin so.
        """
        self._bytes += data
        while (found := self.head(self._bytes)) is not None:
            first, start, length = found
            if length > self._largest:
                raise BrokenRuleError("3.1.1/MQTT-4.8.0-1", f"a packet of {length} bytes")
            if len(self._bytes) < start + length:
                return
            body = bytes(self._bytes[start : start + length])
            del self._bytes[: start + length]
            yield first, body

    @staticmethod
    def head(data: bytes | bytearray) -> tuple[int, int, int] | None:
        """Return the first byte of a packet, where its body begins, and how long that is; none if that is not there.

        Raises:
            BrokenRuleError: No length can begin so.
        """
        length = 0
        for place, byte in enumerate(data[1 : 1 + _LONGEST_LENGTH]):
            length |= (byte & 0x7F) << 7 * place
            if byte < 0x80:
                return data[0], 2 + place, length
        if len(data) > _LONGEST_LENGTH:
            raise BrokenRuleError("3.1.1/MQTT-4.8.0-1", "a length of more than four bytes")
        return None


class _Reader:
    """Takes the fields of a body one after the other."""

    def __init__(self, body: bytes, version: int) -> None:
        self._body = body
        self._at = 0
        self.version = version

    @property
    def left(self) -> int:
        return len(self._body) - self._at

    def broken(
        self,
        text: str,
        rule4: str = "3.1.1/MQTT-4.8.0-1",
        rule5: str = "5.0/MQTT-4.13.1-1",
        reason: int = MALFORMED,
    ) -> BrokenRuleError:
        return BrokenRuleError(rule5 if self.version == V5 else rule4, text, reason)

    def take(self, count: int) -> bytes:
        if count > self.left:
            raise self.broken(f"the packet ends {count - self.left} bytes too soon")
        self._at += count
        return self._body[self._at - count : self._at]

    def rest(self) -> bytes:
        return self.take(self.left)

    def byte(self) -> int:
        return self.take(1)[0]

    def two(self) -> int:
        return int.from_bytes(self.take(2), "big")

    def four(self) -> int:
        return int.from_bytes(self.take(4), "big")

    def binary(self) -> bytes:
        return self.take(self.two())

    def text(self) -> str:
        data = self.binary()
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError:
            raise self.broken(f"{data[:SHOWN]!r} is no UTF-8", "3.1.1/MQTT-1.5.3-1", "5.0/MQTT-1.5.4-1") from None
        if "\0" in text:
            raise self.broken(f"{text[:SHOWN]!r} has U+0000", "3.1.1/MQTT-1.5.3-2", "5.0/MQTT-1.5.4-2")
        return text

    def pair(self) -> tuple[str, str]:
        return self.text(), self.text()

    def variable(self) -> int:
        value = 0
        for place in range(_LONGEST_LENGTH):
            byte = self.byte()
            value |= (byte & 0x7F) << 7 * place
            if byte < 0x80:
                return value
        raise self.broken("a number of more than four bytes")

    def packet_id(self) -> int:
        number = self.two()
        if not number:
            raise self.broken("packet identifier 0", "3.1.1/MQTT-2.3.1-1", "5.0/MQTT-2.2.1-3")
        return number

    def properties(self, place: str) -> Properties:
        """Take the properties of a packet, or of a will."""
        found: Properties = {}
        if self.version != V5:
            return found
        length = self.variable()
        end = self._at + length
        if end > len(self._body):
            raise self.broken("the properties end behind their packet")
        while self._at < end:
            number = self.variable()
            if number not in PROPERTIES:
                raise self.broken(f"there is no property {number}")
            name, kind = PROPERTIES[number]
            value = getattr(self, kind)()
            if place not in PLACES[name]:
                raise self.broken(f"{name} is no property of {place}")
            if (name in NEVER_0 and not value) or (name in FLAGS and value > 1):
                raise self.broken(f"{name} is {value}", reason=PROTOCOL_ERROR)
            if name in MANY and (name == "user" or place == "PUBLISH"):
                found.setdefault(name, []).append(value)
            elif name in found:
                raise self.broken(f"the property {name} stands twice", reason=PROTOCOL_ERROR)
            elif name in MANY:
                found[name] = [value]
            else:
                found[name] = value
        if self._at != end:
            raise self.broken("the properties end behind their length")
        if "authentication_data" in found and "authentication_method" not in found:
            raise self.broken("authentication data of no method", reason=PROTOCOL_ERROR)
        if set("+#") & set(found.get("response_topic", "")):
            raise self.broken("a wildcard in the response topic", rule5="5.0/MQTT-3.3.2-14", reason=PROTOCOL_ERROR)
        return found


def decode(first: int, body: bytes, version: int) -> Packet:
    """Return what a packet says.

    Args:
        first: Its first byte.
        body: All behind the length.
        version: The level that its CONNECT has asked for.

    Raises:
        BrokenRuleError: It is not what the standard says.
    """
    reader = _Reader(body, version)
    if first >> 4 == 0 or (first >> 4 == Kind.AUTH and version != V5):
        raise reader.broken(f"there is no packet of type {first >> 4}")
    packet = Packet(Kind(first >> 4), first & 0xF)
    if packet.kind is not Kind.PUBLISH and packet.flags != (2 if packet.kind in _FLAGGED else 0):
        raise reader.broken(f"flags {packet.flags:#x} of {packet.kind.name}", "3.1.1/MQTT-2.2.2-2", "5.0/MQTT-2.1.3-1")
    _DECODERS[packet.kind](packet, reader)
    if reader.left:
        raise reader.broken(f"{reader.left} bytes too many in {packet.kind.name}")
    return packet


def _connect(packet: Packet, reader: _Reader) -> None:
    name, packet.version = reader.text(), reader.byte()
    if name != "MQTT":
        raise reader.broken(f"the protocol {name[:SHOWN]!r}", "3.1.1/MQTT-3.1.2-1", "5.0/MQTT-3.1.2-1")
    if packet.version not in {V4, V5}:
        reader.rest()  # what follows may be anything
        return
    flags, packet.keep_alive = reader.byte(), reader.two()
    reader.version = packet.version
    if flags & 1:
        raise reader.broken("the reserved flag of CONNECT", "3.1.1/MQTT-3.1.2-3", "5.0/MQTT-3.1.2-3")
    packet.clean = bool(flags & 2)
    packet.properties = reader.properties("CONNECT")
    packet.client_id = reader.text()
    qos, retain = flags >> 3 & 3, bool(flags & 0x20)
    if flags & 4:
        if qos > 2:
            raise reader.broken("a will of QoS 3", "3.1.1/MQTT-3.1.2-14", "5.0/MQTT-3.1.2-12")
        packet.will = Packet(Kind.PUBLISH, qos=qos, retain=retain, properties=reader.properties("will"))
        packet.will.topic, packet.will.payload = reader.text(), reader.binary()
    elif qos or retain:
        raise reader.broken("QoS or RETAIN of no will", "3.1.1/MQTT-3.1.2-11", "5.0/MQTT-3.1.2-11")
    packet.user_name = reader.text() if flags & 0x80 else None
    packet.password = reader.binary() if flags & 0x40 else None
    if reader.version == V4 and flags & 0xC0 == 0x40:
        raise reader.broken("a password of no user", "3.1.1/MQTT-3.1.2-22")


def _connack(packet: Packet, reader: _Reader) -> None:
    flags, packet.reason = reader.byte(), reader.byte()
    if flags > 1:
        raise reader.broken(f"flags {flags:#x} in CONNACK")
    packet.session_present = bool(flags)
    packet.properties = reader.properties(packet.kind.name) if reader.left else {}


def _publish(packet: Packet, reader: _Reader) -> None:
    flags = packet.flags
    packet.dup, packet.qos, packet.retain = bool(flags & 8), flags >> 1 & 3, bool(flags & 1)
    if packet.qos > 2:
        raise reader.broken("both bits of QoS", "3.1.1/MQTT-3.3.1-4", "5.0/MQTT-3.3.1-4")
    if packet.dup and not packet.qos:
        raise reader.broken("DUP with QoS 0", "3.1.1/MQTT-3.3.1-2", "5.0/MQTT-3.3.1-2")
    packet.topic = reader.text()
    packet.packet_id = reader.packet_id() if packet.qos else 0
    packet.properties = reader.properties(packet.kind.name)
    if set("+#") & set(packet.topic):
        raise reader.broken(f"a wildcard in the topic {packet.topic!r}", "3.1.1/MQTT-3.3.2-2", "5.0/MQTT-3.3.2-2")
    if not packet.topic and "alias" not in packet.properties:
        raise reader.broken("an empty topic", "3.1.1/MQTT-4.7.3-1", "5.0/MQTT-4.7.3-1", PROTOCOL_ERROR)
    packet.payload = reader.rest()


def _acknowledgement(packet: Packet, reader: _Reader) -> None:
    packet.packet_id = reader.packet_id()
    if reader.left and reader.version == V5:
        packet.reason = reader.byte()
        packet.properties = reader.properties(packet.kind.name) if reader.left else {}


def _subscribe(packet: Packet, reader: _Reader) -> None:
    packet.packet_id, packet.properties = reader.packet_id(), reader.properties(packet.kind.name)
    subscribing = packet.kind is Kind.SUBSCRIBE
    while reader.left:
        name, options = reader.text(), reader.byte() if subscribing else 0
        if options & 3 == 3 or options & (0xC0 if reader.version == V5 else 0xFC):
            raise reader.broken(f"subscription options {options:#x}", "3.1.1/MQTT-3.8.3-4", "5.0/MQTT-3.8.3-5")
        if not topics.valid(name):
            raise reader.broken(f"the filter {name[:SHOWN]!r}", "3.1.1/MQTT-4.7.1-2", "5.0/MQTT-4.7.1-1")
        if reader.version == V5 and options & 0x30 == 0x30:
            raise reader.broken("Retain Handling 3", reason=PROTOCOL_ERROR)
        if reader.version == V5 and options & 4 and topics.shared(name)[0]:
            raise reader.broken("No Local with a share", rule5="5.0/MQTT-3.8.3-4", reason=PROTOCOL_ERROR)
        packet.filters.append((name, options))
    if not packet.filters:
        rule, rule5 = ("3.8.3-3", "3.8.3-2") if subscribing else ("3.10.3-2", "3.10.3-2")
        raise reader.broken(
            f"{packet.kind.name} without a filter", f"3.1.1/MQTT-{rule}", f"5.0/MQTT-{rule5}", PROTOCOL_ERROR
        )


def _suback(packet: Packet, reader: _Reader) -> None:
    packet.packet_id, packet.properties = reader.packet_id(), reader.properties(packet.kind.name)
    packet.reasons = list(reader.rest())
    legal = {0, 1, 2, 0x80}
    if reader.version == V4 and packet.kind is Kind.SUBACK and not legal.issuperset(packet.reasons):
        raise reader.broken(f"return codes {packet.reasons}", "3.1.1/MQTT-3.9.3-2")


def _empty(packet: Packet, reader: _Reader) -> None:
    del packet, reader


def _disconnect(packet: Packet, reader: _Reader) -> None:
    if reader.left and reader.version == V5:
        packet.reason = reader.byte()
        packet.properties = reader.properties(packet.kind.name) if reader.left else {}


_DECODERS: Final = {
    Kind.CONNECT: _connect,
    Kind.CONNACK: _connack,
    Kind.PUBLISH: _publish,
    Kind.PUBACK: _acknowledgement,
    Kind.PUBREC: _acknowledgement,
    Kind.PUBREL: _acknowledgement,
    Kind.PUBCOMP: _acknowledgement,
    Kind.SUBSCRIBE: _subscribe,
    Kind.SUBACK: _suback,
    Kind.UNSUBSCRIBE: _subscribe,
    Kind.UNSUBACK: _suback,
    Kind.PINGREQ: _empty,
    Kind.PINGRESP: _empty,
    Kind.DISCONNECT: _disconnect,
    Kind.AUTH: _disconnect,
}
