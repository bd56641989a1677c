"""What a driver of a contract must hold, whatever its language: verbs, the objects they carry, structures. Pure.

It is read off the JSON Schema of the contract, which is what everybody else goes by.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from harmony.errors import ConfigurationError
from harmony.wire.contract_text import json_schema
from harmony.wire.driver_contract import Contract, Driver, Structure
from harmony.wire.verb import verbs_of

WORDS: Final = (1, 2, 4, 8)
PADDING: Final = "padding_"
TIMEOUT: Final = "timeout"


class Kind(StrEnum):
    """What a value is."""

    TEXT = "text"
    FLAG = "flag"
    INTEGER = "integer"
    NATURAL = "natural"
    NUMBER = "number"
    LIST = "list"
    RECORD = "record"
    NOTHING = "nothing"
    ANY = "any"


@dataclass(frozen=True)
class Shape:
    """The type of a value.

    Attributes:
        kind: What it is.
        nullable: Whether ``null`` may stand for it.
        item: For a list, what it holds.
        record: For a record, its name.
        fields: For a record, its parts.
        choices: For a text, what it can be; anything if there are none.
    """

    kind: Kind
    nullable: bool = False
    item: Shape | None = None
    record: str = ""
    fields: tuple[tuple[str, Shape], ...] = ()
    choices: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Say it in words, as the comments of a stub do."""
        match self.kind:
            case Kind.LIST:
                text = f"[{self.item}, …]"
            case Kind.RECORD:
                text = "{" + ", ".join(f"{name}: {shape}" for name, shape in self.fields) + "}"
            case Kind.NOTHING:
                text = "null"
            case _:
                text = " or ".join(f'"{choice}"' for choice in self.choices) or self.kind.value
        return f"{text} or null" if self.nullable else text

    def records(self) -> Iterator[Shape]:
        """Yield the records in it, the innermost first."""
        for _, shape in self.fields:
            yield from shape.records()
        if self.item is not None:
            yield from self.item.records()
        if self.kind is Kind.RECORD and self.record:
            yield self


@dataclass(frozen=True)
class VerbShape:
    """A verb to fill in.

    Attributes:
        name: The method of the request.
        summary: What it does, in a sentence.
        needs: The capability without which it need not be there.
        params: What a request carries.
        result: What its answer is.
    """

    name: str
    summary: str
    needs: str
    params: tuple[tuple[str, Shape], ...]
    result: Shape

    def __str__(self) -> str:
        """Say what a request carries beside `timeout`, which each one does, and what the answer is."""
        carried = ", ".join(f"{name}: {shape}" for name, shape in self.params if name != TIMEOUT)
        return f"{self.name}({carried}) -> {self.result}"


@dataclass(frozen=True)
class Member:
    """A part of a structure.

    Attributes:
        name: Of the field, or of padding that stands where the contract names none.
        size: In bytes.
        word: Whether it is an unsigned number of its size, aligned to it, rather than that many bytes.
    """

    name: str
    size: int
    word: bool

    @property
    def padding(self) -> bool:
        """Whether the contract does not know it."""
        return self.name.startswith(PADDING)


@dataclass(frozen=True)
class Laid:
    """A structure that implementations share, byte by byte.

    Attributes:
        name: In the contract.
        size: In bytes.
        members: In the order of their offsets, without gaps.
    """

    name: str
    size: int
    members: tuple[Member, ...]


@dataclass(frozen=True)
class Outline:
    """All that is generated from a contract.

    Attributes:
        contract: Where it comes from.
        verbs: To be filled in: those that only this contract has.
        records: What verbs are asked with, the innermost first.
        results: What they answer with beside these.
        structures: What every implementation must see alike.
    """

    contract: Contract
    verbs: tuple[VerbShape, ...]
    records: tuple[Shape, ...]
    results: tuple[Shape, ...]
    structures: tuple[Laid, ...]


def outline(contract: Contract) -> Outline:
    """Return what a driver of a contract must hold.

    Raises:
        ConfigurationError: The contract has something that no template can write.
    """
    schemas: Mapping[str, Any] = json_schema(contract)["$defs"]
    verbs = tuple(
        VerbShape(
            verb.name,
            verb.summary.replace("``", "`"),
            verb.needs,
            tuple((name, _shape(part, schemas)) for name, part in _properties(schemas[f"{verb.name}.params"])),
            _shape(schemas[f"{verb.name}.result"], schemas),
        )
        for verb in contract.verbs.values()
        if verb.name not in verbs_of(Driver)
    )
    records = {record.record: record for verb in verbs for _, shape in verb.params for record in shape.records()}
    results = {record.record: record for verb in verbs for record in verb.result.records()}
    new = tuple(record for name, record in results.items() if name not in records)
    laid = tuple(_laid(name, structure) for name, structure in contract.layout.items())
    return Outline(contract, verbs, tuple(records.values()), new, laid)


