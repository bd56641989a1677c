"""The packets of MQTT 3.1.1 and 5.0, and how they are told in a line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Final

V4: Final = 4
"""The protocol level of 3.1.1."""
V5: Final = 5
MALFORMED: Final = 0x81
PROTOCOL_ERROR: Final = 0x82
SHOWN: Final = 24
"""Bytes of a payload, or letters of a name, that are told."""


class Kind(IntEnum):
    """What a packet is: the upper half of its first byte."""

    CONNECT = 1
    CONNACK = 2
    PUBLISH = 3
    PUBACK = 4
    PUBREC = 5
    PUBREL = 6
    PUBCOMP = 7
    SUBSCRIBE = 8
    SUBACK = 9
    UNSUBSCRIBE = 10
    UNSUBACK = 11
    PINGREQ = 12
    PINGRESP = 13
    DISCONNECT = 14
    AUTH = 15


class BrokenRuleError(Exception):
    """What the other side has sent breaks a rule of the standard.

    Args:
        rule: The statement, as ``3.1.1/MQTT-3.3.1-4``.
        text: What was seen.
        reason: What DISCONNECT of version 5 says of it.
    """

    def __init__(self, rule: str, text: str, reason: int = MALFORMED) -> None:
        super().__init__(f"{text}: {rule}")
        self.rule = rule
        self.reason = reason


Properties = dict[str, Any]
"""Values by the names below; ``user`` is a list of pairs."""

PROPERTIES: Final = {
    1: ("format", "byte"),
    2: ("message_expiry", "four"),
    3: ("content_type", "text"),
    8: ("response_topic", "text"),
    9: ("correlation", "binary"),
    11: ("subscription_id", "variable"),
    17: ("session_expiry", "four"),
    18: ("assigned_client_id", "text"),
    19: ("server_keep_alive", "two"),
    21: ("authentication_method", "text"),
    22: ("authentication_data", "binary"),
    23: ("request_problem", "byte"),
    24: ("will_delay", "four"),
    25: ("request_response", "byte"),
    26: ("response_information", "text"),
    28: ("server_reference", "text"),
    31: ("reason", "text"),
    33: ("receive_maximum", "two"),
    34: ("alias_maximum", "two"),
    35: ("alias", "two"),
    36: ("maximum_qos", "byte"),
    37: ("retain_available", "byte"),
    38: ("user", "pair"),
    39: ("maximum_packet", "four"),
    40: ("wildcard_available", "byte"),
    41: ("subscription_id_available", "byte"),
    42: ("shared_available", "byte"),
}
"""Name and type of each property, by its number."""
_ANSWERS: Final = "PUBACK PUBREC PUBREL PUBCOMP SUBACK UNSUBACK"
_PLACES: Final = {
    "PUBLISH will": "format message_expiry content_type response_topic correlation",
    "PUBLISH SUBSCRIBE": "subscription_id",
    "PUBLISH": "alias",
    "CONNECT CONNACK DISCONNECT": "session_expiry",
    "CONNACK": "assigned_client_id server_keep_alive response_information maximum_qos retain_available"
    " wildcard_available subscription_id_available shared_available",
    "CONNECT CONNACK AUTH": "authentication_method authentication_data",
    "CONNECT": "request_problem request_response",
    "will": "will_delay",
    "CONNACK DISCONNECT": "server_reference",
    f"CONNACK DISCONNECT AUTH {_ANSWERS}": "reason",
    "CONNECT CONNACK": "receive_maximum alias_maximum maximum_packet",
    f"CONNECT CONNACK PUBLISH will SUBSCRIBE UNSUBSCRIBE DISCONNECT AUTH {_ANSWERS}": "user",
}
PLACES: Final = {name: kinds.split() for kinds, names in _PLACES.items() for name in names.split()}
"""In which packets a property may stand."""
NEVER_0: Final = frozenset({"receive_maximum", "maximum_packet", "subscription_id"})
FLAGS: Final = frozenset({"request_problem", "request_response", "retain_available", "maximum_qos"})
"""Properties that are 0 or 1."""
MANY: Final = frozenset({"user", "subscription_id"})
"""Properties that may stand more than once."""
ACKNOWLEDGEMENTS: Final = frozenset({Kind.PUBACK, Kind.PUBREC, Kind.PUBREL, Kind.PUBCOMP})
"""Packets that answer a PUBLISH, or what does."""
PROPERTY_NUMBERS: Final = {name: (number, kind) for number, (name, kind) in PROPERTIES.items()}


@dataclass
class Packet:
    """One packet; which of the fields it has, its kind says."""

    kind: Kind
    flags: int = 0
    packet_id: int = 0
    properties: Properties = field(default_factory=dict)
    # CONNECT, CONNACK
    version: int = V4
    client_id: str = ""
    clean: bool = True
    keep_alive: int = 0
    will: Packet | None = None
    user_name: str | None = None
    password: bytes | None = None
    session_present: bool = False
    # PUBLISH
    topic: str = ""
    payload: bytes = b""
    qos: int = 0
    retain: bool = False
    dup: bool = False
    # acknowledgements, DISCONNECT: one; SUBACK, UNSUBACK: of each filter
    reason: int = 0
    reasons: list[int] = field(default_factory=list)
    # SUBSCRIBE, UNSUBSCRIBE: a filter and its options
    filters: list[tuple[str, int]] = field(default_factory=list)

    def __str__(self) -> str:
        """Return it in a line."""
        return " ".join([self.kind.name, *_told(self)])


def _told(packet: Packet) -> Iterator[str]:
    """Yield what matters of a packet."""
    if packet.kind is Kind.CONNECT:
        yield f"{packet.client_id!r} version={packet.version} clean={int(packet.clean)} keep_alive={packet.keep_alive}"
        if packet.will:
            yield f"will=({packet.will})"
    elif packet.kind is Kind.CONNACK:
        yield f"session_present={int(packet.session_present)} reason={packet.reason}"
    elif packet.kind is Kind.PUBLISH:
        yield f"{packet.topic!r} qos={packet.qos} dup={int(packet.dup)} retain={int(packet.retain)}"
        head = packet.payload[:SHOWN]
        yield f"{len(packet.payload)} bytes {head!r}{'…' if len(packet.payload) > SHOWN else ''}"
    elif packet.kind in {Kind.SUBSCRIBE, Kind.UNSUBSCRIBE}:
        yield ", ".join(f"{name!r} options={options:#x}" for name, options in packet.filters)
    elif packet.kind in {Kind.SUBACK, Kind.UNSUBACK}:
        yield f"reasons={packet.reasons}"
    elif packet.reason:
        yield f"reason={packet.reason:#x}"
    if packet.packet_id:
        yield f"id={packet.packet_id}"
    if packet.properties:
        yield f"properties={packet.properties}"
