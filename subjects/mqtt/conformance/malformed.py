"""Bytes that break a rule, by what is wrong with them."""

from __future__ import annotations

from typing import Final

from drivers.wire.writing import whole

_CONNECT: Final = bytes.fromhex("10 10 0004 4d515454 04 02 003c 0004 70656572")
_VERSION_4: Final = {
    "a PUBLISH before CONNECT": bytes.fromhex("30 05 0003 612f62"),
    "a second CONNECT": _CONNECT,
    "CONNECT with its reserved flag": _CONNECT[:9] + b"\x03" + _CONNECT[10:],
    "CONNECT of another protocol": _CONNECT.replace(b"MQTT", b"QTTM"),
    "CONNECT with a will of QoS 3": bytes.fromhex("10 16 0004 4d515454 04 1e 003c 0004 70656572 0001 77 0001 78"),
    "CONNECT without a name that keeps its session": bytes.fromhex("10 0c 0004 4d515454 04 00 003c 0000"),
    "CONNECT of version 6": _CONNECT[:8] + b"\x06" + _CONNECT[9:],
    "CONNECT with QoS of no will": _CONNECT[:9] + b"\x0a" + _CONNECT[10:],
    "CONNECT with RETAIN of no will": _CONNECT[:9] + b"\x22" + _CONNECT[10:],
    "CONNECT with a password alone": bytes.fromhex("10 13 0004 4d515454 04 42 003c 0004 70656572 0001 78"),
    "CONNECT with a name that is no UTF-8": bytes.fromhex("10 10 0004 4d515454 04 02 003c 0004 7065ff72"),
    "CONNECT that ends too soon": bytes.fromhex("10 0d 0004 4d515454 04 02 003c 0004 70"),
    "PUBLISH with both bits of QoS": bytes.fromhex("36 08 0003 612f62 0001 78"),
    "PUBLISH with identifier 0": bytes.fromhex("32 08 0003 612f62 0000 78"),
    "PUBLISH to a filter": bytes.fromhex("30 06 0003 612f23 78"),
    "PUBLISH to a topic that is no UTF-8": bytes.fromhex("30 06 0003 61ff62 78"),
    "PUBLISH to a topic with a surrogate": bytes.fromhex("30 06 0003 eda080 78"),
    "PUBLISH to a topic with U+0000": bytes.fromhex("30 06 0003 610062 78"),
    "PUBLISH to no topic": bytes.fromhex("30 03 0000 78"),
    "PUBLISH that ends within its topic": bytes.fromhex("30 04 0009 6162"),
    "PUBREL with flags 0": bytes.fromhex("60 02 0001"),
    "SUBSCRIBE with flags 0": bytes.fromhex("80 08 0001 0003 612f62 00"),
    "SUBSCRIBE to a filter that is no UTF-8": bytes.fromhex("82 08 0001 0003 61ff62 00"),
    "UNSUBSCRIBE from a filter that is no UTF-8": bytes.fromhex("a2 07 0001 0003 61ff62"),
    "SUBSCRIBE without a filter": bytes.fromhex("82 02 0001"),
    "SUBSCRIBE with QoS 3": bytes.fromhex("82 08 0001 0003 612f62 03"),
    "SUBSCRIBE with a reserved bit": bytes.fromhex("82 08 0001 0003 612f62 81"),
    "SUBSCRIBE with # in the middle": bytes.fromhex("82 0a 0001 0005 612f232f62 00"),
    "UNSUBSCRIBE with flags 0": bytes.fromhex("a0 07 0001 0003 612f62"),
    "UNSUBSCRIBE without a filter": bytes.fromhex("a2 02 0001"),
    "PINGREQ with flags": bytes.fromhex("c1 00"),
    "DISCONNECT with flags": bytes.fromhex("e1 00"),
    "a packet of type 15": bytes.fromhex("f0 00"),
    "a length of five bytes": bytes.fromhex("30 ff ff ff ff 01"),
}


def _packet(first: int, body: str) -> bytes:
    return whole(first, bytes.fromhex(body))


def _connect(properties: str = "", *, flags: str = "02", version: str = "05", rest: str = "0004 70656572") -> bytes:
    length = len(bytes.fromhex(properties))
    return _packet(0x10, f"0004 4d515454 {version} {flags} 003c {length:02x} {properties} {rest}")


def _publish(properties: str, *, topic: str = "0003 612f62") -> bytes:
    return _packet(0x30, f"{topic} {len(bytes.fromhex(properties)):02x} {properties} 78")


def _subscribe(options: str, *, properties: str = "", name: str = "0003 612f62") -> bytes:
    return _packet(0x82, f"0001 {len(bytes.fromhex(properties)):02x} {properties} {name} {options}")


