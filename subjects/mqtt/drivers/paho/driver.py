"""The driver of paho-mqtt, a client."""

from __future__ import annotations

import contextlib
import hashlib
import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import paho.mqtt
from paho.mqtt import client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from harmony.driver_kit import Refused, serve

_HEAD: Final = 64
_WITH_WILL: Final = 4
_OF_3_1_1: Final = {0: 0, 0x84: 1, 0x85: 2, 0x88: 3, 0x86: 4, 0x87: 5}
"""What CONNACK of 3.1.1 has said, by the reason of version 5 that the library tells in its place."""


@dataclass
class Texts:
    """`Properties` of the contract."""

    expiry: int | None = None
    content_type: str | None = None
    response_topic: str | None = None
    correlation: str | None = None
    user: list[Any] = field(default_factory=list)


@dataclass
class Will:
    """`Will` of the contract."""

    topic: str
    payload: str
    qos: int
    retain: bool
    delay: int | None = None


@dataclass
class Subscription:
    """`Subscription` of the contract."""

    filter: str
    qos: int
    no_local: bool = False
    retain_as_published: bool = False
    retain_handling: int = 0


class Session:
    """One client of the library, and what has come to it."""

    def __init__(self, client: mqtt.Client, version: int) -> None:
        self.client = client
        self.version = version
        self.changed = threading.Condition()
        self.connected = False
        self.ended = False
        self.answer: dict[str, Any] | None = None
        self.reason: int | None = None
        self.answers: dict[int, list[int]] = {}
        self.inbox: deque[mqtt.MQTTMessage] = deque()
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_subscribe = self._on_answer
        client.on_unsubscribe = self._on_answer
        client.on_publish = self._on_publish
        client.on_message = self._on_message

    def wait(self, found: Any, timeout: float) -> Any:
        """Return what is found, once it is.

        Raises:
            Refused: The connection has ended, or it is not there in time.
        """
        end = time.monotonic() + timeout
        with self.changed:
            while (value := found()) is None:
                if self.ended:
                    raise Refused("lost", "the connection ended")
                if time.monotonic() >= end:
                    raise Refused("lost", f"no answer came within {timeout:g} s")
                self.changed.wait(end - time.monotonic())
            return value

    @contextlib.contextmanager
    def _changing(self) -> Iterator[None]:
        with self.changed:
            yield
            self.changed.notify_all()

    def _on_connect(self, _: Any, __: Any, flags: mqtt.ConnectFlags, reason: ReasonCode, ___: Any) -> None:
        code = reason.value if self.version == mqtt.MQTTv5 else _OF_3_1_1.get(reason.value, reason.value)
        with self._changing():
            self.connected = code == 0
            self.answer = {"session_present": bool(flags.session_present), "reason": code}

    def _on_disconnect(self, _: Any, __: Any, flags: mqtt.DisconnectFlags, reason: ReasonCode, ___: Any) -> None:
        with self._changing():
            self.connected, self.ended = False, True
            if flags.is_disconnect_packet_from_server:
                self.reason = reason.value

    def _on_answer(self, _: Any, __: Any, mid: int, reasons: list[ReasonCode], ___: Any) -> None:
        with self._changing():
            self.answers[mid] = [one.value for one in reasons]

    def _on_publish(self, _: Any, __: Any, mid: int, reason: ReasonCode, ___: Any) -> None:
        with self._changing():
            self.answers[mid] = [reason.value]

    def _on_message(self, _: Any, __: Any, message: mqtt.MQTTMessage) -> None:
        with self._changing():
            self.inbox.append(message)


