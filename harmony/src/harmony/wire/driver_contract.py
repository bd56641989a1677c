"""A driver contract: the typed verbs of one project, and what every driver of every project must have.

A project states its verbs once, as the methods of a :class:`~harmony.wire.driver.Driver` that are marked with
:func:`verb`. Everything else is read off their signatures: what is validated, the JSON Schema, the documentation, the
templates of new drivers. Pure: nothing here talks to anybody.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated, Any, Final, TypeVar, get_type_hints

import pydantic
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from harmony.errors import ExitCode, HarmonyError
from harmony.model import Verdict

DRIVER_ERROR: Final = -32000
"""The JSON-RPC code of an error that the implementation itself reports, with a canonical code in its data."""

_MARK: Final = "__driver_verb__"
_Function = TypeVar("_Function", bound=Callable[..., Any])
_Extent = Annotated[tuple[int, int], Field(title="[offset, size]")]


class ContractViolationError(HarmonyError):
    """A driver said something that its contract does not allow.

    Way out: the message names verb and key; `harmony contract` shows what is allowed, `harmony doctor` tries all of
    it.
    """

    code = "contract_violation"
    exit_code = ExitCode.FAILED


class HandshakeError(ContractViolationError):
    """A driver introduced itself with something that cannot be right; nothing else is asked of it.

    Way out: renew what is generated (`harmony new-driver NAME --renew`), build, and try `harmony doctor NAME --only
    handshake`.
    """

    code = "handshake"
    verdict = Verdict.ERRORED


class _Plain(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


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


@dataclass(frozen=True)
class Verb:
    """One verb of a contract.

    Attributes:
        name: The method of the request.
        needs: The capability without which a driver need not have it.
    """

    name: str
    needs: str
    _function: Callable[..., Any]
    _wire: Any

    @property
    def summary(self) -> str:
        """What it does, in a sentence."""
        return inspect.cleandoc(self._function.__doc__ or "").partition("\n\n")[0].replace("\n", " ")

    @cached_property
    def params(self) -> type[BaseModel]:
        """What a request carries."""
        fields: dict[str, Any] = {
            parameter.name: (self._hints[parameter.name], ...)
            for parameter in inspect.signature(self._function).parameters.values()
            if parameter.name != "self"
        }
        return pydantic.create_model(f"{self.name}_params", __config__=ConfigDict(extra="forbid"), **fields)

    @cached_property
    def result(self) -> TypeAdapter[Any]:
        """What its answer is."""
        found: Any = self._hints["return"] if self._wire is None else self._wire
        return TypeAdapter(found)

    @cached_property
    def _hints(self) -> dict[str, Any]:
        return get_type_hints(self._function, include_extras=True)

    def problems(self, answer: Any, *, strict: bool = False) -> list[str]:
        """Say what is wrong with an answer.

        Args:
            answer: As decoded from JSON.
            strict: Whether types must match exactly, and the keys be those of the contract.
        """
        try:
            value = self.result.validate_json(json.dumps(answer), strict=strict)
        except pydantic.ValidationError as error:
            return [
                f"{'.'.join(map(str, item['loc'])) or 'the result'}: {item['msg']}, got {item['input']!r:.80}"
                for item in error.errors(include_url=False)
            ]
        return list(_other_keys(answer, self.result.dump_python(value, mode="json"))) if strict else []

    def check(self, answer: Any, *, strict: bool = False) -> None:
        """Refuse an answer that is not what the contract says.

        Raises:
            ContractViolationError: It is not.
        """
        found = self.problems(answer, strict=strict)
        if found:
            raise ContractViolationError(
                f"the answer to {self.name} is not what the contract says: {'; '.join(found)}",
                hint="`harmony contract` prints the contract",
            )


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
    """

    name: str
    version: str
    port: type
    codes: Mapping[str, str] = field(default_factory=dict)
    capabilities: Mapping[str, str] = field(default_factory=dict)
    layout: Mapping[str, Structure] = field(default_factory=dict)
    notes: str = ""

    @cached_property
    def verbs(self) -> Mapping[str, Verb]:
        """The verbs, by name."""
        return verbs_of(self.port)

    def error_problems(self, code: int, data: Any, *, strict: bool = False) -> list[str]:
        """Say what is wrong with an error that a driver reports."""
        if code != DRIVER_ERROR:
            return [f"error {code} instead of {DRIVER_ERROR}, which is for what an implementation refuses"]
        try:
            known = ErrorData.model_validate(data)
        except pydantic.ValidationError as error:
            return [f"data.{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors()]
        found = []
        if known.code not in self.codes:
            found.append(f"data.code: {known.code!r} is no canonical code")
        if strict:
            found += [f"data.{key}: the contract knows no such key" for key in data.keys() - {"code", "details"}]
        return found

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


def verb(*, needs: str = "", wire: Any = None) -> Callable[[_Function], _Function]:
    """Mark a method as a verb of the contract.

    Args:
        needs: The capability without which a driver need not have it.
        wire: What the answer is on the wire, where the method returns something more convenient.
    """

    def mark(function: _Function) -> _Function:
        setattr(function, _MARK, (needs, wire))
        return function

    return mark


def verbs_of(port: type) -> dict[str, Verb]:
    """Read the marked methods of a class, in the order in which they are written, those of its bases first."""
    found: dict[str, Verb] = {}
    for base in reversed(port.__mro__):
        for name, function in vars(base).items():
            mark = getattr(function, _MARK, None)
            if mark is not None:
                needs, wire = mark
                found[name] = Verb(name, needs, function, wire)
    return found


def _other_keys(given: Any, known: Any, place: str = "") -> Iterator[str]:
    """Name the keys of a JSON value that its model does not know, and those that it lacks."""
    if isinstance(given, Mapping) and isinstance(known, Mapping):
        for key in [*given, *(key for key in known if key not in given)]:
            here = f"{place}.{key}" if place else str(key)
            if key not in known:
                yield f"{here}: the contract knows no such key"
            elif key not in given:
                yield f"{here}: this key is missing"
            else:
                yield from _other_keys(given[key], known[key], here)
    elif isinstance(given, Sequence) and isinstance(known, Sequence) and not isinstance(given, str):
        for number, (value, other) in enumerate(zip(given, known, strict=False)):
            yield from _other_keys(value, other, f"{place}[{number}]")
