"""A contract to make drivers for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal, Protocol

from pydantic import BaseModel, Field

from harmony.wire.driver_contract import Contract, Driver, Structure
from harmony.wire.verb import verb


class Tune(BaseModel):
    title: str
    notes: list[int]
    loud: bool
    key: Literal["major", "minor"]


class Programme(BaseModel):
    first: Tune
    others: list[Tune]


class Jukebox(Driver, Protocol):
    @verb
    async def select(self, programme: Programme, *, timeout: float = 5.0) -> list[str]:
        """Say what will be played."""
        ...

    @verb(needs="coins")
    async def match(
        self,
        type: str | None,  # noqa: A002 - a word of many languages
        func: Annotated[int, Field(ge=0)] | None,
        new: str,
        default: list[Tune] | None,
        *,
        weight: float,
        timeout: float = 5.0,
    ) -> Tune | None:
        """Say what fits; the words of the contract are words of many languages."""
        ...

    @verb
    async def shake(self, *, extra: dict[str, Any], how: Sequence[float], timeout: float = 5.0) -> bool:
        """Shake it, with a long description that needs more than one line of a comment whatever its indentation is."""
        ...

    @verb
    async def wait(self, *, seconds: float, timeout: float = 5.0) -> bool:
        """Wait."""
        ...

    @verb
    async def refuse(self, *, timeout: float = 5.0) -> None:
        """Refuse."""
        ...

    @verb
    async def balk(self, *, timeout: float = 5.0) -> None:
        """Refuse otherwise."""
        ...

    @verb
    async def stumble(self, *, timeout: float = 5.0) -> None:
        """Break."""
        ...

    @verb
    async def describe(
        self, tune: Tune, times: Annotated[int, Field(ge=0)] | None, *, timeout: float = 5.0
    ) -> list[int]:
        """Return the notes, how many times, and the number of letters of the title."""
        ...


JUKEBOX: Final = Contract(
    name="Jukebox",
    version="3.7",
    port=Jukebox,
    codes={"jammed": "a coin is stuck", "closed": "after hours"},
    capabilities={"coins": "it takes coins"},
    layout={
        "slot": Structure(
            size=40,
            fields={
                # A hole, numbers that are not aligned, bytes, and room at the end.
                "kind": (0, 1),
                "coins": (4, 4),
                "odd": (9, 8),
                "code": (17, 3),
                "half": (20, 2),
                "total": (24, 8),
            },
        ),
        "tight": Structure(size=12, fields={"wide": (0, 8), "narrow": (8, 4)}),
    },
)

NO_STRUCTURES: Final = Contract(name="Echo", version="1", port=Jukebox)