class Verbs:
    """What paho-mqtt can do."""

    capabilities = ("qos2", "v5")

    def __init__(self) -> None:
        self._session: Session | None = None

    def close_all(self) -> None:
        """Release what outlives the process: nothing."""

    def reset(self) -> None:
        """Let go of the client."""
        self._end()

    def connect(
        self,
        *,
        port: int,
        client_id: str,
        version: int,
        clean: bool,
        keep_alive: int,
        timeout: float,
        will: Will | None = None,
        session_expiry: int | None = None,
        receive_maximum: int | None = None,
    ) -> dict[str, Any]:
        """Connect a new client."""
        self._end()
        five = version == mqtt.MQTTv5
        with _refusing():
            client = mqtt.Client(
                mqtt.CallbackAPIVersion.VERSION2,
                client_id=client_id,
                clean_session=None if five else clean,
                protocol=mqtt.MQTTProtocolVersion(version),
                reconnect_on_failure=False,
            )
            session = self._session = Session(client, version)
            if will is not None:
                delay = _properties(PacketTypes.WILLMESSAGE, {"WillDelayInterval": will.delay}) if five else None
                client.will_set(will.topic, bytes.fromhex(will.payload), will.qos, will.retain, properties=delay)
            said = {"SessionExpiryInterval": session_expiry, "ReceiveMaximum": receive_maximum}
            client.connect_timeout = timeout
            client.connect(
                "127.0.0.1",
                port,
                keepalive=keep_alive,
                **({"clean_start": clean, "properties": _properties(PacketTypes.CONNECT, said)} if five else {}),
            )
        client.loop_start()
        answer: dict[str, Any] = session.wait(lambda: session.answer, timeout)
        return answer

    def subscribe(self, *, filters: list[Subscription], timeout: float) -> list[int]:
        """Subscribe."""
        session = self._connected()
        wishes: list[tuple[str, Any]] = [
            (
                one.filter,
                SubscribeOptions(one.qos, one.no_local, one.retain_as_published, one.retain_handling)
                if session.version == mqtt.MQTTv5
                else one.qos,
            )
            for one in filters
        ]
        with _refusing():
            error, mid = session.client.subscribe(wishes)
        return self._answer(session, error, mid, timeout)

    def unsubscribe(self, *, filters: list[str], timeout: float) -> None:
        """Unsubscribe."""
        session = self._connected()
        with _refusing():
            error, mid = session.client.unsubscribe(filters)
        self._answer(session, error, mid, timeout)

    def publish(
        self,
        *,
        topic: str,
        payload: str,
        timeout: float,
        repeat: int = 1,
        qos: int = 0,
        retain: bool = False,
        wait: bool = True,
        properties: Texts | None = None,
    ) -> int | None:
        """Publish."""
        session = self._connected()
        five = session.version == mqtt.MQTTv5
        with _refusing():
            info = session.client.publish(
                topic,
                bytes.fromhex(payload) * repeat,
                qos,
                retain,
                properties=_sent(properties) if five and properties else None,
            )
        if not wait:
            return None
        reasons = self._answer(session, info.rc, info.mid, timeout)
        return reasons[0] if qos and five else None

    def receive(self, *, count: int, quiet: float, timeout: float) -> list[dict[str, Any]]:
        """Take what has come."""
        session = self._made()
        end = time.monotonic() + timeout
        with session.changed:
            while len(session.inbox) < count and time.monotonic() < end:
                before = len(session.inbox)
                pause = end - time.monotonic()
                session.changed.wait_for(
                    lambda: len(session.inbox) != before,  # noqa: B023 - it is asked at once
                    min(pause, quiet) if quiet else pause,
                )
                if quiet and len(session.inbox) == before:
                    break
            return [_told(session.inbox.popleft()) for _ in range(min(count, len(session.inbox)))]

    def disconnect(self, *, timeout: float, with_will: bool = False) -> None:
        """Send DISCONNECT and close."""
        session = self._made()
        reason = ReasonCode(PacketTypes.DISCONNECT, identifier=_WITH_WILL) if with_will else None
        if with_will and session.version != mqtt.MQTTv5:
            raise Refused("invalid", "DISCONNECT has no reason in version 4")
        session.client.disconnect(reason)
        session.wait(lambda: session.ended or None, timeout)
        session.client.loop_stop()

    def state(self) -> dict[str, Any]:
        """Tell whether there is a connection."""
        session = self._made()
        return {"connected": session.connected, "reason": session.reason}

    def _answer(self, session: Session, error: int, mid: int | None, timeout: float) -> list[int]:
        if error == mqtt.MQTT_ERR_NO_CONN or mid is None:
            raise Refused("lost", "there is no connection")
        if error != mqtt.MQTT_ERR_SUCCESS:
            raise Refused("invalid", mqtt.error_string(mqtt.MQTTErrorCode(error)))
        reasons: list[int] = session.wait(lambda: session.answers.pop(mid, None), timeout)
        return reasons

    def _end(self) -> None:
        """Let go of the client before, without a word."""
        session, self._session = self._session, None
        if session is not None:
            sock = session.client.socket()
            if sock is not None:
                sock.close()
            session.client.loop_stop()

    def _made(self) -> Session:
        if self._session is None:
            raise Refused("lost", "there was no client yet: connect first")
        return self._session

    def _connected(self) -> Session:
        session = self._made()
        if not session.connected:
            raise Refused("lost", "there is no connection")
        return session


@contextlib.contextmanager
def _refusing() -> Iterator[None]:
    """Tell what the library refuses in the words of the contract."""
    try:
        yield
    except OSError as error:
        raise Refused("lost", str(error)) from error
    except (ValueError, mqtt.WebsocketConnectionError) as error:
        raise Refused("invalid", str(error)) from error


def _properties(kind: int, values: dict[str, Any]) -> Properties:
    found = Properties(kind)
    for name, value in values.items():
        if value is not None:
            setattr(found, name, value)
    return found


def _sent(texts: Texts) -> Properties:
    said = {
        "MessageExpiryInterval": texts.expiry,
        "ContentType": texts.content_type,
        "ResponseTopic": texts.response_topic,
        "CorrelationData": None if texts.correlation is None else bytes.fromhex(texts.correlation),
        "UserProperty": [tuple(pair) for pair in texts.user] or None,
    }
    return _properties(PacketTypes.PUBLISH, said)


def _told(message: mqtt.MQTTMessage) -> dict[str, Any]:
    properties = message.properties
    correlation = getattr(properties, "CorrelationData", None)
    return {
        "topic": message.topic,
        "size": len(message.payload),
        "head": message.payload[:_HEAD].hex(),
        "sha256": hashlib.sha256(message.payload).hexdigest(),
        "qos": message.qos,
        "retain": bool(message.retain),
        "dup": bool(message.dup),
        "properties": {
            "expiry": getattr(properties, "MessageExpiryInterval", None),
            "content_type": getattr(properties, "ContentType", None),
            "response_topic": getattr(properties, "ResponseTopic", None),
            "correlation": None if correlation is None else correlation.hex(),
            "user": [list(pair) for pair in getattr(properties, "UserProperty", [])],
        },
    }


if __name__ == "__main__":
    serve(Verbs(), name="paho-mqtt", protocol="1.0", version=paho.mqtt.__version__)
