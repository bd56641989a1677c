"""A broker that takes the standard literally: it refuses what breaks a rule, and does no more than it must.

All of it happens in the thread of its loop.
"""

from __future__ import annotations

import socket
import threading
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from . import topics
from .client import next_of
from .loop import Connection, Loop, Timer
from .packets import V4, Kind, Packet
from .peer import Peer
from .session import NEVER, Message, Session, Store

_CUT: Final = 4000


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
        self.heard: deque[bytes] = deque()
        self.greeting = b""
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

    def note(self, packet: bytes) -> None:
        """Have a packet heard."""
        with self.changed:
            self.heard.append(packet)
            self.changed.notify_all()

    def hear(self, kinds: set[Kind], timeout: float) -> bytes:
        """Return the next packet of one of these kinds; those before it are forgotten.

        Raises:
            OSError: None comes in time.
        """
        end = time.monotonic() + timeout
        with self.changed:
            while (packet := next_of(self.heard, kinds)) is None:
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
        if self.fault == "clean-keeps-subscriptions" and packet.client_id in self.sessions:
            session.subscriptions |= self.sessions[packet.client_id].subscriptions
        session.ends = None
        session.expiry = (
            (0 if packet.clean else NEVER) if packet.version == V4 else packet.properties.get("session_expiry", 0)
        )
        if self.fault in {"clean-stays", "session-expiry-endless"}:
            session.expiry = NEVER
        if self.fault == "clean-start-forgotten" and packet.clean:
            session.expiry = 0
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
            for flight in session.flights.values() if self.fault == "share-ended-passed-on" else ():
                self.hand_to_others(session, flight.message)
        if will is not None and self.fault != "will-lost":
            seconds = min(delay, session.expiry) if self.fault != "will-delay-ignored" else 0
            if self.fault == "will-delay-outlives":
                seconds = delay
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
            elif self.fault != "retained-lost" and (message.qos or self.fault != "retained-qos-0-ignored"):
                bare = self.fault == "retained-properties-lost"
                self.retained[message.topic] = _with(message, properties={}) if bare else message
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
        shares: dict[str, list[tuple[Session, str]]] = {}
        for session in list(self.sessions.values()):
            found: list[str] = []
            for name, options in session.subscriptions.items():
                share, rest = topics.shared(name)
                if not self.matches(rest, message.topic):
                    continue
                if share and self.fault != "share-doubled":
                    key = rest if self.fault == "shares-mixed" else name
                    shares.setdefault(key, []).append((session, name))
                elif not (options & 4 and message.sender == session.client_id and self.fault != "no-local-ignored"):
                    found.append(name)
            if found:
                self._deliver(session, message, found)
        for members in shares.values():
            present = [one for one in members if self.peer_of(one[0].client_id)] or members
            self._turn += 1
            session, name = present[self._turn % len(present)]
            self._deliver(session, message, [name])

    def matches(self, name: str, topic: str) -> bool:
        """Return whether a filter matches a topic."""
        return topics.matches(name, topic) if not self.fault else _matches_wrongly(self.fault, name, topic)

    def _deliver(self, session: Session, message: Message, names: Sequence[str]) -> None:
        """Send one copy for all filters that match, with the highest QoS among them."""
        best = min if self.fault == "overlap-lowest" else max
        options = best((session.subscriptions[name] for name in names), key=lambda one: one & 3)
        retain = message.retain and bool(options & 8) and self.fault != "published-retain-ignored"
        if self.fault == "live-marked":
            retain = message.retain
        due = self._due(message.qos, options & 3)
        if self.fault == "share-qos-upgraded" and names[0].startswith("$share/"):
            due = message.qos
        self._enqueue_for(session, names, _with(message, qos=due, retain=retain))

    def _enqueue_for(self, session: Session, names: Sequence[str], message: Message) -> None:
        """Have a message sent with the numbers of the filters for which it is."""
        numbers = [session.identifiers[name] for name in names if name in session.identifiers]
        if self.fault == "subscription-ids-first":
            numbers = numbers[:1]
        if self.fault == "subscription-id-lost" or (self.fault == "retained-subscription-id-lost" and message.retain):
            numbers = []
        kept = {**message.properties, "subscription_id": numbers} if numbers else message.properties
        self.enqueue(session, _with(message, properties=kept))

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
        if peer is None and self.fault == "queued-properties-lost":
            message = _with(message, properties={})
        if peer is None and self.fault == "queue-reversed":
            session.queue.appendleft(message)
        else:
            session.queue.append(message)
        if peer is not None:
            peer.flush()

    def hand_to_others(self, session: Session, message: Message) -> None:
        """Have a message sent to everybody but to whom it was sent: as a deviation alone."""
        for other in self.sessions.values():
            if other is not session:
                self.enqueue(other, message)

    def send_retained(self, session: Session, name: str, options: int, *, new: bool) -> None:
        """Send what is retained for a filter."""
        handling = 0 if self.fault == "retain-handling-ignored" else options >> 4 & 3
        share, rest = topics.shared(name)
        if (share and self.fault != "share-retained") or handling == 2 or (handling == 1 and not new):
            return
        if self.fault == "resubscribed-silent" and not new:
            return
        for topic, message in list(self.retained.items()):
            if self.matches(rest, topic) and (
                message.left is None or message.left > 0 or self.fault == "retained-expiry-ignored"
            ):
                marked = self.fault != "retained-unmarked"
                copy = _with(message, qos=self._due(message.qos, options & 3), retain=marked)
                self._enqueue_for(session, [name], copy)

    def _spoilt(self, message: Message) -> Message:
        if self.fault == "payload-cut":
            return _with(message, payload=message.payload[:_CUT])
        if self.fault == "mark-stripped":
            return _with(message, topic=message.topic.removeprefix("\ufeff"))
        if self.fault == "topic-normalised":
            return _with(message, topic=message.topic.replace("//", "/"))
        if self.fault == "format-lost":
            kept = {name: value for name, value in message.properties.items() if name != "format"}
            return _with(message, properties=kept)
        users = message.properties.get("user")
        if self.fault in {"user-properties-lost", "user-properties-sorted"} and users:
            changed = sorted(users) if self.fault == "user-properties-sorted" else []
            return _with(message, properties={**message.properties, "user": changed})
        return message


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
