"""What each driver can do: put your own verbs here, then fill them in in drivers/."""

from typing import Protocol

from harmony import Contract, Driver, verb


class KeyValue(Driver, Protocol):
    """One role keeps values under keys. The others talk to it over TCP: a line asks, a line answers."""

    # A verb has types, a docstring and no body: harmony makes the client for the steps of it, and what drivers need.
    # After a change, `harmony new-driver NAME --renew` brings a driver up to it.

    @verb
    async def listen(self) -> int:
        """Listen on a free port of this machine; returns its number."""
        ...

    @verb
    async def connect(self, port: int) -> None:
        """Connect to who listens on a port of this machine."""
        ...

    @verb
    async def set(self, key: str, value: str) -> None:
        """Have a value kept under a key, which is one word."""
        ...

    @verb
    async def get(self, key: str) -> str | None:
        """Return the value of a key; nothing if there is none."""
        ...


# What a driver refuses it refuses with a code, in every language the same. Raise the version when a verb changes.
CODES = {"gone": "the other side has ended, or was never there"}
CONTRACT = Contract("KeyValue", "1.0", KeyValue, codes=CODES)
