"""One connection of a client to the raw broker: what each packet does."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from .loop import Connection, Timer
from .packets import V4, V5, BrokenRuleError, Kind, Packet
from .reading import Splitter, decode
from .session import Flight, Message, Session
from .writing import encode

if TYPE_CHECKING:
    from .broker import Broker

ALIASES: Final = 10
_ANY: Final = 65535
_TAKEN_OVER: Final = 0x8E
_SILENT: Final = 0x8D
_WITH_WILL: Final = 4
_KEPT_ALIASES: Final[dict[int, str]] = {}


class Peer:
    """One connection of a client.

    Args:
        broker: To which.
        connection: Over which.
    """

    def __init__(self, broker: Broker, connection: Connection) -> None:
        self._broker = broker
        self._connection = connection
        self._splitter = Splitter()
        self._version = V4
        self._connected: Packet | None = None
        self._aliases: dict[int, str] = {}
        self._limit = _ANY
        self._timer: Timer | None = None
        self._heard = time.monotonic()
        self.session: Session | None = None
        connection.received = self._received
        connection.lost = lambda: self.leave(will=True)

    @property
    def fault(self) -> str:
        """The deviation that its broker plays."""
        return self._broker.fault

    def send(self, packet: Packet) -> None:
        """Send a packet."""
        self._connection.send(encode(packet, self._version))

    def send_bytes(self, data: bytes) -> None:
        """Send what may be no packet."""
        self._connection.send(data)

    def end(self) -> None:
        """Close the connection without a word; its will is not published."""
        self.leave(will=False)
        self._connection.close()

    def leave(self, *, will: bool) -> None:
        """Note that the connection has ended."""
        if self._timer is not None:
            self._timer.cancel()
        said = self._connected.will if self._connected else None
        published = (
            Message.of(said, f"will of {self._connected.client_id}") if said and will and self._connected else None
        )
        delay = said.properties.get("will_delay", 0) if said else 0
        self._connected = None
        self._broker.gone(self, will=published, delay=delay)
        self.session = None

    def _refuse(self, reason: int) -> None:
        """End the connection because of what the client does, or does not."""
        if self._version == V5 and self._connected:
            self.send(Packet(Kind.DISCONNECT, reason=reason))
        self.leave(will=True)
        self._connection.close()

    def _received(self, data: bytes) -> None:
        self._heard = time.monotonic()
        try:
            for first, body in self._splitter.feed(data):
                if not self._connection.open:
                    return
                packet = decode(first, body, self._version)
                self._broker.note(packet)
                self._take(packet)
        except BrokenRuleError:
            if self.fault != "malformed-accepted":
                self._refuse(0x81)
        self._broker.keep()

    def _take(self, packet: Packet) -> None:
        if self._connected is None and packet.kind is not Kind.CONNECT and self.fault != "first-packet-any":
            raise BrokenRuleError("3.1.1/MQTT-3.1.0-1", f"{packet.kind.name} comes first")
        match packet.kind:
            case Kind.CONNECT:
                self._connect(packet)
            case Kind.PUBLISH:
                self._publish(packet)
            case Kind.PUBACK | Kind.PUBREC | Kind.PUBCOMP:
                self._acknowledged(packet)
            case Kind.PUBREL:
                if self.session:
                    self.session.received.discard(packet.packet_id)
                if self.fault != "pubrel-ignored":
                    self.send(Packet(Kind.PUBCOMP, packet_id=packet.packet_id))
            case Kind.SUBSCRIBE:
                self._subscribe(packet)
            case Kind.UNSUBSCRIBE:
                self._unsubscribe(packet)
            case Kind.PINGREQ:
                self.send(Packet(Kind.PINGRESP))
            case Kind.DISCONNECT:
                self._disconnect(packet)
            case _:
                raise BrokenRuleError("3.1.1/MQTT-4.8.0-1", f"{packet.kind.name} from a client")

    def _connect(self, packet: Packet) -> None:
        if self._connected is not None:
            if self.fault == "connect-twice-accepted":
                return
            raise BrokenRuleError("3.1.1/MQTT-3.1.0-2", "a second CONNECT")
        if packet.version not in {V4, V5}:
            self.send(Packet(Kind.CONNACK, reason=1))
            self._connection.close()
            return
        self._version = packet.version
        if not packet.client_id:
            if packet.version == V4 and not packet.clean:
                self.send(Packet(Kind.CONNACK, reason=2))
                self._connection.close()
                return
            packet.client_id = f"nameless{id(self)}"
        before = self._broker.peer_of(packet.client_id)
        if before is not None and self.fault != "takeover-ignored":
            before._refuse(_TAKEN_OVER)  # noqa: SLF001 - another of this class
        session, present = self._broker.session_for(packet)
        self.session, self._connected = session, packet
        self._limit = packet.properties.get("receive_maximum", _ANY)
        told = {"session-denied": False, "session-claimed": True}.get(self.fault, present)
        properties = {"alias_maximum": ALIASES} if self._version == V5 else {}
        self.send(Packet(Kind.CONNACK, session_present=told, properties=properties))
        if packet.keep_alive and self.fault != "keep-alive-ignored":
            self._look(1.5 * packet.keep_alive)
        self._resume(session)

    def _look(self, limit: float) -> None:
        """End the connection if nothing has come for so long, or look again."""
        silent = time.monotonic() - self._heard
        if silent >= limit:
            self._refuse(_SILENT)
        else:
            self._timer = self._broker.loop.later(limit - silent, lambda: self._look(limit))

    def _resume(self, session: Session) -> None:
        again: Iterable[tuple[int, Flight]] = list(session.flights.items())
        if self.fault == "redelivery-missing":
            session.flights.clear()
            again = ()
        if self.fault == "redelivery-swapped":
            again = reversed(list(again))
        if self.fault == "redelivery-renumbered":
            session.flights = {number + 100: one for number, one in session.flights.items()}
            again = list(session.flights.items())
        for number, flight in again:
            if flight.released and self.fault != "published-after-pubrec":
                self.send(Packet(Kind.PUBREL, packet_id=number))
            else:
                packet = flight.message.packet(number)
                packet.dup = self.fault != "redelivery-unmarked"
                self.send(packet)
        self.flush()

    def flush(self) -> None:
        """Send what waits, as far as the client takes it."""
        session = self.session
        if session is None:
            return
        limit = _ANY if self.fault == "receive-maximum-ignored" else self._limit
        while session.queue and (len(session.flights) < limit or not session.queue[0].qos):
            message = session.queue.popleft()
            if message.left is not None and message.left <= 0 and self.fault != "message-expiry-ignored":
                continue
            number = session.next_id() if message.qos else 0
            if message.qos:
                session.flights[number] = Flight(message)
            packet = message.packet(number)
            if self.fault == "message-expiry-unchanged" and message.left is not None:
                packet.properties["message_expiry"] = message.properties["message_expiry"]
            packet.dup = self.fault == "dup-passed-on" and message.dup and bool(message.qos)
            self.send(packet) if self.fault != "packet-spoilt" else self.send_bytes(b"\x36" + encode(packet, 4)[1:])

    def _publish(self, packet: Packet) -> None:
        session = self.session
        if session is None:
            return
        alias = packet.properties.get("alias")
        if alias is not None:
            if not 0 < alias <= ALIASES or not (packet.topic or alias in self._known()):
                raise BrokenRuleError("5.0/MQTT-3.3.2-9", f"the alias {alias}")
            packet.topic = packet.topic or self._known()[alias]
            self._known()[alias] = packet.topic
        message = Message.of(packet, session.client_id)
        if packet.qos == 2:
            known = packet.packet_id in session.received and self.fault != "duplicate-delivered"
            session.received.add(packet.packet_id)
            if not known:
                self._broker.publish(message)
            self.send(Packet(Kind.PUBREC, packet_id=packet.packet_id))
            return
        self._broker.publish(message)
        if packet.qos:
            reason = 1 if self.fault == "puback-reasonless" else 0
            self.send(Packet(Kind.PUBACK, packet_id=packet.packet_id, reason=reason))

    def _known(self) -> dict[int, str]:
        """Return the aliases of this connection."""
        return _KEPT_ALIASES if self.fault == "alias-kept" else self._aliases

    def _acknowledged(self, packet: Packet) -> None:
        session = self.session
        flight = session.flights.get(packet.packet_id) if session else None
        if session is None:
            return
        if packet.kind is Kind.PUBREC and packet.reason < 0x80:
            if flight is not None:  # what the raw peer has said by itself, it answers by itself
                flight.released = True
                self.send(Packet(Kind.PUBREL, packet_id=packet.packet_id))
            return
        if flight is not None:
            due = {1: {Kind.PUBACK}, 2: {Kind.PUBREC, Kind.PUBCOMP}}[flight.message.qos]
            if packet.kind not in due:
                raise BrokenRuleError("3.1.1/MQTT-4.3.2-2", f"{packet.kind.name} for QoS {flight.message.qos}")
            del session.flights[packet.packet_id]
        self.flush()

    def _subscribe(self, packet: Packet) -> None:
        session = self.session
        if session is None:
            return
        before = set(session.subscriptions)
        numbers = packet.properties.get("subscription_id", [])
        for name, options in packet.filters:
            session.subscriptions[name] = options
            session.identifiers.pop(name, None)
            if numbers:
                session.identifiers[name] = numbers[0]
        reasons = [options & 3 for _, options in packet.filters]
        self.send(Packet(Kind.SUBACK, packet_id=packet.packet_id, reasons=reasons))
        for name, options in packet.filters:
            self._broker.send_retained(session, name, options, new=name not in before)

    def _unsubscribe(self, packet: Packet) -> None:
        session = self.session
        if session is None:
            return
        reasons = [0 if name in session.subscriptions else 0x11 for name, _ in packet.filters]
        if self.fault == "unsubscribe-all":
            session.subscriptions.clear()
            session.identifiers.clear()
        elif self.fault != "unsubscribe-ignored":
            for name, _ in packet.filters:
                session.subscriptions.pop(name, None)
                session.identifiers.pop(name, None)
        self.send(Packet(Kind.UNSUBACK, packet_id=packet.packet_id, reasons=reasons))

    def _disconnect(self, packet: Packet) -> None:
        if self.session is not None and "session_expiry" in packet.properties:
            self.session.expiry = packet.properties["session_expiry"]
        self.leave(will=packet.reason == _WITH_WILL or self.fault == "will-always")
        self._connection.close()
