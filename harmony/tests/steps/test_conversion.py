from __future__ import annotations

import datetime as dt
import enum
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, NewType

import pytest
from hypothesis import given, strategies
from pydantic import BaseModel, Field

from harmony.errors import ConversionError
from harmony.model import DataTable, DocString
from harmony.steps.conversion import ByteSize, Converters, Duration, byte_size, duration

Name = NewType("Name", str)


class Mode(enum.Enum):
    SINGLE_THREAD = "single"
    MANY = 2


class Row(BaseModel):
    name: str
    payload_size: ByteSize = ByteSize(7)


@dataclass(frozen=True)
class Point:
    x: int
    y: float = 0.5


@pytest.mark.parametrize(
    ("text", "annotation", "value"),
    [
        ("abc", str, "abc"),
        ("abc", Any, "abc"),
        ("10_000", int, 10000),
        ("0xff", int, 255),
        ("007", int, 7),
        ("1.5", float, 1.5),
        ("Yes", bool, True),
        ("off", bool, False),
        ("1024", ByteSize, 1024),
        ("64KB", ByteSize, 65536),
        ("64 KiB", ByteSize, 65536),
        ("1.5 MB", ByteSize, 1572864),
        ("1 byte", ByteSize, 1),
        ("100 ms", Duration, 0.1),
        ("2s", Duration, 2.0),
        ("1.5 min", Duration, 90.0),
        ("3", Duration, 3.0),
        ("250 ms", dt.timedelta, dt.timedelta(milliseconds=250)),
        ("single", Mode, Mode.SINGLE_THREAD),
        ("Single Thread", Mode, Mode.SINGLE_THREAD),
        ("single-thread", Mode, Mode.SINGLE_THREAD),
        ("2", Mode, Mode.MANY),
        ("b", Literal["a", "b"], "b"),
        ("2", Literal[1, 2], 2),
        ("5", int | None, 5),
        ("", int | None, None),
        ("x", int | str, "x"),
        ("5", str | int, 5),
        ("100, 1024,1", list[int], [100, 1024, 1]),
        ("[1, 2]", list[int], [1, 2]),
        ("", list[int], []),
        ("1KB, 2KB", tuple[ByteSize, ...], (1024, 2048)),
        ("a, 2", tuple[str, int], ("a", 2)),
        ("1,1,2", set[int], {1, 2}),
        ("x", Name, "x"),
        ("5", Annotated[int, Field(ge=1)], 5),
        ("hé", bytes, "hé".encode()),
        ("/a/b", Path, Path("/a/b")),
        ('{"x": 3}', Point, Point(3)),
        ('{"a": 1}', dict[str, int], {"a": 1}),
    ],
)
def test_text_becomes_what_the_annotation_says(text: str, annotation: Any, value: Any) -> None:
    converted = Converters().convert(text, annotation)
    assert converted == value
    assert type(converted) is type(value)


@pytest.mark.parametrize(
    ("text", "annotation", "reason"),
    [
        ("64KB", int, "int"),
        ("maybe", bool, "not one of"),
        ("64 XB", ByteSize, "not a size"),
        ("0.3", ByteSize, "whole number"),
        ("2 parsecs", Duration, "not a duration"),
        ("triple", Mode, "single, 2"),
        ("c", Literal["a", "b"], "a, b"),
        ("1, x", list[int], "x"),
        ("1", tuple[str, int], "2 values expected, seen 1"),
        ("0", Annotated[int, Field(ge=1)], "greater than or equal to 1"),
        ("x", int | bool, "not one of"),
        ("x", object.__class__, "no conversion is known"),
        ('{"x": "far"}', Point, "x"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_reason(text: str, annotation: Any, reason: str) -> None:
    with pytest.raises(ConversionError, match=r"(?s)is no .*") as caught:
        Converters().convert(text, annotation)
    assert reason in str(caught.value)


def test_a_long_text_is_not_repeated_in_full() -> None:
    with pytest.raises(ConversionError) as caught:
        Converters().convert("x" * 100_000, int)
    assert len(str(caught.value)) < 400


def test_a_value_that_a_pattern_has_converted_stays() -> None:
    assert Converters().convert(5, int) == 5
    assert Converters().convert(5, float) == 5.0


def test_a_project_adds_types() -> None:
    class Money(int):
        pass

    converters = Converters({Money: lambda text: Money(text.removesuffix(" coins"))})
    assert converters.convert("3 coins, 4 coins", list[Money]) == [3, 4]


@given(strategies.integers(min_value=0, max_value=2**50))
def test_sizes_round_trip(number: int) -> None:
    assert byte_size(str(number)) == number
    assert byte_size(f"{number} KB") == number * 1024


@given(strategies.integers(min_value=0, max_value=10**6))
def test_durations_scale(number: int) -> None:
    assert duration(f"{number}ms") == pytest.approx(duration(str(number)) / 1000)


TABLE = DataTable(("Name", "Payload size"), (("a", "1KB"), ("b", "")))


def test_tables() -> None:
    table = Converters().table
    assert table(TABLE, DataTable) is TABLE
    assert table(TABLE, list[dict[str, str]]) == [
        {"Name": "a", "Payload size": "1KB"},
        {"Name": "b", "Payload size": ""},
    ]
    assert table(TABLE, list[list[str]]) == [["Name", "Payload size"], ["a", "1KB"], ["b", ""]]
    assert table(TABLE, list[Row]) == [Row(name="a", payload_size=ByteSize(1024)), Row(name="b")]
    assert table(TABLE, tuple[Row, ...]) == tuple(table(TABLE, list[Row]))
    assert table(DataTable(("x",), (("4",),)), Point) == Point(4)


@pytest.mark.parametrize(
    ("table", "annotation", "reason"),
    [
        (DataTable(("name", "colour"), (("a", "red"),)), list[Row], "no field for the column 'colour'"),
        (DataTable(("name", "payload size"), (("a", "1KB"), ("b", "huge"))), list[Row], "row 2, column 'payload size'"),
        (DataTable(("payload size",), (("1",),)), list[Row], "row 1 is no Row: name"),
        (TABLE, Row, "the table has 2"),
        (TABLE, int, "a data table is no int"),
    ],
)
def test_tables_that_do_not_fit(table: DataTable, annotation: Any, reason: str) -> None:
    with pytest.raises(ConversionError) as caught:
        Converters().table(table, annotation)
    assert reason in str(caught.value)


def test_doc_strings() -> None:
    text = DocString('{"x": 1}', "application/json")
    convert = Converters().doc_string
    assert convert(text, DocString) is text
    assert convert(text, str) == '{"x": 1}'
    assert convert(text, bytes) == b'{"x": 1}'
    assert convert(text, Point) == Point(1)
    with pytest.raises(ConversionError):
        convert(DocString("not JSON"), Point)
