"""A broker that takes the standard literally: it refuses what breaks a rule, and does no more than it must.

All of it happens in the thread of its loop.
"""

from __future__ import annotations

import socket
import threading
import time
from collections import deque
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from . import topics
from .loop import Connection, Loop, Timer
from .packets import V4, V5, BrokenRuleError, Kind, Packet
from .reading import Splitter, decode
from .session import NEVER, Flight, Message, Session, Store
from .writing import encode

_ALIASES: Final = 10
_ANY: Final = 65535
_TAKEN_OVER: Final = 0x8E
_SILENT: Final = 0x8D
_WITH_WILL: Final = 4
_CUT: Final = 65535


class Broker:
    """See the module.

    Args:
        loop: In whose thread it works.
        port: Where it listens.
        store: Where its sessions outlive it; nowhere by default.
        fault: The deviation that it plays.
    """

    def __init__(self, loop: Loop, port: int, store: Path | None = None, fault: str = "") -> None:
        self.loop = loop
        self.fault = fault
        self.peers: list[Peer] = []
        self._store = Store(store) if store else None
        self.sessions, self.retained = self._store.read() if self._store and fault != "store-lost" else ({}, {})
        self._wills: dict[str, tuple[Timer, Message]] = {}
        self._turn = 0
        self.changed = threading.Condition()
        self.heard: deque[Packet] = deque()
        self._kept_back: Message | None = None
        self._listener = loop.call(lambda: loop.listen(port, self._accept))

    def stop(self) -> None:
        """Listen no more, and close all connections."""
        self.loop.call(self._stop)

    def _stop(self) -> None:
        self.loop.forget(self._listener)
        self._listener.close()
        for peer in [*self.peers]:
            peer.end()
        self.keep()

    def _accept(self, sock: socket.socket) -> None:
        self.peers.append(Peer(self, Connection(self.loop, sock)))

    def keep(self) -> None:
        """Have all that is to outlive the process on disk."""
        if self._store:
            self._store.write(self.sessions.values(), self.retained.values())

    # --- what a test says and hears -------------------------------------------------------------------------------

    def say(self, data: bytes) -> None:
        """Send bytes as they are to the client that has connected last."""
        self.loop.call(lambda: self.peers[-1].send_bytes(data) if self.peers else None)

    def note(self, packet: Packet) -> None:
        """Have a packet heard."""
        with self.changed:
            self.heard.append(packet)
            self.changed.notify_all()

    def hear(self, kinds: set[Kind], timeout: float) -> Packet:
        """Return the next packet of one of these kinds; those before it are forgotten.

        Raises:
            OSError: None comes in time.
        """

        def found() -> Packet | None:
            while self.heard:
                if (packet := self.heard.popleft()).kind in kinds:
                    return packet
            return None

        end = time.monotonic() + timeout
        with self.changed:
            while (packet := found()) is None:
                if not self.changed.wait(max(0.0, end - time.monotonic())):
                    raise TimeoutError(f"none of {kinds} came within {timeout:g} s")
            return packet

    def wait_for_end(self, timeout: float) -> bool:
        """Return whether all clients have ended their connections in time."""
        with self.changed:
            return self.changed.wait_for(lambda: not self.peers, timeout)

    # --- sessions -------------------------------------------------------------------------------------------------

    def peer_of(self, client_id: str) -> Peer | None:
        """Return the connection of a client."""
        return next((one for one in self.peers if one.session and one.session.client_id == client_id), None)

    def session_for(self, packet: Packet) -> tuple[Session, bool]:
        """Return the session of who connects, and whether it was there."""
        found = self.sessions.get(packet.client_id)
        if found and found.ends is not None and found.ends <= time.time() and self.fault != "session-expiry-ignored":
            found = None
        if packet.clean and self.fault != "clean-remembers":
            found = None
        if found is None:
            self.publish_will_of(packet.client_id)  # the session before ends, if its client was not back in time
        else:
            self.forget_will_of(packet.client_id)
        session = found or Session(packet.client_id)
        session.ends = None
        session.expiry = (
            (0 if packet.clean else NEVER) if packet.version == V4 else packet.properties.get("session_expiry", 0)
        )
        if self.fault == "clean-stays":
            session.expiry = NEVER
        self.sessions[packet.client_id] = session
        return session, found is not None

    def gone(self, peer: Peer, *, will: Message | None, delay: int = 0) -> None:
        """Note that a connection has ended.

        Args:
            peer: Which.
            will: What is to be published for it.
            delay: Seconds until then.
        """
        with self.changed:
            if peer in self.peers:
                self.peers.remove(peer)
            self.changed.notify_all()
        session = peer.session
        if session is None:
            return
        session.close()
        if not session.expiry:
            self.sessions.pop(session.client_id, None)
        if will is not None and self.fault != "will-lost":
            seconds = min(delay, session.expiry) if self.fault != "will-delay-ignored" else 0
            name = session.client_id
            if seconds:
                self._wills[name] = (self.loop.later(seconds, lambda: self.publish_will_of(name)), will)
            else:
                self.publish(will)
        self.keep()

    def publish_will_of(self, client_id: str) -> None:
        """Publish the will that waits for a client to come back."""
        if waiting := self._wills.pop(client_id, None):
            waiting[0].cancel()
            self.publish(waiting[1])

    def forget_will_of(self, client_id: str) -> None:
        """Drop the will that waits for a client to come back."""
        if waiting := self._wills.pop(client_id, None):
            waiting[0].cancel()

    # --- messages -------------------------------------------------------------------------------------------------

    def publish(self, message: Message) -> None:
        """Retain a message if it says so, and pass it on."""
        message = self._spoilt(message)
        if message.retain and self.fault == "will-unretained" and message.sender.startswith("will of"):
            message = _with(message, retain=False)
        if message.retain or self.fault == "unretained-stored":
            if not message.payload and self.fault != "empty-retained-kept":
                if self.fault != "empty-retained-ignored":
                    self.retained.pop(message.topic, None)
            elif self.fault != "retained-lost":
                self.retained[message.topic] = message
        if self.fault == "order-swapped" and message.topic.startswith("order/"):
            if self._kept_back is None:
                self._kept_back = message
                self.loop.later(0.1, self._let_go)
                return
            last, self._kept_back = self._kept_back, None
            self._pass_on(message)
            message = last
        self._pass_on(message)

    def _let_go(self) -> None:
        last, self._kept_back = self._kept_back, None
        if last is not None:
            self._pass_on(last)

    def _pass_on(self, message: Message) -> None:
        if not message.payload and self.fault == "empty-lost":
            return
        shares: dict[str, list[tuple[Session, int]]] = {}
        for session in list(self.sessions.values()):
            found = []
            for name, options in session.subscriptions.items():
                share, rest = topics.shared(name)
                if not self.matches(rest, message.topic):
                    continue
                if share and self.fault != "share-doubled":
                    shares.setdefault(name, []).append((session, options))
                elif not (options & 4 and message.sender == session.client_id and self.fault != "no-local-ignored"):
                    found.append(options)
            if found:
                best = min if self.fault == "overlap-lowest" else max
                self._deliver(session, message, best(found, key=lambda options: options & 3))
        for members in shares.values():
            present = [one for one in members if self.peer_of(one[0].client_id)] or members
            self._turn += 1
            session, options = present[self._turn % len(present)]
            self._deliver(session, message, options)

    def matches(self, name: str, topic: str) -> bool:
        """Return whether a filter matches a topic."""
        return topics.matches(name, topic) if not self.fault else _matches_wrongly(self.fault, name, topic)

    def _deliver(self, session: Session, message: Message, options: int) -> None:
        retain = message.retain and bool(options & 8) and self.fault != "published-retain-ignored"
        if self.fault == "live-marked":
            retain = message.retain
        self.enqueue(session, _with(message, qos=self._due(message.qos, options & 3), retain=retain))

    def _due(self, published: int, granted: int) -> int:
        if self.fault == "qos-upgraded":
            return granted
        due = min(published, granted)
        return 0 if self.fault == "qos-lowered" and due == 1 else due

    def enqueue(self, session: Session, message: Message) -> None:
        """Have a message sent to a client, now or later."""
        peer = self.peer_of(session.client_id)
        if peer is None and (not message.qos or self.fault == "queue-lost"):
            return
        if peer is None and self.fault == "queue-reversed":
            session.queue.appendleft(message)
        else:
            session.queue.append(message)
        if peer is not None:
            peer.flush()

    def send_retained(self, session: Session, name: str, options: int, *, new: bool) -> None:
        """Send what is retained for a filter."""
        handling = 0 if self.fault == "retain-handling-ignored" else options >> 4 & 3
        share, rest = topics.shared(name)
        if share or handling == 2 or (handling == 1 and not new):
            return
        if self.fault == "resubscribed-silent" and not new:
            return
        for topic, message in list(self.retained.items()):
            if self.matches(rest, topic) and (message.left is None or message.left > 0):
                marked = self.fault != "retained-unmarked"
                self.enqueue(session, _with(message, qos=self._due(message.qos, options & 3), retain=marked))

    def _spoilt(self, message: Message) -> Message:
        if self.fault == "payload-cut":
            return _with(message, payload=message.payload[:_CUT])
        if self.fault == "topic-normalised":
            return _with(message, topic=message.topic.replace("//", "/"))
        users = message.properties.get("user")
        if self.fault in {"user-properties-lost", "user-properties-sorted"} and users:
            changed = sorted(users) if self.fault == "user-properties-sorted" else []
            return _with(message, properties={**message.properties, "user": changed})
        return message


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
        properties = {"alias_maximum": _ALIASES} if self._version == V5 else {}
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
            if not 0 < alias <= _ALIASES or not (packet.topic or alias in self._known()):
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
            self.send(Packet(Kind.PUBACK, packet_id=packet.packet_id))

    def _known(self) -> dict[int, str]:
        """Return the aliases of this connection."""
        return _KEPT_ALIASES if self.fault == "alias-kept" else self._aliases

    def _acknowledged(self, packet: Packet) -> None:
        session = self.session
        flight = session.flights.get(packet.packet_id) if session else None
        if session is None:
            return
        if packet.kind is Kind.PUBREC and packet.reason < 0x80:
            if flight is not None:
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
        for name, options in packet.filters:
            session.subscriptions[name] = options
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
        elif self.fault != "unsubscribe-ignored":
            for name, _ in packet.filters:
                session.subscriptions.pop(name, None)
        self.send(Packet(Kind.UNSUBACK, packet_id=packet.packet_id, reasons=reasons))

    def _disconnect(self, packet: Packet) -> None:
        if self.session is not None and "session_expiry" in packet.properties:
            self.session.expiry = packet.properties["session_expiry"]
        self.leave(will=packet.reason == _WITH_WILL or self.fault == "will-always")
        self._connection.close()


_KEPT_ALIASES: Final[dict[int, str]] = {}


def _with(message: Message, **changes: object) -> Message:
    return Message(**{**vars(message), **changes})


def _matches_wrongly(fault: str, name: str, topic: str) -> bool:
    if fault == "case-ignored":
        name, topic = name.lower(), topic.lower()
    if fault == "hash-misses-parent" and name == f"{topic}/#":
        return False
    if fault == "plus-matches-parent" and name == f"{topic}/+":
        return True
    if fault == "dollar-matches-hash" and name == "#":
        return True
    if fault == "plus-spans-levels" and name.endswith("/+"):
        return topics.matches(f"{name[:-1]}#", topic) and topic != name[:-2]
    return topics.matches(name, topic)
