"""The tests of the templates find what is broken: a template with one fault fails the test that is meant for it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
import test_templates

from harmony.wire.driver_contract import Contract
from new_drivers import talk as talking
from new_drivers import template_tests
from new_drivers.contracts import JUKEBOX
from new_drivers.filled import fill_in
from new_drivers.made import Made, make
from new_drivers.talk import talk

Check = Callable[[Made, Contract], None]


def as_case(check: Callable[[tuple[Made, Contract]], None]) -> Check:
    return lambda made, contract: check((made, contract))


def as_filled(check: Callable[..., None], **more: Any) -> Check:
    def with_talk(made: Made, _: Contract) -> None:
        with talk(made.command, made.root) as driver:
            check(driver, **more)

    return with_talk


@dataclass(frozen=True)
class Fault:
    """One fault of the Python template, and the check that must find it."""

    old: str
    new: str
    check: Check


THREAD: Final = (
    'threading.Thread(target=self.answer, args=(number, request), name=request["method"], daemon=True).start()'
)
FAULTS: Final = {
    "one after the other": Fault(
        THREAD,
        "self.answer(number, request)",
        as_filled(test_templates.test_a_verb_that_waits_holds_up_no_other_and_is_told_by_dump),
    ),
    "waits for its threads": Fault(
        "daemon=True).start()",
        "daemon=False).start()",
        as_filled(test_templates.test_it_ends_while_verbs_wait, close=True),
    ),
    "deaf to SIGTERM": Fault(
        "lambda _number, _frame: sys.exit(0)",
        "signal.SIG_IGN",
        as_filled(test_templates.test_it_ends_while_verbs_wait, close=False),
    ),
    "dump lists itself": Fault(
        'if verb != "dump"',
        "if verb",
        as_filled(test_templates.test_a_verb_that_waits_holds_up_no_other_and_is_told_by_dump),
    ),
    "ids as text": Fault(
        '"id": name} | outcome',
        '"id": str(name)} | outcome',
        as_case(template_tests.test_names_of_requests_come_back_as_they_were),
    ),
    "no limit": Fault(
        "MOST_BYTES = 16 << 20",
        "MOST_BYTES = 1 << 62",
        as_case(template_tests.test_what_is_no_message_is_answered_once_and_the_next_header_counts),
    ),
    "stops at garbage": Fault(
        "            length, lost, others = None, True, False\n            yield fault",
        "            yield fault\n            return",
        as_case(template_tests.test_what_is_no_message_is_answered_once_and_the_next_header_counts),
    ),
    "headers in one case": Fault(
        'rb"(?i)content-length', 'rb"Content-Length', as_case(template_tests.test_it_reads_messages_however_they_come)
    ),
    "NaN": Fault(
        "body.decode(), parse_constant=no_constant",
        "body.decode()",
        as_case(template_tests.test_bad_messages_are_answered_and_it_goes_on),
    ),
    "batches": Fault(
        'raise RpcError(-32600, "a request is one object; batches are not supported")',
        "request = request[0] if isinstance(request, list) else {}",
        as_case(template_tests.test_bad_messages_are_answered_and_it_goes_on),
    ),
    "parameters unchecked": Fault(
        '    raise RpcError(-32602, f"{key}: {getattr',
        '    return value\n    raise RpcError(-32602, f"{key}: {getattr',
        as_case(template_tests.test_wrong_parameters_are_refused_by_name),
    ),
    "a missing one is null": Fault(
        "    if missing:\n",
        "    given = {**dict.fromkeys(kinds), **given}\n    if not given:\n",
        as_case(template_tests.test_wrong_parameters_are_refused_by_name),
    ),
    "no data in refusals": Fault(
        "RpcError(-32000, error.message, data)",
        "RpcError(-32000, error.message)",
        as_filled(test_templates.test_what_is_filled_in_answers_refuses_and_fails),
    ),
    "outlives its parent": Fault(
        ".prctl(1, signal.SIGKILL)",
        ".prctl(1, 0)",
        lambda made, _: test_templates.test_the_death_of_the_parent_ends_it_whoever_holds_its_pipes(
            "python", lambda *_: made
        ),
    ),
}


@pytest.mark.nightly
@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_found(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fault = FAULTS[name]
    made = make("python", JUKEBOX, tmp_path, {fault.old: fault.new})
    fill_in(made, "python")
    for module in (talking, template_tests, test_templates):
        monkeypatch.setattr(module, "PATIENCE", 2.0)
    with pytest.raises((AssertionError, KeyError, subprocess.TimeoutExpired)):
        fault.check(made, JUKEBOX)
