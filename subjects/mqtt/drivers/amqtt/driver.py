"""The driver of amqtt, a broker.

Its persistence plugin writes after a packet is acknowledged, and does not give back what was queued: `durable` is not
claimed.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

import amqtt
from amqtt.broker import Broker
from amqtt.contexts import BrokerConfig
from amqtt.errors import AMQTTError, BrokerError

from harmony.driver_kit import Refused, serve

Result = TypeVar("Result")


class Verbs:
    """What amqtt can do as a broker. Its client is not driven."""

    capabilities = ("qos2",)

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._broker: Broker | None = None
        threading.Thread(target=self._loop.run_forever, name="broker", daemon=True).start()

    def close_all(self) -> None:
        """Leave the broker to end with its process."""

    def reset(self, *, timeout: float) -> None:
        """End the broker."""
        self.stop(timeout=timeout)

    def serve(self, *, port: int, durable: bool, timeout: float) -> None:
        """Start the broker, with what is default for it: it keeps nothing in a directory."""
        if durable:
            raise NotImplementedError("amqtt's SessionDBPlugin does not give back what was queued")
        if self._broker is not None:
            raise Refused("invalid", "it serves already: stop it first")
        config = BrokerConfig.from_dict({"listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{port}"}}})
        self._broker = self._wait(_started(config), timeout)

    def stop(self, *, timeout: float) -> None:
        """End the broker."""
        if self._broker is not None:
            self._wait(self._broker.shutdown(), timeout)
        self._broker = None

    def _wait(self, work: Coroutine[Any, Any, Result], timeout: float) -> Result:
        """Have the broker's loop do it."""
        try:
            return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout)
        except (AMQTTError, BrokerError) as error:
            raise Refused("invalid", f"amqtt refuses: {error}") from error
        except TimeoutError as error:
            raise Refused("refused", f"amqtt is not done within {timeout:g} s") from error


async def _started(config: BrokerConfig) -> Broker:
    broker = Broker(config)
    await broker.start()  # which returns when its sockets listen
    return broker


if __name__ == "__main__":
    serve(Verbs(), name="amqtt", protocol="1.0", version=amqtt.__version__)
