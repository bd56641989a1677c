"""Rows of tables in which the raw peer says and hears what version 5 alone has."""

from __future__ import annotations

from dataclasses import dataclass

from drivers.wire.packets import Kind, Packet, Properties

from harmony import expect_equal

from .messages import Options

_OF_CONNECT = (
    "session_expiry",
    "receive_maximum",
    "maximum_packet",
    "alias_maximum",
    "request_problem",
    "request_response",
    "authentication_method",
)


@dataclass
class OfMessage:
    """What any message may say, a will as well: columns in which an empty place stands for nothing."""

    format: int | None = None
    message_expiry: int | None = None
    content_type: str | None = None
    response_topic: str | None = None
    correlation: str | None = None
    user: str | None = None

    def properties(self) -> Properties:
        """Return what is said, as a packet has it."""
        found = self._said("format", "message_expiry", "content_type", "response_topic")
        if self.correlation is not None:
            found["correlation"] = self.correlation.encode()
        if self.user is not None:
            found["user"] = [tuple(pair.split("=", 1)) for pair in self.user.split(", ")]
        return found

    def _said(self, *names: str) -> Properties:
        """Return those columns that say something."""
        return {name: value for name in names if (value := getattr(self, name)) is not None}


@dataclass
class Beside(OfMessage):
    """What stands beside a message: a row of a table."""

    qos: int | None = None
    retain: bool | None = None
    dup: bool | None = None
    number: int | None = None
    alias: int | None = None
    subscription_id: str | None = None

    def properties(self) -> Properties:
        """Return what is said, as a packet has it."""
        found = super().properties() | self._said("alias")
        if self.subscription_id is not None:
            found["subscription_id"] = [int(one) for one in self.subscription_id.split(", ")]
        return found

    def compare(self, packet: Packet) -> None:
        """Compare what the row says with a message; of an expiry there may be less left."""
        for name in ("qos", "retain", "dup"):
            if (expected := getattr(self, name)) is not None:
                expect_equal(expected, getattr(packet, name), f"{name} of {packet}")
        for name, value in self.properties().items():
            seen = packet.properties.get(name)
            if name == "message_expiry" and isinstance(seen, int) and 0 < seen <= value:
                continue
            expect_equal(value, sorted(seen) if name == "subscription_id" and seen else seen, f"{name} of {packet}")


@dataclass
class Asked(OfMessage):
    """What CONNECT of the peer asks for, or CONNACK of it grants: a row of a table."""

    name: str = "peer"
    clean: bool = False
    keep_alive: int = 60
    will: str | None = None
    will_topic: str = ""
    will_delay: int | None = None
    will_retain: bool = False
    session_expiry: int | None = None
    receive_maximum: int | None = None
    maximum_packet: int | None = None
    alias_maximum: int | None = None
    request_problem: int | None = None
    request_response: int | None = None
    authentication_method: str | None = None

    def packet(self) -> Packet:
        """Return the CONNECT."""
        will = None
        if self.will is not None:
            said = self.properties() | self._said("will_delay")
            will = Packet(Kind.PUBLISH, topic=self.will_topic, payload=self.will.encode(), qos=1, properties=said)
            will.retain = self.will_retain
        client_id = "" if self.name == "nobody" else self.name
        return Packet(
            Kind.CONNECT,
            client_id=client_id,
            clean=self.clean,
            keep_alive=self.keep_alive,
            will=will,
            properties=self._said(*_OF_CONNECT),
        )


@dataclass
class Granted:
    """What CONNACK of the peer says: a row of a table."""

    session_present: bool = False
    server_keep_alive: int | None = None
    receive_maximum: int | None = None
    maximum_packet: int | None = None
    maximum_qos: int | None = None
    retain_available: int | None = None


@dataclass
class Numbered(Options):
    """The same, with the number that the peer gives the subscription."""

    subscription_id: int | None = None


@dataclass
class Leaving:
    """What DISCONNECT says: a row of a table."""

    reason: int = 0
    session_expiry: int | None = None
