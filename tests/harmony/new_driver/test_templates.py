"""What `harmony new-driver` writes for the contract of this project passes the harness's own tests of its templates."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harmony import Contract
from harmony.new_driver.languages import LANGUAGES
from new_drivers.made import Made, made_once, make
from new_drivers.template_tests import (
    FORMATTERS,
    lets_through,
    refuses_parts,
    test_bad_messages_are_answered_and_it_goes_on,
    test_it_ends_with_stdin_and_on_sigterm,
    test_it_introduces_itself_and_every_verb_is_to_be_filled_in,
    test_it_reads_messages_however_they_come,
    test_names_of_requests_come_back_as_they_were,
    test_what_is_no_message_is_answered_once_and_the_next_header_counts,
    test_wrong_parameters_are_refused_by_name,
    written_as_the_language_is,
)
from step_definitions.port import CONTRACT

__all__ = [
    "test_bad_messages_are_answered_and_it_goes_on",
    "test_it_ends_with_stdin_and_on_sigterm",
    "test_it_introduces_itself_and_every_verb_is_to_be_filled_in",
    "test_it_reads_messages_however_they_come",
    "test_names_of_requests_come_back_as_they_were",
    "test_what_is_no_message_is_answered_once_and_the_next_header_counts",
    "test_wrong_parameters_are_refused_by_name",
]


@pytest.fixture(params=LANGUAGES)
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Made, Contract]:
    return made_once(request.param, CONTRACT, tmp_path_factory), CONTRACT


def test_parts_of_parameters_are_checked_too(case: tuple[Made, Contract]) -> None:
    wrong: list[tuple[str, dict[str, Any]]] = [
        ("write", {"sizes": [1, "x"]}),
        ("write", {"sizes": None}),
        ("write", {"count": None}),
        ("write", {"count": 1.5}),
        ("write", {"payload": {"pattern": "frame", "size": 1}}),
        ("read_many", {"count": True}),
        ("read_many", {"look": 1}),
    ]
    refuses_parts(*case, wrong)
    lets_through(*case, "read_many", {"count": None})


@FORMATTERS
def test_it_is_written_as_the_language_is(language: str, formatter: tuple[str, ...], tmp_path: Path) -> None:
    written_as_the_language_is(language, formatter, make(language, CONTRACT, tmp_path))
