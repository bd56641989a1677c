"""One connection of a client to the raw broker: what each packet does."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from .loop import Connection, Timer
from .packets import PROTOCOL_ERROR, V4, V5, BrokenRuleError, Kind, Packet
from .reading import Splitter, decode
from .session import Flight, Message, Session
from .writing import encode, whole

if TYPE_CHECKING:
    from .broker import Broker

ALIASES: Final = 10
_ANY: Final = 65535
_TAKEN_OVER: Final = 0x8E
_SILENT: Final = 0x8D
_TOO_MANY: Final = 0x93
_ALIAS_INVALID: Final = 0x94
_NO_METHOD: Final = 0x8C
_FAILURE: Final = 0x80
_NO_REASON: Final = 0x8B
"""Of no packet that the raw broker sends."""
_IN_USE: Final = 0x91
_SHORT: Final = 20
_AT_ONCE: Final = 20
"""Messages of QoS 2 that a client may have under way."""
_WITH_WILL: Final = 4
_KEPT_ALIASES: Final[dict[int, str]] = {}
_LATE: Final = {"message-expiry-ignored", "retained-expiry-ignored"}
_NAMES: Final = itertools.count(1)


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
        self._had: set[str] = set()
        self._seen: set[int] = set()
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
        if published and self.fault == "will-properties-lost":
            published = replace(published, properties={})
        delay = said.properties.get("will_delay", 0) if said else 0
        self._connected = None
        self._broker.gone(self, will=published, delay=delay)
        self.session = None

    def _refuse(self, reason: int) -> None:
        """End the connection because of what the client does, or does not."""
        untold = {"errors-untold", "takeover-untold"}
        if self._version == V5 and self._connected and self.fault not in untold:
            self.send(Packet(Kind.DISCONNECT, reason=reason))
        self.leave(will=True)
        self._connection.close()

    def _received(self, data: bytes) -> None:
        self._heard = time.monotonic()
        try:
            for first, body in self._splitter.feed(data):
                if not self._connection.open:
                    return
                self._broker.note(whole(first, body))
                taken = body.replace(b"QTTM", b"MQTT", 1) if self.fault == "protocol-any" else body
                self._take(decode(first, taken, self._version))
        except BrokenRuleError as error:
            if self.fault != "malformed-accepted":
                self._refuse(error.reason)
        self._broker.keep()

    def _take(self, packet: Packet) -> None:
        if self._connected is None and packet.kind is not Kind.CONNECT and self.fault != "first-packet-any":
            raise BrokenRuleError("3.1.1/MQTT-3.1.0-1", f"{packet.kind.name} comes first", PROTOCOL_ERROR)
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
                    reason = _NO_REASON if self.fault == "pubcomp-reasonless" else 0
                    self.send(Packet(Kind.PUBCOMP, packet_id=packet.packet_id, reason=reason))
            case Kind.SUBSCRIBE:
                self._subscribe(packet)
            case Kind.UNSUBSCRIBE:
                self._unsubscribe(packet)
            case Kind.PINGREQ:
                full = self.session and len(self.session.flights) >= self._limit
                if not (full and self.fault == "quota-stops-all"):
                    self.send(Packet(Kind.PINGRESP))
            case Kind.DISCONNECT:
                self._disconnect(packet)
            case _:
                raise BrokenRuleError("3.1.1/MQTT-4.8.0-1", f"{packet.kind.name} from a client", PROTOCOL_ERROR)

    def _connect(self, packet: Packet) -> None:
        if self._connected is not None:
            if self.fault == "connect-twice-accepted":
                return
            raise BrokenRuleError("3.1.1/MQTT-3.1.0-2", "a second CONNECT", PROTOCOL_ERROR)
        if packet.version not in {V4, V5} and self.fault != "version-any":
            self.send(Packet(Kind.CONNACK, reason=1))
            self._connection.close()
            return
        self._version = packet.version
        if "authentication_method" in packet.properties and self.fault != "authentication-ignored":
            claimed = self.fault == "refusal-with-session"
            reason = _NO_REASON if self.fault == "refusal-reasonless" else _NO_METHOD
            self.send(Packet(Kind.CONNACK, reason=reason, session_present=claimed))
            self._connection.close()
            return
        given: dict[str, object] = {}
        if not packet.client_id:
            if packet.version == V4 and not packet.clean:
                self.send(Packet(Kind.CONNACK, reason=2))
                self._connection.close()
                return
            packet.client_id = "nameless" if self.fault == "name-given-twice" else f"nameless{next(_NAMES)}"
            given = {} if self.fault == "name-untold" else {"assigned_client_id": packet.client_id}
        if self.fault == "name-too-long" and len(packet.client_id) > _SHORT:
            self.send(Packet(Kind.CONNACK, reason=2))
            self._connection.close()
            return
        before = self._broker.peer_of(packet.client_id)
        if before is not None and self.fault != "takeover-ignored":
            before._refuse(_TAKEN_OVER)  # noqa: SLF001 - another of this class
        session, present = self._broker.session_for(packet)
        self.session, self._connected = session, packet
        self._limit = packet.properties.get("receive_maximum", _ANY)
        told = {"session-denied": False, "session-claimed": True}.get(self.fault, present)
        properties = {"alias_maximum": ALIASES, "receive_maximum": _AT_ONCE, **given} if self._version == V5 else {}
        if self.fault == "response-information-unasked":
            properties["response_information"] = "answers/"
        if self._broker.greeting:
            self.send_bytes(self._broker.greeting)
        else:
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
        while session.queue and (self._under_way(session) < limit or not session.queue[0].qos):
            message = session.queue.popleft()
            if message.left is not None and message.left <= 0 and self.fault not in _LATE:
                continue
            number = session.next_id() if message.qos else 0
            if message.qos:
                session.flights[number] = Flight(message)
            packet = message.packet(number)
            if self.fault == "message-expiry-unchanged" and message.left is not None:
                packet.properties["message_expiry"] = message.properties["message_expiry"]
            packet.dup = self.fault == "dup-passed-on" and message.dup and bool(message.qos)
            if self._too_large(packet):
                if self.fault != "too-large-counts":
                    session.flights.pop(number, None)
                continue
            if self.fault in {"alias-unasked", "alias-beyond"} and self._version == V5:
                packet.properties["alias"] = (
                    1 + self._connected.properties.get("alias_maximum", 0) if self._connected else 1
                )
            self.send(packet) if self.fault != "packet-spoilt" else self.send_bytes(b"\x36" + encode(packet, 4)[1:])

    def _under_way(self, session: Session) -> int:
        """Return how many messages the client has not completed."""
        released = self.fault == "receive-maximum-at-pubrec"
        return sum(not (one.released and released) for one in session.flights.values())

    def _too_large(self, packet: Packet) -> bool:
        """Return whether a packet has more bytes than the client takes."""
        largest = self._connected.properties.get("maximum_packet") if self._connected else None
        ignored = self.fault == "packet-maximum-ignored"
        return largest is not None and not ignored and len(encode(packet, self._version)) > largest

    def _publish(self, packet: Packet) -> None:
        session = self.session
        if session is None:
            return
        alias = packet.properties.get("alias")
        if alias is not None:
            if not 0 < alias <= ALIASES:
                raise BrokenRuleError("5.0/MQTT-3.3.2-9", f"the alias {alias}", _ALIAS_INVALID)
            if not packet.topic and alias not in self._known():
                raise BrokenRuleError("5.0/MQTT-3.3.2-7", f"the alias {alias} of nothing", PROTOCOL_ERROR)
            if self.fault == "alias-fixed":
                packet.topic = self._known().setdefault(alias, packet.topic)
            packet.topic = packet.topic or self._known()[alias]
            self._known()[alias] = packet.topic
        if "subscription_id" in packet.properties:
            raise BrokenRuleError("5.0/MQTT-3.3.4-6", "the identifier of a subscription", PROTOCOL_ERROR)
        message = Message.of(packet, session.client_id)
        if packet.qos == 2:
            known = packet.packet_id in session.received and self.fault != "duplicate-delivered"
            session.received.add(packet.packet_id)
            if self._version == V5 and len(session.received) > _AT_ONCE and self.fault != "receive-maximum-unbounded":
                raise BrokenRuleError("5.0/MQTT-3.3.4-7", f"more than {_AT_ONCE} messages at once", _TOO_MANY)
            if not known:
                self._broker.publish(message)
            reason = _NO_REASON if self.fault == "pubrec-reasonless" else 0
            self.send(Packet(Kind.PUBREC, packet_id=packet.packet_id, reason=reason))
            return
        if not (self.fault == "identifier-remembered" and packet.dup and packet.packet_id in self._seen):
            self._broker.publish(message)
        self._seen.add(packet.packet_id)
        if packet.qos:
            reason = 1 if self.fault == "puback-reasonless" else 0
            self._answer(Packet(Kind.PUBACK, packet_id=packet.packet_id, reason=reason))

    def _answer(self, packet: Packet) -> None:
        """Send what acknowledges."""
        if self.fault == "problem-information-unasked":
            packet.properties = {"reason": "it is so"}
        self.send(packet)

    def _known(self) -> dict[int, str]:
        """Return the aliases of this connection."""
        return _KEPT_ALIASES if self.fault == "alias-kept" else self._aliases

    def _acknowledged(self, packet: Packet) -> None:
        session = self.session
        flight = session.flights.get(packet.packet_id) if session else None
        if session is None:
            return
        accepted = packet.reason < _FAILURE
        if packet.kind is Kind.PUBREC and (accepted or self.fault == "refused-released"):
            if flight is not None:  # what the raw peer has said by itself, it answers by itself
                flight.released = True
                reason = _NO_REASON if self.fault == "pubrel-reasonless" else 0
                self.send(Packet(Kind.PUBREL, packet_id=packet.packet_id, reason=reason))
            self.flush()
            return
        if not accepted and self.fault == "refused-sent-again":
            return
        if not accepted and self.fault == "share-refused-passed-on" and flight is not None:
            self._broker.hand_to_others(session, flight.message)
        if flight is not None:
            due = {1: {Kind.PUBACK}, 2: {Kind.PUBREC, Kind.PUBCOMP}}[flight.message.qos]
            if packet.kind not in due:
                told = f"{packet.kind.name} for QoS {flight.message.qos}"
                raise BrokenRuleError("3.1.1/MQTT-4.3.2-2", told, PROTOCOL_ERROR)
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
            if self.fault != "subscription-id-kept":
                session.identifiers.pop(name, None)
            if numbers:
                session.identifiers[name] = numbers[0]
        reasons = [options & 3 for _, options in packet.filters]
        if self.fault == "identifiers-shared" and packet.packet_id in session.flights:
            reasons = [_IN_USE] * len(reasons)
        if self.fault == "suback-reversed":
            reasons.reverse()
        self._answer(Packet(Kind.SUBACK, packet_id=packet.packet_id, reasons=reasons))
        for name, options in packet.filters:
            known = name in before or (self.fault == "retain-handling-remembers" and name in self._had)
            self._had.add(name)
            self._broker.send_retained(session, name, options, new=not known)

    def _unsubscribe(self, packet: Packet) -> None:
        session = self.session
        if session is None:
            return
        reasons = [0 if name in session.subscriptions else 0x11 for name, _ in packet.filters]
        if self.fault == "unsuback-reasonless":
            reasons = reasons[:1]
        if self.fault == "unsubscribe-all":
            session.subscriptions.clear()
            session.identifiers.clear()
        elif self.fault != "unsubscribe-ignored":
            for name, _ in packet.filters:
                session.subscriptions.pop(name, None)
                session.identifiers.pop(name, None)
        if self.fault == "unsubscribed-dropped":
            session.flights.clear()
        if self.fault == "unsuback-missing" and 0 not in reasons:
            return
        self._answer(Packet(Kind.UNSUBACK, packet_id=packet.packet_id, reasons=reasons))

    def _disconnect(self, packet: Packet) -> None:
        expiry = packet.properties.get("session_expiry")
        if self.session is not None and expiry is not None and self.fault != "disconnect-expiry-ignored":
            if expiry and not self.session.expiry and self.fault != "disconnect-expiry-lengthens":
                raise BrokenRuleError("5.0/3.14.2.2.2", "the expiry of a session that was to have none", PROTOCOL_ERROR)
            self.session.expiry = expiry
        self.leave(will=packet.reason == _WITH_WILL or self.fault == "will-always")
        self._connection.close()
