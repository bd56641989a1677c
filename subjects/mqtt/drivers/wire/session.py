"""What a broker remembers: messages, sessions, and the file in which they outlive it."""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from .packets import Kind, Packet, Properties

NEVER: Final = 0xFFFFFFFF
"""The session expiry of version 5 that stands for no end."""
_FORWARDED: Final = ("format", "content_type", "response_topic", "correlation", "user")


@dataclass(frozen=True)
class Message:
    """A message that somebody has published.

    Attributes:
        sender: The client that has published it.
        came: When, by the clock of the wall, as it may outlive the process.
    """

    topic: str
    payload: bytes
    qos: int
    retain: bool
    properties: Properties
    sender: str
    came: float
    dup: bool = False

    @classmethod
    def of(cls, packet: Packet, sender: str) -> Message:
        """Return what a PUBLISH, or a will, says."""
        kept = {name: value for name, value in packet.properties.items() if name in {*_FORWARDED, "message_expiry"}}
        return cls(packet.topic, packet.payload, packet.qos, packet.retain, kept, sender, time.time(), packet.dup)

    @property
    def left(self) -> int | None:
        """Seconds until it expires; none if it never does."""
        expiry: int | None = self.properties.get("message_expiry")
        return None if expiry is None else expiry - int(time.time() - self.came)

    def packet(self, packet_id: int) -> Packet:
        """Return the PUBLISH that delivers it."""
        properties = dict(self.properties)
        if self.left is not None:
            properties["message_expiry"] = max(0, self.left)
        return Packet(
            Kind.PUBLISH,
            topic=self.topic,
            payload=self.payload,
            qos=self.qos,
            retain=self.retain,
            packet_id=packet_id,
            properties=properties,
        )


@dataclass
class Flight:
    """A message that was sent and is not acknowledged, or of which PUBREC has come."""

    message: Message
    released: bool = False


@dataclass
class Session:
    """What a client finds again.

    Attributes:
        expiry: Seconds that it stays after its connection.
        subscriptions: The options of each filter.
        identifiers: The number that a filter was given, if it was.
        queue: What is to be sent.
        flights: What was sent, by identifier, in the order in which it was.
        received: Identifiers of QoS 2 messages that the client has not released.
        ends: When it ends, if it has no connection.
    """

    client_id: str
    expiry: int = 0
    subscriptions: dict[str, int] = field(default_factory=dict)
    identifiers: dict[str, int] = field(default_factory=dict)
    queue: deque[Message] = field(default_factory=deque)
    flights: dict[int, Flight] = field(default_factory=dict)
    received: set[int] = field(default_factory=set)
    ends: float | None = None
    last_id: int = 0

    def next_id(self) -> int:
        """Return an identifier that is not in use."""
        while True:
            self.last_id = self.last_id % 0xFFFF + 1
            if self.last_id not in self.flights:
                return self.last_id

    def close(self) -> None:
        """Note that its connection has ended."""
        self.ends = None if self.expiry == NEVER else time.time() + self.expiry


class Store:
    """Sessions and retained messages in a directory, as a whole file after each change."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / "store.json"
        self._last = ""

    def read(self) -> tuple[dict[str, Session], dict[str, Message]]:
        """Return what the broker before has left."""
        if not self._path.exists():
            return {}, {}
        whole = json.loads(self._path.read_text("utf-8"))
        retained = [_message(one) for one in whole["retained"]]
        return {one["client_id"]: _session(one) for one in whole["sessions"]}, {one.topic: one for one in retained}

    def write(self, sessions: Iterable[Session], retained: Iterable[Message]) -> None:
        """Keep all that is to outlive the process; whoever is killed meanwhile leaves the file before."""
        kept = [_plain_session(one) for one in sessions if one.expiry]
        text = json.dumps({"sessions": kept, "retained": [_plain(one) for one in retained]})
        if text != self._last:
            self._last = text
            new = self._path.with_suffix(".new")
            new.write_text(text, "utf-8")
            new.replace(self._path)


def _plain(message: Message) -> dict[str, Any]:
    correlation = message.properties.get("correlation")
    hexed = {} if correlation is None else {"correlation": correlation.hex()}
    return {**vars(message), "payload": message.payload.hex(), "properties": {**message.properties, **hexed}}


def _message(plain: dict[str, Any]) -> Message:
    properties = dict(plain["properties"])
    if "correlation" in properties:
        properties["correlation"] = bytes.fromhex(properties["correlation"])
    return Message(**{**plain, "payload": bytes.fromhex(plain["payload"]), "properties": properties})


def _plain_session(session: Session) -> dict[str, Any]:
    return {
        **vars(session),
        "queue": [_plain(one) for one in session.queue],
        "flights": [[number, _plain(one.message), one.released] for number, one in session.flights.items()],
        "received": sorted(session.received),
    }


def _session(plain: dict[str, Any]) -> Session:
    flights = {number: Flight(_message(one), released) for number, one, released in plain["flights"]}
    queue = deque(_message(one) for one in plain["queue"])
    session = Session(**{**plain, "queue": queue, "flights": flights, "received": set(plain["received"])})
    session.close()
    return session
