"""Text from a sentence becomes the value that a parameter's annotation asks for."""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import functools
import json
import re
import types
import typing
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NewType, Union

import pydantic

from harmony.errors import ConversionError
from harmony.model import DataTable, DocString
from harmony.steps.resources import KINDS, Label

ByteSize = NewType("ByteSize", int)
"""A number of bytes, written ``1024``, ``64KB``, ``64 KiB`` or ``1.5 MB``. One KB is 1024 bytes, as memory counts."""

Duration = NewType("Duration", float)
"""Seconds, written ``100 ms``, ``2s``, ``1.5 min`` or, without a unit, as seconds."""

Converter = Callable[[str], Any]

_SIZE: Final = re.compile(r"([\d_]*\.?\d+)\s*(?:([kmgt])i?b?|b|bytes?)?", re.IGNORECASE)
_SIZE_POWER: Final = {"k": 1, "m": 2, "g": 3, "t": 4}
_DURATION: Final = re.compile(r"([\d_]*\.?\d+)\s*([a-zµ]*)", re.IGNORECASE)
_DURATION_UNIT: Final = {
    **dict.fromkeys(("ns",), 1e-9),
    **dict.fromkeys(("us", "µs"), 1e-6),
    **dict.fromkeys(("ms", "millisecond", "milliseconds"), 1e-3),
    **dict.fromkeys(("", "s", "sec", "second", "seconds"), 1.0),
    **dict.fromkeys(("m", "min", "minute", "minutes"), 60.0),
    **dict.fromkeys(("h", "hour", "hours"), 3600.0),
}
_TRUE: Final = frozenset({"true", "yes", "on", "1"})
_FALSE: Final = frozenset({"false", "no", "off", "0"})


def byte_size(text: str) -> ByteSize:
    """Read a number of bytes. See :data:`ByteSize`."""
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        raise ValueError("not a size in bytes, such as 1024 or 64KB")
    exact = float(found[1].replace("_", "")) * 1024 ** _SIZE_POWER.get((found[2] or "").lower(), 0)
    if exact != int(exact):
        raise ValueError("not a whole number of bytes")
    return ByteSize(int(exact))


def duration(text: str) -> Duration:
    """Read a duration in seconds. See :data:`Duration`."""
    found = _DURATION.fullmatch(text.strip())
    unit = _DURATION_UNIT.get(found[2].lower()) if found else None
    if found is None or unit is None:
        raise ValueError("not a duration, such as 100 ms or 2s")
    return Duration(float(found[1].replace("_", "")) * unit)


def _boolean(text: str) -> bool:
    word = text.strip().lower()
    if word not in _TRUE | _FALSE:
        raise ValueError(f"not one of {', '.join(sorted(_TRUE | _FALSE))}")
    return word in _TRUE


def _integer(text: str) -> int:
    digits = text.strip()
    return int(digits, 16) if digits.lower().startswith("0x") else int(digits)


def _nothing(text: str) -> None:
    if text.strip().lower() not in {"", "none"}:
        raise ValueError("not empty")


_BUILT_IN: Final[Mapping[object, Converter]] = {
    str: str,
    int: _integer,
    float: float,
    bool: _boolean,
    bytes: str.encode,
    Path: Path,
    ByteSize: byte_size,
    Duration: duration,
    dt.timedelta: lambda text: dt.timedelta(seconds=duration(text)),
    type(None): _nothing,
    **{kind: functools.partial(Label, kind) for kind in KINDS},
}


