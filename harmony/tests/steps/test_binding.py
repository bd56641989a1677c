from __future__ import annotations

from typing import Any

import pytest
from pytest_bdd import parsers

from harmony.errors import ConversionError, StepClassError
from harmony.model import DataTable, DocString, StepType
from harmony.steps.binding import bind
from harmony.steps.conversion import Converters
from harmony.steps.registry import StepRegistry, when


class Steps:
    @when(parsers.re(r"mixed ([^ ]+) (?P<b>\d+) ([^ ]+)"))
    def mixed(self, a: str, b: int, c: float) -> None: ...

    @when(parsers.re(r"optional(?: (?P<n>\d+))?"))
    def optional(self, n: int = 9) -> None: ...

    @when("a table")
    def table(self, datatable: list[dict[str, str]]) -> None: ...

    @when("a text")
    def text(self, docstring: str) -> None: ...

    @when(parsers.re(r"too (many) (groups)"))
    def too_many(self, a: str) -> None: ...

    @when(parsers.re(r"unknown (?P<nobody>.*)"))
    def unknown(self) -> None: ...

    @when("rest")
    def rest(self, *values: str) -> None: ...

    @when("missing")
    def missing(self, value: str) -> None: ...

    @when(parsers.re("wrong (?P<n>.*)"))
    def wrong(self, n: int) -> None: ...

    @when(parsers.re("odd (?P<n>.*)"))
    def odd(self, n: NoSuchType) -> None: ...  # type: ignore[name-defined]  # noqa: F821


TABLE = DataTable(("a",), (("1",),))


def bound(sentence: str, table: DataTable | None = None, text: DocString | None = None) -> dict[str, Any]:
    match = StepRegistry.of_classes(Steps).match(StepType.WHEN, sentence)
    return bind(match, table, text, Converters())


def test_unnamed_groups_fill_the_parameters_that_are_left() -> None:
    assert bound("mixed x 2 0.5") == {"a": "x", "b": 2, "c": 0.5}


def test_a_group_that_takes_no_part_leaves_the_default() -> None:
    assert bound("optional") == {}
    assert bound("optional 3") == {"n": 3}


def test_tables_and_doc_strings_have_parameters_of_their_own() -> None:
    assert bound("a table", TABLE) == {"datatable": [{"a": "1"}]}
    assert bound("a text", text=DocString("hello")) == {"docstring": "hello"}


@pytest.mark.parametrize(
    ("sentence", "table", "reason"),
    [
        ("a text", TABLE, "takes no `datatable`"),
        ("a table", None, "wants datatable"),
        ("missing", None, "wants value"),
        ("too many groups", None, "2 unnamed group"),
        ("unknown who", None, "no parameter nobody"),
        ("wrong x", None, "argument 'n' of Steps.wrong"),
    ],
)
def test_what_cannot_be_bound(sentence: str, table: DataTable | None, reason: str) -> None:
    with pytest.raises(ConversionError) as caught:
        bound(sentence, table)
    assert reason in str(caught.value)


@pytest.mark.parametrize(("sentence", "reason"), [("rest", r"\*values"), ("odd x", "NoSuchType")])
def test_signatures_that_cannot_be_used(sentence: str, reason: str) -> None:
    with pytest.raises(StepClassError, match=reason):
        bound(sentence)
