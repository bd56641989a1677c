"""Writes packets. Nothing is checked, so that a peer can say on purpose what is wrong."""

from __future__ import annotations

import struct
from typing import Any, Final

from .packets import ACKNOWLEDGEMENTS, MANY, PROPERTY_NUMBERS, V5, Kind, Packet, Properties


def encode(packet: Packet, version: int) -> bytes:
    """Return the bytes of a packet."""
    kind, flags, body = packet.kind, packet.flags, b""
    identifier = packet.packet_id.to_bytes(2, "big")
    properties = _properties(packet.properties, version)
    if kind is Kind.CONNECT:
        body = _connect_body(packet, properties, version)
    elif kind is Kind.CONNACK:
        body = bytes([packet.session_present, packet.reason]) + properties
    elif kind is Kind.PUBLISH:
        flags = packet.dup << 3 | packet.qos << 1 | packet.retain
        body = _text(packet.topic) + (identifier if packet.qos else b"") + properties + packet.payload
    elif kind in ACKNOWLEDGEMENTS:
        flags = 2 if kind is Kind.PUBREL else 0
        told = version == V5 and (packet.reason or packet.properties)
        body = identifier + (bytes([packet.reason]) + properties if told else b"")
    elif kind in {Kind.SUBSCRIBE, Kind.UNSUBSCRIBE}:
        flags = 2
        options = [bytes([each]) if kind is Kind.SUBSCRIBE else b"" for _, each in packet.filters]
        names = [_text(name) for name, _ in packet.filters]
        body = identifier + properties + b"".join(map(bytes.__add__, names, options))
    elif kind in {Kind.SUBACK, Kind.UNSUBACK}:
        body = identifier + properties + bytes(packet.reasons if kind is Kind.SUBACK or version == V5 else b"")
    elif kind in {Kind.DISCONNECT, Kind.AUTH} and version == V5 and (packet.reason or packet.properties):
        body = bytes([packet.reason]) + properties
    return whole(kind << 4 | flags, body)


def whole(first: int, body: bytes) -> bytes:
    """Return a packet of which there are the first byte and all behind the length."""
    return bytes([first]) + _variable(len(body)) + body


def _connect_body(packet: Packet, properties: bytes, version: int) -> bytes:
    will = packet.will
    flags = packet.clean << 1
    payload = _text(packet.client_id)
    if will is not None:
        flags |= 4 | will.qos << 3 | will.retain << 5
        payload += _properties(will.properties, version) + _text(will.topic) + _binary(will.payload)
    return _text("MQTT") + struct.pack(">BBH", version, flags, packet.keep_alive) + properties + payload


def _properties(properties: Properties, version: int) -> bytes:
    if version != V5:
        return b""
    body = b""
    for name, value in properties.items():
        number, kind = PROPERTY_NUMBERS[name]
        for one in value if name in MANY else [value]:
            body += bytes([number]) + _WRITERS[kind](one)
    return _variable(len(body)) + body


def _variable(number: int) -> bytes:
    written = bytearray()
    while True:
        number, low = number >> 7, number & 0x7F
        written.append(low | (0x80 if number else 0))
        if not number:
            return bytes(written)


def _binary(value: bytes) -> bytes:
    return len(value).to_bytes(2, "big") + value


def _text(value: str) -> bytes:
    return _binary(value.encode("utf-8", "surrogatepass"))


_WRITERS: Final[dict[str, Any]] = {
    "byte": lambda value: bytes([value]),
    "two": lambda value: value.to_bytes(2, "big"),
    "four": lambda value: value.to_bytes(4, "big"),
    "text": _text,
    "binary": _binary,
    "variable": _variable,
    "pair": lambda value: _text(value[0]) + _text(value[1]),
}
