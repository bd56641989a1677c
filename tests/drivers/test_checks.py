"""Each check of the wire catches a driver that is right but for one lie, see `tests/drivers/liar.py`."""

from __future__ import annotations

import inspect
import itertools
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from step_definitions.observer import objects_of_run
from tests.drivers import conversation, liar, wire
from tests.drivers.language import DRIVERS, Language
from tests.drivers.test_python import PYTHON

ROOT = DRIVERS.parent
IDENTITY = "test_it_says_who_it_is_and_how_it_sees_the_memory"
DOING = "test_it_is_healthy_and_tells_what_it_does_while_verbs_wait"
FORMS = "test_each_answer_has_the_form_of_the_contract"
RECIPES = "test_recipes_are_followed"
PARAMETERS = "test_parameters_that_are_missing_or_ill_typed"
NONSENSE = "test_what_is_no_request_is_said_so_and_passed_over"
NOTIFICATION = "test_what_wants_no_answer_gets_none"
VERB = "test_a_verb_that_it_has_not_got"
NUMBERS = "test_nothing_is_open_under_a_wrong_number"
VALUES = "test_refusals_tell_the_values_involved"
SERIES = "test_a_series_that_takes_too_long_tells_how_far_it_came_and_the_limit_of_all"
NOISE = "test_what_is_no_message_is_said_so"
MEMORY = "test_nothing_is_made_of_what_a_header_merely_announces"
END = "test_it_ends_at_once_and_releases_everything_although_verbs_wait"

CAUGHT = [
    ("swaps two fields", IDENTITY),
    ("claims magic", IDENTITY),
    ("adds a key", IDENTITY),
    ("adds a key", FORMS),
    ("counts in floats", FORMS),
    ("makes a wrong digest", FORMS),
    ("makes a wrong digest", RECIPES),
    ("is ill", DOING),
    ("does nothing", DOING),
    ("has no threads", DOING),
    ("has always just begun", DOING),
    ("refuses nothing", PARAMETERS),
    ("refuses nothing", VERB),
    ("knows only bugs", PARAMETERS),
    ("knows only bugs", NUMBERS),
    ("says only no", PARAMETERS),
    ("says only no", VERB),
    ("has codes of its own", NUMBERS),
    ("tells no values", VALUES),
    ("says only no", SERIES),
    ("tells what was left", SERIES),
    ("passes over what is no message", NONSENSE),
    ("passes over what is no message", NOISE),
    ("answers twice", NONSENSE),
    ("answers without a version", RECIPES),
    (liar.TALKS, RECIPES),
    (liar.ANSWERS_ALL, NOTIFICATION),
    (liar.FAILS, END),
    (liar.STAYS, END),
    (liar.LEAVES, END),
    (liar.EATS, MEMORY),
]
SAMPLES: dict[str, dict[str, Any]] = {
    PARAMETERS: {"verb": "connect", "params": {}, "key": "name"},
    NONSENSE: {"body": b"{", "code": conversation.PARSE_ERROR},
    NOISE: {"noise": b"these are no headers\r\n\r\n"},
    END: {"end": "stdin"},
}

_numbers = itertools.count(90_000)


@pytest.fixture
def name(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A name for buffers; what a liar leaves of it is removed."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), *sys.path[1:]]))
    suffix = f"_{os.getpid()}_{next(_numbers)}"
    yield f"lie{suffix}"
    for path in objects_of_run(suffix):
        Path(path).unlink()


def examine(lie: str, check: str, name: str) -> None:
    """Have a liar checked."""

    class Lying(wire.Wire):
        language = Language(
            "python",
            folder=PYTHON.folder,
            command=(sys.executable, liar.__file__, lie, *PYTHON.command),
            sources=(),
            said=PYTHON.said,
        )

    work = getattr(Lying(), check)
    given = {"name": name} if "name" in inspect.signature(work).parameters else {}
    work(**given, **SAMPLES.get(check, {}))


@pytest.mark.parametrize("check", sorted({check for _, check in CAUGHT} - {IDENTITY}))
def test_without_a_lie_nothing_is_found(check: str, name: str) -> None:
    examine("none", check, name)


@pytest.mark.parametrize(("lie", "check"), CAUGHT)
def test_a_lie_is_found(lie: str, check: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for module, bound in ((wire, "PATIENCE"), (conversation, "PATIENCE"), (conversation, "ENDS_WITHIN")):
        monkeypatch.setattr(module, bound, 3.0)
    with pytest.raises((AssertionError, subprocess.TimeoutExpired)):
        examine(lie, check, name)
