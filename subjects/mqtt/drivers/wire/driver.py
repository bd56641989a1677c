"""The driver of the raw peers. It is started as ``python -m drivers.wire.driver``."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harmony.driver_kit import Misfit, Refused, serve

from .broker import Broker
from .client import Client, LostError
from .faults import known
from .loop import Loop
from .packets import BrokenRuleError, Kind, Packet, Properties

_HEAD = 64
_WITH_WILL = 4


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

    @property
    def options(self) -> int:
        """The byte of it."""
        return self.qos | self.no_local << 2 | self.retain_as_published << 3 | self.retain_handling << 4


class Verbs:
    """What the raw peers can do, as a broker or as a client."""

    capabilities = ("durable", "qos2", "raw", "v5")

    def __init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        self._fault = ""
        self._loop = Loop()
        self._broker: Broker | None = None
        self._client: Client | None = None

    def close_all(self) -> None:
        """Release what outlives the process: nothing."""

    def reset(self) -> None:
        """Let go of the broker and of the client, whatever they still have to send."""
        self._loop.end()
        self._begin()

    def deviate(self, name: str) -> None:
        """Break a rule from now on."""
        if not known(name):
            raise Refused("invalid", f"there is no deviation {name!r}: see drivers/wire/faults.py")
        self._fault = name

    def serve(self, port: int, directory: str, durable: bool) -> None:
        """Begin to listen."""
        self._broker = Broker(self._loop, port, Path(directory) if durable else None, self._fault)

    def stop(self) -> None:
        """End the broker."""
        if self._broker is not None:
            self._broker.stop()

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
        properties = {"session_expiry": session_expiry, "receive_maximum": receive_maximum}
        request = Packet(
            Kind.CONNECT,
            version=version,
            client_id=client_id,
            clean=clean,
            keep_alive=keep_alive,
            will=_published(will) if will else None,
            properties={name: value for name, value in properties.items() if value is not None},
        )
        client = self._new_client()
        with _refusing():
            answer = client.connect(port, request, timeout)
        return {"session_present": answer.session_present, "reason": answer.reason}

    def subscribe(self, filters: list[Subscription], timeout: float) -> list[int]:
        """Subscribe."""
        packet = Packet(Kind.SUBSCRIBE, filters=[(one.filter, one.options) for one in filters])
        with _refusing():
            return self._connected().ask(packet, timeout).reasons

    def unsubscribe(self, filters: list[str], timeout: float) -> None:
        """Unsubscribe."""
        with _refusing():
            self._connected().ask(Packet(Kind.UNSUBSCRIBE, filters=[(one, 0) for one in filters]), timeout)

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
        packet = Packet(
            Kind.PUBLISH,
            topic=topic,
            payload=bytes.fromhex(payload) * repeat,
            qos=0 if self._fault == "qos-0-only" else qos,
            retain=retain and self._fault != "retain-left-out",
            properties=_sent(properties) if properties else {},
        )
        client = self._connected()
        try:
            client.check(packet)
        except BrokenRuleError as error:
            raise Refused("invalid", str(error)) from error
        with _refusing():
            if not packet.qos:
                packet.dup = self._fault == "dup-at-once"
                client.send(packet)
                return None
            client.begin(packet, timeout)
            return client.finish(packet, timeout).reason if wait else None

    def receive(self, count: int, quiet: float, timeout: float) -> list[dict[str, Any]]:
        """Take what has come."""
        with _refusing():
            return [_told(one) for one in self._made().wait_for(count, quiet, timeout)]

    def disconnect(self, with_will: bool = False) -> None:
        """Send DISCONNECT and close."""
        if self._client is not None:
            self._client.leave(Packet(Kind.DISCONNECT, reason=_WITH_WILL if with_will else 0))

    def state(self) -> dict[str, Any]:
        """Tell whether there is a connection."""
        client = self._made()
        return {"connected": client.connected, "reason": client.reason}

    def dial(self, port: int, version: int) -> None:
        """Connect without a word."""
        client = self._new_client()
        client.quiet = True
        client.open(port, 5.0)
        client.version = version

    def say(self, data: str) -> None:
        """Send bytes."""
        if self._broker is not None:
            self._broker.say(bytes.fromhex(data))
        else:
            self._made().say(bytes.fromhex(data))

    def answer(self, data: str) -> None:
        """Answer each CONNECT with these bytes."""
        if self._broker is None:
            raise Refused("lost", "there is no broker: serve first")
        self._broker.greeting = bytes.fromhex(data)

    def hear(self, kinds: list[str], timeout: float) -> str:
        """Return the bytes of the next packet of one of these kinds."""
        for kind in kinds:
            if kind not in Kind.__members__:
                raise Misfit(f"kinds: {kind!r} is no packet; there are {', '.join(Kind.__members__)}")
        with _refusing():
            return (self._broker or self._made()).hear({Kind[kind] for kind in kinds}, timeout).hex()

    def hear_end(self, timeout: float) -> bool:
        """Return whether the other side ends the connection."""
        return (self._broker or self._made()).wait_for_end(timeout)

    def _new_client(self) -> Client:
        if self._client is not None:
            self._client.leave(None)
        self._client = Client(self._loop, self._fault)
        return self._client

    def _made(self) -> Client:
        if self._client is None:
            raise Refused("lost", "there was no client yet: connect first")
        return self._client

    def _connected(self) -> Client:
        client = self._made()
        if not client.connected:
            raise Refused("refused" if client.broken else "lost", str(client.broken or "there is no connection"))
        return client


@contextlib.contextmanager
def _refusing() -> Iterator[None]:
    """Tell what the other side does in the words of the contract."""
    try:
        yield
    except (LostError, OSError) as error:
        raise Refused("lost", str(error)) from error
    except BrokenRuleError as error:
        raise Refused("refused", f"the other side breaks a rule: {error}", rule=error.rule) from error


def _published(will: Will) -> Packet:
    return Packet(
        Kind.PUBLISH,
        topic=will.topic,
        payload=bytes.fromhex(will.payload),
        qos=will.qos,
        retain=will.retain,
        properties={} if will.delay is None else {"will_delay": will.delay},
    )


def _sent(texts: Texts) -> Properties:
    said = {
        "message_expiry": texts.expiry,
        "content_type": texts.content_type,
        "response_topic": texts.response_topic,
        "correlation": None if texts.correlation is None else bytes.fromhex(texts.correlation),
        "user": [tuple(pair) for pair in texts.user] or None,
    }
    return {name: value for name, value in said.items() if value is not None}


def _told(packet: Packet) -> dict[str, Any]:
    properties = packet.properties
    correlation = properties.get("correlation")
    return {
        "topic": packet.topic,
        "size": len(packet.payload),
        "head": packet.payload[:_HEAD].hex(),
        "sha256": hashlib.sha256(packet.payload).hexdigest(),
        "qos": packet.qos,
        "retain": packet.retain,
        "dup": packet.dup,
        "properties": {
            "expiry": properties.get("message_expiry"),
            "content_type": properties.get("content_type"),
            "response_topic": properties.get("response_topic"),
            "correlation": None if correlation is None else correlation.hex(),
            "user": properties.get("user", []),
        },
    }


if __name__ == "__main__":
    serve(Verbs(), name="wire", protocol="1.0", version="1.0")