class Converters:
    """Conversion by annotation: the built-in ones and those a project adds."""

    def __init__(self, extra: Mapping[Any, Converter] | None = None) -> None:
        self._by_type: dict[object, Converter] = {**_BUILT_IN, **(extra or {})}

    def convert(self, value: Any, annotation: Any) -> Any:
        """Return ``value`` as ``annotation`` wants it.

        Args:
            value: Text, or a value that a pattern such as ``{n:d}`` has already converted.
            annotation: The annotation of the parameter.

        Raises:
            ConversionError: The text does not fit.
        """
        try:
            return self._convert(value, annotation)
        except (ValueError, TypeError) as error:
            shown = value if len(str(value)) <= 80 else f"{str(value)[:77]}..."
            raise ConversionError(f"{shown!r} is no {describe(annotation)}: {_reason(error)}") from error

    def _convert(self, value: Any, annotation: Any) -> Any:
        if annotation is Any or annotation is object:
            return value
        if not isinstance(value, str):
            if isinstance(annotation, type) and isinstance(value, annotation):
                return value
            value = str(value)
        if annotation in self._by_type:
            return self._by_type[annotation](value)
        origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
        if isinstance(annotation, NewType):
            return self._convert(value, annotation.__supertype__)
        if origin is Annotated:
            return pydantic.TypeAdapter(annotation).validate_python(self._convert(value, arguments[0]))
        if origin is Literal:
            return _one_of({str(choice): choice for choice in arguments}, value)
        if origin is Union or origin is types.UnionType:
            return self._first_of(value, arguments)
        if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
            return _member(annotation, value)
        if origin in {list, tuple, set, frozenset, Sequence, Collection}:
            return self._several(value, origin, arguments)
        if origin in {dict, Mapping} or annotation is dict or _is_model(annotation):
            return pydantic.TypeAdapter(annotation).validate_python(json.loads(value))
        raise TypeError("no conversion is known; add one to the project's `converters`")

    def _first_of(self, value: str, choices: Sequence[Any]) -> Any:
        reasons: list[str] = []
        for choice in sorted(choices, key=lambda choice: choice is str):
            try:
                return self._convert(value, choice)
            except (ValueError, TypeError) as error:
                reasons.append(_reason(error))
        raise ValueError("; ".join(reasons))

    def _several(self, value: str, origin: Any, arguments: Sequence[Any]) -> Any:
        body = value.strip()
        if body[:1] == "[" and body[-1:] == "]":
            body = body[1:-1]
        texts = [piece.strip() for piece in body.split(",")] if body.strip() else []
        if origin is tuple and arguments and arguments[-1] is not Ellipsis:
            if len(texts) != len(arguments):
                raise ValueError(f"{len(arguments)} values expected, seen {len(texts)}")
            return tuple(self._convert(text, wanted) for text, wanted in zip(texts, arguments, strict=True))
        wanted = arguments[0] if arguments else str
        values = [self._convert(text, wanted) for text in texts]
        return values if origin in {list, Sequence, Collection} else origin(values)

    def table(self, table: DataTable, annotation: Any) -> Any:
        """Return a data table as ``annotation`` wants it.

        Understood are ``DataTable``, ``list[list[str]]`` (with the header row), ``list[dict[str, str]]``, a list or
        tuple of pydantic models or dataclasses (one per row, headers name the fields), and one such model for a table
        of one row. Any of these may be ``| None``, for a step that has a table in some scenarios only.

        Raises:
            ConversionError: A cell or the shape does not fit.
        """
        if annotation in {DataTable, Any}:
            return table
        origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
        if origin in {Union, types.UnionType} and len(present := set(arguments) - {types.NoneType}) == 1:
            return self.table(table, present.pop())
        row_type = arguments[0] if origin in {list, tuple, Sequence, Collection} and arguments else None
        if row_type is not None and typing.get_origin(row_type) is list:
            cells = [list(table.headers), *(list(row) for row in table.rows)]
            return [[self.convert(cell, typing.get_args(row_type)[0]) for cell in row] for row in cells]
        if row_type is not None and typing.get_origin(row_type) in {dict, Mapping}:
            wanted = typing.get_args(row_type)[1]
            return [{header: self.convert(cell, wanted) for header, cell in row.items()} for row in table.dicts()]
        if row_type is not None and _is_model(row_type):
            rows = [self._row(row, row_type, number) for number, row in enumerate(table.dicts(), start=1)]
            return tuple(rows) if origin is tuple else rows
        if _is_model(annotation):
            if len(table.rows) != 1:
                raise ConversionError(f"{describe(annotation)} is one row, but the table has {len(table.rows)}")
            return self._row(table.dicts()[0], annotation, 1)
        raise ConversionError(
            f"a data table is no {describe(annotation)}",
            hint="annotate `datatable` with DataTable, list[dict[str, str]] or a list of a pydantic model",
        )

    def _row(self, row: Mapping[str, str], model: Any, number: int) -> Any:
        annotations = typing.get_type_hints(model, include_extras=True)
        values: dict[str, Any] = {}
        for header, cell in row.items():
            field = re.sub(r"\W+", "_", header.strip().lower())
            if field not in annotations:
                raise ConversionError(f"row {number}: {model.__name__} has no field for the column {header!r}")
            if cell or annotations[field] is str:
                try:
                    values[field] = self.convert(cell, annotations[field])
                except ConversionError as error:
                    raise ConversionError(f"row {number}, column {header!r}: {error.message}") from error
        try:
            return pydantic.TypeAdapter(model).validate_python(values)
        except ValueError as error:
            raise ConversionError(f"row {number} is no {model.__name__}: {_reason(error)}") from error

    def doc_string(self, text: DocString, annotation: Any) -> Any:
        """Return a doc string as ``annotation`` wants it: ``DocString``, ``str``, ``bytes``, or JSON for the rest.

        Raises:
            ConversionError: The content does not fit.
        """
        if annotation in {DocString, Any}:
            return text
        if annotation is str:
            return text.content
        return self.convert(text.content, annotation)


def describe(annotation: Any) -> str:
    """Return an annotation as a person writes it."""
    if isinstance(annotation, NewType):
        return annotation.__name__
    if typing.get_origin(annotation) is None and isinstance(annotation, type):
        return annotation.__name__
    return re.sub(r"(?:\b[^\W\d]\w*\.)+(?=[^\W\d])", "", str(annotation))


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and (
        issubclass(annotation, pydantic.BaseModel) or dataclasses.is_dataclass(annotation)
    )


def _one_of(choices: Mapping[str, Any], value: str) -> Any:
    if value not in choices:
        raise ValueError(f"not one of {', '.join(choices)}")
    return choices[value]


def _member(kind: type[enum.Enum], value: str) -> enum.Enum:
    choices = {str(member.value).lower(): member for member in kind}
    choices |= {re.sub(r"[\s-]", "_", member.name.lower()): member for member in kind}
    word = value.strip().lower()
    found = choices.get(word) or choices.get(re.sub(r"[\s-]", "_", word))
    if found is None:
        raise ValueError(f"not one of {', '.join(str(member.value) for member in kind)}")
    return found


def _reason(error: Exception) -> str:
    if isinstance(error, pydantic.ValidationError):
        return "; ".join(
            f"{'.'.join(str(part) for part in detail['loc']) or 'value'}: {detail['msg']}" for detail in error.errors()
        )
    return str(error)
