"""The driver contract of a subject: a kettle."""

from __future__ import annotations

from typing import Annotated, Protocol

from pydantic import Field

from harmony import Contract, Driver, DriverProcess, Structure, verb


class Kettle(Driver, Protocol):
    """Its verbs."""

    @verb
    async def boil(self, cups: Annotated[int, Field(ge=1, title="cups")], *, timeout: float = 1.0) -> list[float]:
        """Heat the water; returns the degrees on the way."""
        ...

    @verb(needs="whistle")
    async def whistle(self, *, timeout: float = 1.0) -> None:
        """Whistle."""
        ...

    @verb
    async def pour_out(self, *, timeout: float = 1.0) -> None:
        """Be as new."""
        ...


CONTRACT = Contract(
    "Kettle",
    "2.1",
    Kettle,
    {"dry": "no water"},
    {"whistle": "it can be heard"},
    {"tank": Structure(size=8, fields={"cups": (0, 4), "degrees": (4, 4)})},
    reset="pour_out",
)


class KettleProcess(DriverProcess, Kettle):
    """A kettle in a process of its own."""
