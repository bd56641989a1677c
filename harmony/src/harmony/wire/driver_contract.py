"""A driver contract: the typed verbs of one project, and what every driver of every project must have.

A project states its verbs once, as the methods of a :class:`Driver` that are marked with
:func:`~harmony.wire.verb.verb`. Everything else is made of their signatures: the client, what is validated, the JSON
Schema, the documentation, the templates of new drivers. Pure: nothing here talks to anybody.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated, Any, Final, Protocol

import pydantic
from pydantic import BaseModel, ConfigDict, Field

from harmony.model import Verdict
from harmony.wire.verb import (
    DEFAULT_TIMEOUT,
    Carrier,
    ContractError,
    ContractViolationError,
    Verb,
    check_port,
    verb,
    verbs_of,
)

DRIVER_ERROR: Final = -32000
"""The JSON-RPC code of an error that the implementation itself reports, with a canonical code in its data."""

_Extent = Annotated[tuple[int, int], Field(title="[offset, size]")]


class HandshakeError(ContractViolationError):
    """A driver introduced itself with something that cannot be right; nothing else is asked of it.

    Way out: renew what is generated (`harmony new-driver NAME --renew`), build, and try `harmony doctor NAME --only
    handshake`.
    """

    code = "handshake"
    verdict = Verdict.ERRORED


class _Plain(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)


class Structure(_Plain):
    """A structure that implementations share, as a compiler sees it.

    Attributes:
        size: Of the whole, in bytes.
        fields: Offset and size of each field, in bytes.
    """

    size: Annotated[int, Field(ge=0)]
    fields: dict[str, _Extent]


class Identity(_Plain):
    """Who answers.

    Attributes:
        protocol: Version of the contract that it speaks.
        language: Such as ``go``.
        implementation: Name of the library.
        version: Its version.
        pid: The process that performs the verbs.
        capabilities: What it can do beyond the verbs that all have.
        layout: Its structures, computed by its own compiler and never typed in.
    """

    protocol: str
    language: str
    implementation: str
    version: str
    pid: Annotated[int, Field(ge=1)]
    capabilities: tuple[str, ...] = ()
    layout: dict[str, Structure] = Field(default_factory=dict)


class RequestUnderWay(_Plain):
    """A request that has not been answered yet."""

    id: int | str
    verb: str
    seconds: Annotated[float, Field(ge=0)]


class ThreadStack(_Plain):
    """Where a thread stands, as well as the platform can tell."""

    name: str
    stack: str


class Dump(_Plain):
    """What a driver is doing, for the report of a hang."""

    requests: tuple[RequestUnderWay, ...]
    threads: tuple[ThreadStack, ...]

    def text(self) -> str:
        """Return it as a person reads it."""
        lines = [f"under way: {one.verb} for {one.seconds:.1f} s (request {one.id})" for one in self.requests]
        return "\n".join(lines + [f"thread {one.name}:\n{one.stack}" for one in self.threads])


class ErrorData(_Plain):
    """The ``data`` of an error that the implementation reports.

    Attributes:
        code: Canonical name of the cause.
        details: The values involved.
    """

    code: str
    details: dict[str, Any] = Field(default_factory=dict)


class Driver(Carrier, Protocol):
    """The verbs that every driver has. Numbers that it gives for what is open die with it."""

    @verb
    async def hello(self, *, timeout: float = DEFAULT_TIMEOUT) -> Identity:
        """Say who answers."""
        ...

    @verb
    async def health(self, *, timeout: float = DEFAULT_TIMEOUT) -> bool:
        """Answer true at once, whatever else is under way."""
        ...

    @verb
    async def dump(self, *, timeout: float = DEFAULT_TIMEOUT) -> Dump:
        """Say at once which requests are under way and where every thread stands."""
        ...


@dataclass(frozen=True)
class Contract:
    """The verbs of a project's drivers, and what their words mean.

    Attributes:
        name: Of the project or its protocol.
        version: Of this contract; drivers with the same number before the point understand each other.
        port: The protocol class whose marked methods are the verbs.
        codes: Canonical codes of errors, and what they mean.
        capabilities: What a driver may claim, and what it means.
        layout: The structures that every implementation must see alike.
        notes: What the documentation says beyond the verbs, in Markdown.
        reset: The verb that lets go of all that a scenario has made, and takes nothing: after it a process is as one
            that has just started. Those of platforms with ``lifetime = "session"`` are asked it between two scenarios.

    Raises:
        ContractError: A verb cannot be used as it is written.
    """

    name: str
    version: str
    port: type
    codes: Mapping[str, str] = field(default_factory=dict)
    capabilities: Mapping[str, str] = field(default_factory=dict)
    layout: Mapping[str, Structure] = field(default_factory=dict)
    notes: str = ""
    reset: str = ""

    def __post_init__(self) -> None:
        """See above."""
        check_port(self.port, Driver)
        if self.reset and self.reset not in self.verbs:
            raise ContractError(f"reset: {self.port.__qualname__} has no verb {self.reset!r}")
        if self.reset and self.verbs[self.reset].parameters != ("timeout",):
            raise ContractError(f"reset: {self.reset} takes more than a timeout, so nobody knows what to give it")

    @cached_property
    def verbs(self) -> Mapping[str, Verb]:
        """The verbs, by name."""
        return verbs_of(self.port)

    def error_problems(self, code: int, data: Any) -> list[str]:
        """Say what is wrong with an error that a driver reports, to the letter."""
        if code != DRIVER_ERROR:
            return [f"error {code} instead of {DRIVER_ERROR}, which is for what an implementation refuses"]
        try:
            known = ErrorData.model_validate(data)
        except pydantic.ValidationError as error:
            return [f"data.{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors()]
        found = [] if known.code in self.codes else [f"data.code: {known.code!r} is no canonical code"]
        return found + [f"data.{key}: the contract knows no such key" for key in data.keys() - {"code", "details"}]

    def check_identity(self, identity: Identity) -> None:
        """Refuse a driver that cannot understand the others.

        Raises:
            HandshakeError: Its contract has another number before the point, or a structure is not where it must be.
        """
        ours, theirs = self.version.partition(".")[0], identity.protocol.partition(".")[0]
        who = f"{identity.implementation} ({identity.language})"
        if ours != theirs:
            raise HandshakeError(
                f"{who} speaks contract {identity.protocol}, this project {self.version}",
                hint="only the number after the point may differ",
            )
        wrong = list(layout_differences(self.layout, identity.layout))
        if wrong:
            raise HandshakeError(
                f"{who} sees the layout otherwise: {'; '.join(wrong)}",
                hint="the layout is exact; compare the structure with the specification, field by field",
            )


def layout_differences(expected: Mapping[str, Structure], seen: Mapping[str, Structure]) -> Iterator[str]:
    """Name every structure and field that is not as expected; what only the implementation has does not matter."""
    for name, structure in expected.items():
        if name not in seen:
            yield f"structure {name!r} is missing"
            continue
        if seen[name].size != structure.size:
            yield f"{name} has {seen[name].size} bytes, expected {structure.size}"
        for key, (offset, size) in structure.fields.items():
            if key not in seen[name].fields:
                yield f"{name}.{key} is missing"
                continue
            found_offset, found_size = seen[name].fields[key]
            if found_offset != offset:
                yield f"{name}.{key} is at offset {found_offset}, expected {offset}"
            if found_size != size:
                yield f"{name}.{key} has {found_size} bytes, expected {size}"
