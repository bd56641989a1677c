from __future__ import annotations

import inspect

from step_definitions.dispatcher import Dispatcher
from step_definitions.port import CONTRACT, Driver
from zerobuffer.errors import BY_CODE

OF_THE_LIBRARY_ALONE = {"error"}
VERBS = set(CONTRACT.verbs)


def test_every_verb_of_the_port_is_performed_with_the_same_arguments() -> None:
    for verb in VERBS:
        port = inspect.signature(getattr(Driver, verb)).parameters
        dispatcher = inspect.signature(getattr(Dispatcher, f"_{verb}")).parameters
        assert set(port) == set(dispatcher), verb


def test_the_port_has_no_other_verb() -> None:
    public = {name for name, _ in inspect.getmembers(Driver, inspect.iscoroutinefunction) if not name.startswith("_")}
    assert public == VERBS | {"call", "end"}


def test_every_verb_has_a_deadline() -> None:
    assert all("timeout" in inspect.signature(getattr(Driver, verb)).parameters for verb in VERBS)


def test_the_codes_are_those_that_the_library_raises() -> None:
    assert set(BY_CODE) - OF_THE_LIBRARY_ALONE == set(CONTRACT.codes)
