"""A client that takes the standard literally: what the broker sends and must not, ends the connection with its rule."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Final, TypeVar

from .loop import Connection, Loop, Timer, dial
from .packets import ACKNOWLEDGEMENTS, V5, BrokenRuleError, Kind, Packet
from .reading import Splitter, decode
from .writing import encode, whole

Found = TypeVar("Found")
_ANY: Final = 65535
_LARGEST: Final = 1 << 28
_BACKWARDS: Final = {("acknowledged-backwards", Kind.PUBACK), ("released-backwards", Kind.PUBREL)}
_MALFORMED: Final = 0x81
_PATIENCE: Final = 0.05


class LostError(Exception):
    """There is no connection, or it ended."""


def next_of(heard: deque[bytes], kinds: set[Kind]) -> bytes | None:
    """Take packets until one is of these kinds, and return it if there is one."""
    while heard:
        packet = heard.popleft()
        if packet[0] >> 4 in kinds:
            return packet
    return None


class Client:
    """One connection to a broker; packets come in the thread of the loop, verbs wait in theirs.

    Args:
        loop: In whose thread packets are taken.
        fault: The deviation that it plays.

    Attributes:
        connected: Whether the broker has accepted it, and the connection is there.
        reason: What a DISCONNECT of the broker has said.
        broken: What the broker has done that it must not.
        inbox: Messages that have come.
        heard: Packets that have come, as they came.
        quiet: Whether it answers nothing by itself, and checks nothing.
        version: The level of the protocol.
    """

    def __init__(self, loop: Loop, fault: str = "") -> None:
        self._loop = loop
        self._fault = fault
        self._changed = threading.Condition()
        self._connection: Connection | None = None
        self._splitter = Splitter()
        self.version = 4
        self._request = Packet(Kind.CONNECT)
        self._answer: Packet | None = None
        self._pending: dict[int, Packet] = {}
        self._done: dict[int, Packet] = {}
        self._received: set[int] = set()
        self._unanswered: set[int] = set()
        self._aliases: dict[int, str] = {}
        self._kept_back: Packet | None = None
        self._last_id = 0
        self._spoke = 0.0
        self._timer: Timer | None = None
        self.connected = False
        self.ended = False
        self.reason: int | None = None
        self.broken: BrokenRuleError | None = None
        self.inbox: deque[Packet] = deque()
        self.heard: deque[bytes] = deque()
        self.quiet = False

    def connect(self, port: int, request: Packet, timeout: float) -> Packet:
        """Connect, and return the CONNACK.

        Raises:
            LostError: None came.
        """
        if self._fault == "will-left-out":
            request.will = None
        if self._fault == "always-clean":
            request.clean = True
        self.open(port, timeout)
        self._request, self.version = request, request.version
        self.send(request)
        answer = self._wait(lambda: self._answer, timeout)
        keep_alive = request.keep_alive
        if self._fault != "server-keep-alive-ignored":
            keep_alive = self.granted("server_keep_alive", keep_alive)
        if keep_alive and self._fault != "never-pings":
            self._loop.call(lambda: self._ping(float(keep_alive)))
        return answer

    def granted(self, name: str, otherwise: int) -> int:
        """Return what CONNACK of version 5 says."""
        return int(self._answer.properties.get(name, otherwise)) if self._answer else otherwise

    def check(self, packet: Packet) -> None:
        """See whether the broker takes a message.

        Raises:
            BrokenRuleError: It has said that it does not.
        """
        if packet.qos > self.granted("maximum_qos", 2) and self._fault != "qos-beyond":
            raise BrokenRuleError("5.0/MQTT-3.2.2-11", f"QoS {packet.qos} is more than the broker takes")
        if packet.retain and not self.granted("retain_available", 1) and self._fault != "retain-beyond":
            raise BrokenRuleError("5.0/MQTT-3.2.2-14", "the broker retains nothing")
        size = len(encode(packet, self.version))
        if size > self.granted("maximum_packet", _LARGEST) and self._fault != "oversized":
            raise BrokenRuleError("5.0/MQTT-3.2.2-15", f"{size} bytes are more than the broker takes")
        if self._fault == "alias-sent":
            packet.properties = {**packet.properties, "alias": 1}

    def open(self, port: int, timeout: float) -> None:
        """Connect without a word."""
        self._connection = dial(self._loop, port, timeout)
        self._loop.call(self._listen)

    def say(self, data: bytes) -> None:
        """Send bytes as they are."""
        self._loop.call(lambda: self._connection.send(data) if self._connection else None)

    def send(self, packet: Packet) -> None:
        """Send a packet."""
        self._spoke = time.monotonic()
        self.say(encode(packet, self.version))

    def ask(self, packet: Packet, timeout: float) -> Packet:
        """Send a packet that has an identifier, and return its last answer.

        Raises:
            LostError: None came.
        """
        self.begin(packet, timeout)
        return self.finish(packet, timeout)

    def begin(self, packet: Packet, timeout: float) -> None:
        """Send a packet that will be answered."""
        self._check()
        limit = _ANY if self._fault == "floods" else self.granted("receive_maximum", _ANY)
        self._wait(lambda: len(self._pending) < limit, timeout)
        with self._changed:
            packet.packet_id = self._next_id()
            self._pending[packet.packet_id] = packet
        packet.dup = self._fault == "dup-at-once"
        self.send(packet)

    def finish(self, packet: Packet, timeout: float) -> Packet:
        """Wait for the last answer to a packet."""
        return self._wait(lambda: self._done.pop(packet.packet_id, None), timeout)

    def wait_for(self, count: int, quiet: float, timeout: float) -> list[Packet]:
        """Take so many messages once they have come, or those that are there when none has come for so long."""
        end = time.monotonic() + timeout
        with self._changed:
            while len(self.inbox) < count and time.monotonic() < end:
                before = len(self.inbox)
                pause = end - time.monotonic()
                self._changed.wait_for(
                    lambda: len(self.inbox) != before or self.broken is not None,  # noqa: B023 - it is asked at once
                    min(pause, quiet) if quiet else pause,
                )
                if self.broken is not None:
                    raise self.broken
                if quiet and len(self.inbox) == before:
                    break
            return [self.inbox.popleft() for _ in range(min(count, len(self.inbox)))]

    def hear(self, kinds: set[Kind], timeout: float) -> bytes:
        """Return the next packet of one of these kinds; those before it are forgotten.

        Raises:
            LostError: The connection has ended, and there is none.
        """
        return self._wait(lambda: next_of(self.heard, kinds), timeout)

    def wait_for_end(self, timeout: float) -> bool:
        """Return whether the other side ends the connection in time."""
        with self._changed:
            return self._changed.wait_for(lambda: self.ended, timeout)

    def leave(self, packet: Packet | None) -> None:
        """Send a last packet and close."""
        if packet is not None and self._fault != "leaves-silently":
            self.send(packet)
        self._loop.call(self._close)

    # --- in the thread of the loop ----------------------------------------------------------------------------------

    def _listen(self) -> None:
        if self._connection is not None:
            self._connection.received = self._take_bytes
            self._connection.lost = self._close

    def _close(self) -> None:
        with self._changed:
            self.connected, self.ended = False, True
            if self._timer is not None:
                self._timer.cancel()
            if self._connection is not None:
                self._connection.close()
            self._changed.notify_all()

    def _ping(self, pause: float) -> None:
        left = self._spoke + 0.7 * pause - time.monotonic()
        if left <= 0 and self.connected:
            self._answer_with(Packet(Kind.PINGREQ))
        if not self.ended:
            self._timer = self._loop.later(max(left, 0.05), lambda: self._ping(pause))

    def _answer_with(self, packet: Packet) -> None:
        if self._connection is not None:
            self._spoke = time.monotonic()
            self._connection.send(encode(packet, self.version))

    def _take_bytes(self, data: bytes) -> None:
        with self._changed:
            try:
                for first, body in self._splitter.feed(data):
                    self.heard.append(whole(first, body))
                    if not self.quiet:
                        self._take(decode(first, body, self.version))
            except BrokenRuleError as error:
                if self._fault != "malformed-taken":
                    self.broken = error
                    if self.version == V5:
                        self._answer_with(Packet(Kind.DISCONNECT, reason=_MALFORMED))
                    self._close()
            self._changed.notify_all()

    def _take(self, packet: Packet) -> None:
        if self._answer is None and packet.kind is not Kind.CONNACK:
            raise self._rule("3.2.0-1", f"{packet.kind.name} before CONNACK")
        match packet.kind:
            case Kind.CONNACK:
                self._accepted(packet)
            case Kind.PUBLISH:
                self._arrived(packet)
            case Kind.PUBREL:
                if self._fault != "never-completed":
                    self._received.discard(packet.packet_id)
                    self._unanswered.discard(packet.packet_id)
                    self._answer_with(Packet(Kind.PUBCOMP, packet_id=packet.packet_id))
            case Kind.PINGRESP:
                pass
            case Kind.DISCONNECT if self.version == V5:
                self.reason = packet.reason
                if self._fault != "stays-when-dismissed":
                    self._close()
            case _ if packet.kind in {*ACKNOWLEDGEMENTS, Kind.SUBACK, Kind.UNSUBACK}:
                self._acknowledged(packet)
            case _:
                raise self._rule("4.8.0-1", f"{packet.kind.name} from a broker", "4.13.1-1")

    def _accepted(self, packet: Packet) -> None:
        if self._answer is not None:
            raise self._rule("4.8.0-1", "a second CONNACK", "3.2.0-2")
        if self._request.clean and packet.session_present and self._fault != "session-believed":
            raise self._rule("3.2.2-1", "Session Present for a clean session", "3.2.2-2")
        self._answer = packet
        self.connected = not packet.reason
        if packet.reason:
            self._close()

    def _arrived(self, packet: Packet) -> None:
        alias = packet.properties.get("alias")
        if alias is not None:
            if not 0 < alias <= self._request.properties.get("alias_maximum", 0):
                raise self._rule("", f"the alias {alias}, which it does not take", "3.3.2-11")
            if packet.topic:
                self._aliases[alias] = packet.topic
            elif alias not in self._aliases:
                raise self._rule("", f"the alias {alias}, which stands for nothing", "3.3.2-7")
            packet.topic = self._aliases[alias]
        if packet.qos:
            self._unanswered.add(packet.packet_id)
            limit = self._request.properties.get("receive_maximum", _ANY)
            if len(self._unanswered) > limit:
                raise self._rule("", f"more than {limit} messages at once", "3.3.4-9")
        if packet.qos == 2:
            known = packet.packet_id in self._received and self._fault != "duplicate-handed-out"
            self._received.add(packet.packet_id)
            if not known:
                self.inbox.append(packet)
            self._acknowledge(Packet(Kind.PUBREC, packet_id=packet.packet_id))
            return
        self.inbox.append(packet)
        if packet.qos and self._fault != "never-acknowledged":
            self._acknowledge(Packet(Kind.PUBACK, packet_id=packet.packet_id))

    def _acknowledge(self, packet: Packet) -> None:
        if packet.kind is Kind.PUBACK:
            self._unanswered.discard(packet.packet_id)
        if (self._fault, packet.kind) in _BACKWARDS:
            if self._kept_back is None:
                self._kept_back = packet
                self._loop.later(_PATIENCE, self._let_go)
                return
            self._answer_with(packet)
            self._let_go()
            return
        self._answer_with(packet)

    def _let_go(self) -> None:
        last, self._kept_back = self._kept_back, None
        if last is not None:
            self._answer_with(last)

    def _acknowledged(self, packet: Packet) -> None:
        asked = self._pending.get(packet.packet_id)
        if asked is None:
            rule = "3.8.4-2" if packet.kind is Kind.SUBACK else "2.3.1-6"
            raise self._rule(rule, f"{packet.kind.name} of {packet.packet_id}, which was not asked", "2.2.1-5")
        if packet.kind is Kind.SUBACK and len(packet.reasons) != len(asked.filters):
            raise self._rule("3.8.4-5", f"{len(packet.reasons)} reasons for {len(asked.filters)} filters", "3.8.4-6")
        if packet.kind is Kind.PUBREC and packet.reason < 0x80:
            if self._fault != "never-released":
                self._acknowledge(Packet(Kind.PUBREL, packet_id=packet.packet_id))
            return
        del self._pending[packet.packet_id]
        self._done[packet.packet_id] = packet

    def _rule(self, number4: str, text: str, number5: str = "") -> BrokenRuleError:
        name = f"5.0/MQTT-{number5 or number4}" if self.version == V5 else f"3.1.1/MQTT-{number4}"
        return BrokenRuleError(name, text)

    # --- in the threads of verbs ------------------------------------------------------------------------------------

    def _next_id(self) -> int:
        if self._fault == "identifiers-reused":
            return 1
        while True:
            self._last_id = self._last_id % 0xFFFF + 1
            if self._last_id not in self._pending:
                return self._last_id

    def _check(self) -> None:
        if self.broken is not None:
            raise self.broken
        if not self.connected:
            raise LostError("there is no connection")

    def _wait(self, condition: Callable[[], Found | None], timeout: float) -> Found:
        end = time.monotonic() + timeout
        with self._changed:
            while not (found := condition()):
                if self.broken is not None:
                    raise self.broken
                if self.ended:
                    raise LostError("the connection ended")
                if time.monotonic() >= end:
                    raise LostError(f"nothing came within {timeout:g} s")
                self._changed.wait(end - time.monotonic())
            return found
