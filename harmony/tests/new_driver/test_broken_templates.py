"""The tests of the templates find what is broken: a template with one fault fails the test that is meant for it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources
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


def outlives(language: str) -> Check:
    check = test_templates.test_the_death_of_the_parent_ends_it_whoever_holds_its_pipes
    return lambda made, _: check(language, lambda *_: made)


@dataclass(frozen=True)
class Fault:
    """One fault of a driver, and the check that must find it.

    Attributes:
        old: What stands in its files, or in those of the kit.
        new: What stands there instead.
        check: Finds it.
        language: Of the driver.
    """

    old: str
    new: str
    check: Check
    language: str = "python"


KIT: Final = ("__init__", "lazy", "driver_kit", "wire/__init__", "wire/framing", "wire/jsonrpc")
THREAD: Final = "threading.Thread(target=work, name=request.method, daemon=True).start()"
FAULTS: Final = {
    "one after the other": Fault(
        THREAD,
        "work()",
        as_filled(test_templates.test_a_verb_that_waits_holds_up_no_other_and_is_told_by_dump),
    ),
    "waits for its threads": Fault(
        "daemon=True).start()",
        "daemon=False).start()",
        as_filled(test_templates.test_it_ends_while_verbs_wait, close=True),
    ),
    "deaf to SIGTERM": Fault(
        "    sys.exit(0)",
        "    return",
        as_filled(test_templates.test_it_ends_while_verbs_wait, close=False),
    ),
    "dump lists itself": Fault(
        'if request.method != "dump"',
        "if request.method",
        as_filled(test_templates.test_a_verb_that_waits_holds_up_no_other_and_is_told_by_dump),
    ),
    "ids as text": Fault(
        '"id": identity, "result"',
        '"id": str(identity), "result"',
        as_case(template_tests.test_names_of_requests_come_back_as_they_were),
    ),
    "stops at garbage": Fault(
        "item.detail)\n                continue",
        "item.detail)\n                return",
        as_case(template_tests.test_what_is_no_message_is_answered_once_and_the_next_header_counts),
    ),
    "headers in one case": Fault(
        "key = name.strip().lower()",
        'key = name.strip().replace(b"C", b"c").replace(b"L", b"l")',
        as_case(template_tests.test_it_reads_messages_however_they_come),
    ),
    "NaN": Fault(
        "json.JSONDecoder(parse_constant=_refuse_constant)",
        "json.JSONDecoder()",
        as_case(template_tests.test_bad_messages_are_answered_and_it_goes_on),
    ),
    "batches": Fault(
        "    if isinstance(document, list):\n",
        "    if isinstance(document, list):\n        return _classify(document[0])\n    if document == []:\n",
        as_case(template_tests.test_bad_messages_are_answered_and_it_goes_on),
    ),
    "parameters unchecked": Fault(
        '    raise Misfit(f"{path}: {_said(kind)}',
        '    return value\n    raise Misfit(f"{path}: {_said(kind)}',
        as_case(template_tests.test_wrong_parameters_are_refused_by_name),
    ),
    "a missing one is null": Fault(
        '            raise Misfit(f"{path}{name} is missing")',
        "            found[name] = None",
        as_case(template_tests.test_wrong_parameters_are_refused_by_name),
    ),
    "no data in refusals": Fault(
        'refused.message, {"code": refused.code, "details": refused.details})',
        "refused.message)",
        as_filled(test_templates.test_what_is_filled_in_answers_refuses_and_fails),
    ),
    "outlives its parent": Fault(
        ".prctl(_SET_DEATH_SIGNAL, signal.SIGKILL)",
        ".prctl(_SET_DEATH_SIGNAL, 0)",
        outlives("python"),
    ),
    "java: outlives its parent": Fault('begin("parent", Driver::watchParent);', "", outlives("java"), "java"),
    "java: exits as one that was killed": Fault(
        "Runtime.getRuntime().halt(status);",
        "if (status != 0) Runtime.getRuntime().halt(status);",
        as_filled(test_templates.test_it_ends_while_verbs_wait, close=False),
        "java",
    ),
    "java: prints among its messages": Fault(
        "System.setOut(System.err);",
        "",
        as_filled(test_templates.test_a_verb_that_waits_holds_up_no_other_and_is_told_by_dump),
        "java",
    ),
    "java: no limit": Fault(
        "MOST_BYTES = 16 << 20",
        "MOST_BYTES = Integer.MAX_VALUE",
        as_case(template_tests.test_what_is_no_message_is_answered_once_and_the_next_header_counts),
        "java",
    ),
}


def give_its_own_kit(made: Made, old: str, new: str) -> None:
    """Put a kit beside a driver in Python, which finds it before the installed one, with a fault in it."""
    found = 0
    for name in KIT:
        source = resources.files("harmony") / f"{name}.py"
        file = made.directory / "harmony" / f"{name}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        text = source.read_text("utf-8")
        found += text.count(old)
        file.write_text(text.replace(old, new), "utf-8")
    assert found == 1, "one place in the kit looks like this"


@pytest.mark.nightly
@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_found(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fault = FAULTS[name]
    in_kit = fault.language == "python"
    made = make(fault.language, JUKEBOX, tmp_path, {} if in_kit else {fault.old: fault.new})
    if in_kit:
        give_its_own_kit(made, fault.old, fault.new)
    fill_in(made, fault.language)
    made.build()
    for module in (talking, template_tests, test_templates):
        monkeypatch.setattr(module, "PATIENCE", 2.0)
    with pytest.raises((AssertionError, KeyError, subprocess.TimeoutExpired)):
        fault.check(made, JUKEBOX)


def test_a_kit_beside_its_driver_is_enough(tmp_path: Path) -> None:
    """Otherwise what is found above could be that something is missing."""
    made = make("python", JUKEBOX, tmp_path)
    give_its_own_kit(made, THREAD, THREAD)
    template_tests.test_names_of_requests_come_back_as_they_were((made, JUKEBOX))
