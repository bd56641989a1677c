"""Bytes that break a rule, by what is wrong with them."""

from __future__ import annotations

from typing import Final

_CONNECT: Final = bytes.fromhex("10 10 0004 4d515454 04 02 003c 0004 70656572")

BYTES: Final = {
    "a PUBLISH before CONNECT": bytes.fromhex("30 05 0003 612f62"),
    "a second CONNECT": _CONNECT,
    "CONNECT with its reserved flag": _CONNECT[:9] + b"\x03" + _CONNECT[10:],
    "CONNECT of another protocol": _CONNECT.replace(b"MQTT", b"QTTM"),
    "CONNECT with a will of QoS 3": bytes.fromhex("10 16 0004 4d515454 04 1e 003c 0004 70656572 0001 77 0001 78"),
    "CONNECT without a name that keeps its session": bytes.fromhex("10 0c 0004 4d515454 04 00 003c 0000"),
    "CONNECT that ends too soon": bytes.fromhex("10 0d 0004 4d515454 04 02 003c 0004 70"),
    "PUBLISH with both bits of QoS": bytes.fromhex("36 08 0003 612f62 0001 78"),
    "PUBLISH with identifier 0": bytes.fromhex("32 08 0003 612f62 0000 78"),
    "PUBLISH to a filter": bytes.fromhex("30 06 0003 612f23 78"),
    "PUBLISH to a topic that is no UTF-8": bytes.fromhex("30 06 0003 61ff62 78"),
    "PUBLISH to a topic with a surrogate": bytes.fromhex("30 06 0003 eda080 78"),
    "PUBLISH to a topic with U+0000": bytes.fromhex("30 06 0003 610062 78"),
    "PUBLISH that ends within its topic": bytes.fromhex("30 04 0009 6162"),
    "PUBREL with flags 0": bytes.fromhex("60 02 0001"),
    "SUBSCRIBE with flags 0": bytes.fromhex("80 08 0001 0003 612f62 00"),
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
"""All of them in version 4."""
