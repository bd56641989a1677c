"""What each driver can do."""

from typing import Protocol

from harmony import Contract, Driver, verb


class KeyValue(Driver, Protocol):
    """A server keeps values under keys. Others talk to it over TCP: a line asks, a line answers."""

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
        """Have a value kept under a key, which is one word. It does not expire."""
        ...

    @verb
    async def get(self, key: str) -> str | None:
        """Return the value of a key; nothing if there is none."""
        ...

    @verb
    async def delete(self, key: str) -> None:
        """Forget a key, if it is there."""
        ...

    @verb
    async def expire(self, key: str, milliseconds: int) -> None:
        """Forget a key after a time, unless it is set before; `missing` if it is not there."""
        ...

    @verb
    async def watch(self, key: str) -> None:
        """Be told of each change of a key from now on, by a connection of its own."""
        ...

    @verb
    async def change(self) -> str | None:
        """Return the next value of the watched key; nothing when it has been forgotten."""
        ...


CODES = {
    "gone": "the other side has ended, or was never there",
    "missing": "there is no such key",
}
CONTRACT = Contract("KeyValue", "1.0", KeyValue, codes=CODES)
