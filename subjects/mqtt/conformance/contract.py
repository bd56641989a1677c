"""What each driver can do: one class, of which a broker has the first two verbs and a client the others."""

from dataclasses import dataclass, field
from typing import Annotated, Literal, Protocol

from pydantic import Field

from harmony import Contract, Driver, verb

Hex = Annotated[str, Field(pattern="^([0-9a-f]{2})*$")]
QoS = Annotated[int, Field(ge=0, le=2)]
Byte = Annotated[int, Field(ge=0, le=255)]
Natural = Annotated[int, Field(ge=0)]
CLIENTS = ("publisher", "subscriber", "watcher")


@dataclass
class Properties:
    """What version 5 says beside a message. All is absent in 3.1.1."""

    expiry: Natural | None = None
    content_type: str | None = None
    response_topic: str | None = None
    correlation: Hex | None = None
    user: list[tuple[str, str]] = field(default_factory=list)


@dataclass
class Will:
    """What the broker publishes for a client that is lost. The delay is of version 5."""

    topic: str
    payload: Hex
    qos: QoS
    retain: bool
    delay: Natural | None = None


@dataclass
class Subscription:
    """A filter and how it is subscribed to. All but the first two is of version 5."""

    filter: str
    qos: QoS
    no_local: bool = False
    retain_as_published: bool = False
    retain_handling: Annotated[int, Field(ge=0, le=2)] = 0


@dataclass
class Connected:
    """What CONNACK says."""

    session_present: bool
    reason: Byte


@dataclass
class Message:
    """A message as the client's library hands it out; of its payload the first 64 bytes and the digest of all.

    What the library does not tell of DUP is none: never a value of the driver's own.
    """

    topic: str
    size: Natural
    head: Hex
    sha256: Hex
    qos: QoS
    retain: bool
    dup: bool | None
    properties: Properties


@dataclass
class State:
    """Whether a client has a connection; of the last one that it lost, the reason that a version 5 broker gave."""

    connected: bool
    reason: Byte | None = None


class Mqtt(Driver, Protocol):
    """An implementation of MQTT, as a broker or as a client. A process is one broker, or one client at a time."""

    @verb
    async def reset(self) -> None:
        """Be as a process that has just started: no broker serves, no client has a connection, no message is left."""
        ...

    @verb(roles=["broker"])
    async def serve(self, port: int, directory: str, durable: bool, *, timeout: float = 15.0) -> None:
        """Start the broker on a port of 127.0.0.1; returns when it listens. Anybody may connect and do all.

        Of a durable one sessions, queued messages and retained ones are in the directory, in which another may have
        been before, also one that was killed.
        """
        ...

    @verb(roles=["broker"])
    async def stop(self, *, timeout: float = 10.0) -> None:
        """End the broker in order, as its own documentation says; the process goes on."""
        ...

    @verb(roles=CLIENTS)
    async def connect(
        self,
        port: int,
        client_id: str,
        *,
        version: Literal[4, 5],
        clean: bool,
        keep_alive: Natural,
        will: Will | None = None,
        session_expiry: Natural | None = None,
        receive_maximum: Natural | None = None,
        timeout: float = 10.0,
    ) -> Connected:
        """Connect a new client and wait for CONNACK; one that was there is gone. It never connects again by itself.

        A reason other than 0 is a result, too. `lost` if no CONNACK comes.
        """
        ...

    @verb(roles=CLIENTS)
    async def subscribe(self, filters: list[Subscription], *, timeout: float = 10.0) -> list[Byte]:
        """Subscribe in one packet; returns the reason of each filter, as SUBACK has it."""
        ...

    @verb(roles=CLIENTS)
    async def unsubscribe(self, filters: list[str], *, timeout: float = 10.0) -> None:
        """Unsubscribe in one packet, and wait for UNSUBACK."""
        ...

    @verb(roles=CLIENTS)
    async def publish(
        self,
        topic: str,
        payload: Hex,
        *,
        repeat: Natural = 1,
        qos: QoS = 0,
        retain: bool = False,
        wait: bool = True,
        properties: Properties | None = None,
        timeout: float = 15.0,
    ) -> Byte | None:
        """Publish the payload, so many times one after the other in a single message.

        With `wait` it returns when the message is sent (QoS 0), acknowledged (QoS 1) or complete (QoS 2), with the
        reason that a version 5 broker gives; otherwise as soon as the library has taken it. `lost` if no answer comes.
        """
        ...

    @verb(roles=CLIENTS)
    async def receive(self, count: Natural, quiet: float, *, timeout: float = 15.0) -> list[Message]:
        """Take `count` messages of those that have arrived, in their order, once they are there; what is more stays.

        If none comes for `quiet` seconds, or the time is over, those that are there are the result. With `quiet` 0
        only the count and the time count. With `count` 0 nothing is taken and nothing waited for.
        """
        ...

    @verb(roles=CLIENTS)
    async def disconnect(self, *, with_will: bool = False, timeout: float = 10.0) -> None:
        """Send DISCONNECT and close; in version 5 with reason 4 where the will shall be published."""
        ...

    @verb(roles=CLIENTS)
    async def state(self) -> State:
        """Return whether the client is connected, as its library says."""
        ...

    @verb(needs="raw")
    async def deviate(self, name: str) -> None:
        """Break a rule from now on, so that it is seen who finds it; `invalid` if there is no such deviation."""
        ...

    @verb(needs="raw")
    async def dial(self, port: int, version: Literal[4, 5]) -> None:
        """Connect to a port without a word, and answer nothing but by `say` from now on."""
        ...

    @verb(needs="raw")
    async def say(self, data: Hex) -> None:
        """Send bytes as they are: to the broker, or as a broker to the client that has connected last."""
        ...

    @verb(needs="raw")
    async def answer(self, data: Hex) -> None:
        """Answer, as a broker, each CONNECT from now on with these bytes."""
        ...

    @verb(needs="raw")
    async def hear(self, kinds: list[str], *, timeout: float = 10.0) -> Hex:
        """Return the next packet of one of these kinds, as it came; those before it are forgotten, `lost` if none."""
        ...

    @verb(needs="raw")
    async def hear_end(self, *, timeout: float = 10.0) -> bool:
        """Return whether the other side ends the connection in time."""
        ...


CODES = {
    "lost": "the connection ended, or was never there",
    "refused": "the other side refused, in a way that has no reason code",
    "invalid": "the library itself refuses what it is asked for",
}
CAPABILITIES = {
    "v5": "it speaks version 5",
    "qos2": "it has quality of service 2",
    "durable": "sessions and retained messages outlive its process",
    "raw": "it is the raw peer, which says what no implementation would",
}
CONTRACT = Contract("Mqtt", "1.0", Mqtt, codes=CODES, capabilities=CAPABILITIES, reset="reset")