def _properties(schema: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    return list(schema.get("properties", {}).items())


def _shape(schema: Mapping[str, Any], schemas: Mapping[str, Any], names: tuple[str, ...] = ()) -> Shape:
    """Read a type. The names are those of the records that it stands in, the innermost last."""
    if "$ref" in schema:
        target = str(schema["$ref"]).rpartition("/")[2]
        if target in names:
            raise ConfigurationError(f"{target!r} holds itself, which no template can write")
        return _shape(schemas[target], schemas, (*names, target))
    if "anyOf" in schema:
        shapes = [_shape(option, schemas, names) for option in schema["anyOf"]]
        some = [shape for shape in shapes if shape.kind is not Kind.NOTHING]
        return _or_null(some[0], nullable=len(shapes) > 1) if len(some) == 1 else Shape(Kind.ANY)
    choices = schema.get("enum") or ([schema["const"]] if "const" in schema else [])
    if choices:
        return _one_of(choices)
    match schema.get("type"):
        case "string":
            return Shape(Kind.TEXT)
        case "boolean":
            return Shape(Kind.FLAG)
        case "integer":
            return Shape(Kind.NATURAL if schema.get("minimum", -1) >= 0 else Kind.INTEGER)
        case "number":
            return Shape(Kind.NUMBER)
        case "null":
            return Shape(Kind.NOTHING)
        case "array":
            return Shape(Kind.LIST, item=_item(schema, schemas, names))
        case "object" if names and "properties" in schema:
            fields = tuple((key, _shape(part, schemas, names)) for key, part in _properties(schema))
            return Shape(Kind.RECORD, record=names[-1], fields=fields)
        case _:
            return Shape(Kind.ANY)


def _one_of(choices: Sequence[Any]) -> Shape:
    """Return the type that some values have in common."""
    if all(isinstance(one, str) for one in choices):
        return Shape(Kind.TEXT, choices=tuple(choices))
    if all(isinstance(one, int) and not isinstance(one, bool) for one in choices):
        return Shape(Kind.NATURAL if min(choices) >= 0 else Kind.INTEGER)
    return Shape(Kind.ANY)


def _item(schema: Mapping[str, Any], schemas: Mapping[str, Any], names: tuple[str, ...]) -> Shape:
    """Return what a list holds; what several places of a tuple have in common."""
    items = schema.get("items")
    places = [items] if isinstance(items, Mapping) else schema.get("prefixItems", [])
    shapes = {_shape(place, schemas, names) for place in places}
    return shapes.pop() if len(shapes) == 1 else Shape(Kind.ANY)


def _or_null(shape: Shape, *, nullable: bool) -> Shape:
    return Shape(shape.kind, nullable, shape.item, shape.record, shape.fields, shape.choices)


def _laid(name: str, structure: Structure) -> Laid:
    members: list[Member] = []
    end = 0
    for field, (offset, size) in sorted(structure.fields.items(), key=lambda item: item[1]):
        if offset < end:
            raise ConfigurationError(
                f"the layout of {name!r} cannot be written: {field!r} overlaps the field before it"
            )
        if not field.isidentifier() or field.startswith(PADDING):
            raise ConfigurationError(f"the layout of {name!r} cannot be written: {field!r} is no name of a field")
        if offset > end:
            members.append(Member(f"{PADDING}{end}", offset - end, word=False))
        # A compiler aligns a number to its size and the whole to its widest number; where that would move something,
        # bytes stand in.
        members.append(Member(field, size, word=size in WORDS and offset % size == 0 and structure.size % size == 0))
        end = offset + size
    if end > structure.size or not name.isidentifier():
        raise ConfigurationError(
            f"the layout of {name!r} cannot be written: {end} bytes in a structure of {structure.size}"
        )
    if end < structure.size:
        members.append(Member(f"{PADDING}{end}", structure.size - end, word=False))
    return Laid(name, structure.size, tuple(members))