_VERSION_5: Final = {
    "a PUBLISH before CONNECT": _publish(""),
    "a second CONNECT": _connect(),
    "CONNECT with its reserved flag": _connect(flags="03"),
    "CONNECT with a will of QoS 3": _connect(flags="1e", rest="0004 70656572 00 0001 77 0001 78"),
    "CONNECT that ends too soon": _connect(rest="0004 70"),
    "CONNECT with QoS of no will": _connect(flags="0a"),
    "CONNECT with RETAIN of no will": _connect(flags="22"),
    "CONNECT with a name that is no UTF-8": _connect(rest="0004 7065ff72"),
    "CONNECT of version 6": _connect(version="06"),
    "CONNECT with Receive Maximum 0": _connect("21 0000"),
    "CONNECT with Maximum Packet Size 0": _connect("27 00000000"),
    "CONNECT with Request Problem Information 2": _connect("17 02"),
    "CONNECT with Session Expiry twice": _connect("11 00000001 11 00000001"),
    "CONNECT with the alias of a PUBLISH": _connect("23 0001"),
    "CONNECT with a property that there is not": _connect("7f 00"),
    "CONNECT with authentication data alone": _connect("16 0001 78"),
    "CONNECT whose properties end behind it": _packet(0x10, "0004 4d515454 05 02 003c 30 11 00000001 0004 70656572"),
    "PUBLISH with both bits of QoS": _packet(0x36, "0003 612f62 0001 00 78"),
    "PUBLISH with identifier 0": _packet(0x32, "0003 612f62 0000 00 78"),
    "PUBLISH to a filter": _publish("", topic="0003 612f23"),
    "PUBLISH to a topic that is no UTF-8": _publish("", topic="0003 61ff62"),
    "PUBLISH to a topic with a surrogate": _publish("", topic="0003 eda080"),
    "PUBLISH to a topic with U+0000": _publish("", topic="0003 610062"),
    "PUBLISH that ends within its topic": _packet(0x30, "0009 6162"),
    "PUBLISH to no topic and under no alias": _publish("", topic="0000"),
    "PUBLISH under the alias 0": _publish("23 0000"),
    "PUBLISH under an alias that stands for nothing": _publish("23 0001", topic="0000"),
    "PUBLISH with the identifier of a subscription": _publish("0b 01"),
    "PUBLISH with its content type twice": _publish("03 0001 61 03 0001 62"),
    "PUBLISH with Session Expiry": _publish("11 00000001"),
    "PUBLISH with a property that there is not": _publish("7f 00"),
    "PUBLISH whose properties end behind it": _packet(0x30, "0003 612f62 30 01 01 78"),
    "PUBLISH with a filter as its response topic": _publish("08 0003 612f23"),
    "PUBREL with flags 0": _packet(0x60, "0001"),
    "SUBSCRIBE with flags 0": _packet(0x80, "0001 00 0003 612f62 00"),
    "SUBSCRIBE without a filter": _packet(0x82, "0001 00"),
    "SUBSCRIBE with QoS 3": _subscribe("03"),
    "SUBSCRIBE with a reserved bit": _subscribe("81"),
    "SUBSCRIBE with Retain Handling 3": _subscribe("30"),
    "SUBSCRIBE with the identifier 0 of a subscription": _subscribe("00", properties="0b 00"),
    "SUBSCRIBE with two identifiers of a subscription": _subscribe("00", properties="0b 01 0b 02"),
    "SUBSCRIBE to a filter that is no UTF-8": _subscribe("00", name="0003 61ff62"),
    "SUBSCRIBE of a share with No Local": _subscribe("05", name="000d 2473686172652f686572642f61"),
    "UNSUBSCRIBE with flags 0": _packet(0xA0, "0001 00 0003 612f62"),
    "UNSUBSCRIBE without a filter": _packet(0xA2, "0001 00"),
    "UNSUBSCRIBE from a filter that is no UTF-8": _packet(0xA2, "0001 00 0003 61ff62"),
    "PINGREQ with flags": bytes.fromhex("c1 00"),
    "AUTH of a client that has named no method": _packet(0xF0, "18 00"),
    "AUTH with flags": _packet(0xF1, "18 00"),
    "DISCONNECT with flags": bytes.fromhex("e1 00"),
    "a packet of type 0": bytes.fromhex("00 00"),
    "a length of five bytes": bytes.fromhex("30 ff ff ff ff 01"),
    "a second CONNACK": _packet(0x20, "00 00 00"),
    "a PUBACK of nothing": _packet(0x40, "0007"),
}
BYTES: Final = {4: _VERSION_4, 5: _VERSION_5}
"""By the version of the protocol."""
