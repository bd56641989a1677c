"""What the step classes of one role share: its driver, and what it has seen so far."""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from harmony import HarmonyError, ScenarioStart, SharedValues
from harmony.network import Network

from .contract import Connected, Message, Mqtt
from .patience import GENEROUS
from .trace import Packets

ROLE = r"(?:the|a)(?: (?P<instance>second|third|new))? '[^']+' process"


@dataclass(frozen=True)
class Seen:
    """What a message is recognised by."""

    topic: str
    sha256: str

    @classmethod
    def of(cls, message: Message) -> Seen:
        """Return it of a message that has come."""
        return cls(message.topic, message.sha256)

    @classmethod
    def sent(cls, topic: str, payload: bytes) -> Seen:
        """Return it of a message that was published."""
        return cls(topic, hashlib.sha256(payload).hexdigest())


class Party:
    """One role of one scenario.

    Attributes:
        driver: Its driver.
        version: The version of the protocol that it speaks if the scenario says nothing else.
        answer: What the broker has last said to its CONNECT.
        patience: Seconds within which comes what must.
    """

    def __init__(self, driver: Mqtt, values: SharedValues, start: ScenarioStart, network: Network) -> None:
        self.driver = driver
        self._values = values
        self._start = start
        self._network = network
        self._seen: set[Seen] = set()
        self._numbers: list[str] = []
        self.version: Literal[4, 5] = 5 if "v5" in start.tags else 4
        self.answer: Connected | None = None
        self.patience = start.patience(GENEROUS)

    def name(self, instance: str | None) -> str:
        """Return the client identifier of an instance: letters and digits, no more than every server must allow."""
        return f"{self._start.role}{instance or ''}"

    def tell_numbers(self, numbers: Sequence[str]) -> None:
        """Have the other roles know which numbers have come here."""
        self._numbers += numbers
        self._values.publish("numbers", self._numbers)

    def told_numbers(self) -> list[str]:
        """Return the numbers that the members of a share have."""
        found: list[str] = []
        for role in ("subscriber", "watcher"):
            with contextlib.suppress(HarmonyError):
                found += self._values.of(role, "numbers", list[str])
        return found

    def tell_port(self, port: int) -> None:
        """Have the other roles know where this one listens."""
        self._values.publish("port", port)

    async def way(self) -> int:
        """Return the port at which this client reaches the broker, which may be the raw peer: through the network."""
        listener = "broker" if "broker" in self._start.roles else "peer"
        port = self._values.of(listener, "port", int)
        return (await self._network.to(listener, port, splitter=Packets)).port

    async def take(self, count: int, *, quiet: float = 0.0) -> Sequence[Message]:
        """Return the next messages, without those that came again.

        A message of QoS 1 may come more than once: one that has come before, and says so (DUP), is left out.
        """
        found: list[Message] = []
        end = time.monotonic() + self.patience
        while len(found) < count:
            left = max(0.0, end - time.monotonic())
            came = await self.driver.receive(count - len(found), quiet, timeout=left)
            for message in came:
                again = message.qos == 1 and message.dup is True and Seen.of(message) in self._seen
                self._seen.add(Seen.of(message))
                if not again:
                    found.append(message)
            if not came:
                break
        return found
