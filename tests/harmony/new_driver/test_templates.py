"""What `harmony new-driver` writes for the contract of this project builds, and takes its verbs and structures.

That each language keeps the rules of the wire, whatever the contract, is tested in `harmony/tests/new_driver`.
"""

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
    test_it_introduces_itself_and_every_verb_is_to_be_filled_in,
    test_wrong_parameters_are_refused_by_name,
    written_as_the_language_is,
)
from step_definitions.port import CONTRACT

__all__ = [
    "test_it_introduces_itself_and_every_verb_is_to_be_filled_in",
    "test_wrong_parameters_are_refused_by_name",
]


@pytest.fixture(params=[name for name in LANGUAGES if name != "cpp"])  # which test_story builds and plays
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
