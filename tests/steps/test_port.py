from __future__ import annotations

import inspect

from step_definitions.dispatcher import Dispatcher
from step_definitions.library import load
from step_definitions.port import CONTRACT, Driver
from zerobuffer.errors import BY_CODE

OF_THE_LIBRARY_ALONE = {"error"}
VERBS = set(CONTRACT.verbs)


def test_every_verb_of_the_port_is_performed_with_the_same_arguments() -> None:
    dispatcher = Dispatcher(load("zerobuffer"))
    at_once, waiting = dispatcher._at_once, dispatcher._waiting
    assert not at_once.keys() & waiting.keys()
    assert at_once.keys() | waiting.keys() == VERBS
    for verb, method in {**at_once, **waiting}.items():
        port = set(inspect.signature(getattr(Driver, verb)).parameters) - {"self"}
        assert port - ({"timeout"} if verb in at_once else set()) == set(inspect.signature(method).parameters), verb


def test_the_port_has_no_other_verb() -> None:
    public = {name for name, _ in inspect.getmembers(Driver, inspect.iscoroutinefunction) if not name.startswith("_")}
    assert public == VERBS | {"call", "end"}


def test_every_verb_has_a_deadline() -> None:
    assert all("timeout" in inspect.signature(getattr(Driver, verb)).parameters for verb in VERBS)


def test_the_codes_are_those_that_the_library_raises() -> None:
    assert set(BY_CODE) - OF_THE_LIBRARY_ALONE == set(CONTRACT.codes)
