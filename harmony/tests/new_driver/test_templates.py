"""What `harmony new-driver` writes, in each language: it builds, introduces itself, and keeps the rules of the wire."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest

from harmony.new_driver.languages import LANGUAGES
from harmony.process.this_system import SYSTEM
from harmony.run.driver_process import DriverProcess
from harmony.wire.driver_contract import Contract, HandshakeError, Structure
from harmony.wire.framing import encode
from new_drivers.contracts import JUKEBOX
from new_drivers.filled import fill_in
from new_drivers.made import Made, made_once, make
from new_drivers.talk import PATIENCE, Talk, talk
from new_drivers.template_tests import (
    FORMATTERS,
    ended,
    lets_through,
    refuses_parts,
    spec,
    test_bad_messages_are_answered_and_it_goes_on,
    test_it_ends_with_stdin_and_on_sigterm,
    test_it_introduces_itself_and_every_verb_is_to_be_filled_in,
    test_it_reads_messages_however_they_come,
    test_names_of_requests_come_back_as_they_were,
    test_what_is_no_message_is_answered_once_and_the_next_header_counts,
    test_wrong_parameters_are_refused_by_name,
    written_as_the_language_is,
)

__all__ = [
    "test_bad_messages_are_answered_and_it_goes_on",
    "test_it_ends_with_stdin_and_on_sigterm",
    "test_it_introduces_itself_and_every_verb_is_to_be_filled_in",
    "test_it_reads_messages_however_they_come",
    "test_names_of_requests_come_back_as_they_were",
    "test_what_is_no_message_is_answered_once_and_the_next_header_counts",
    "test_wrong_parameters_are_refused_by_name",
]

Builds = Callable[[str], Made]


def contract_with(**reel: tuple[int, int]) -> Contract:
    return replace(JUKEBOX, layout={**JUKEBOX.layout, "reel": Structure(size=16, fields=reel)})


# Somebody exchanges two lines of what was generated; the driver must say where the fields are then. One build will do.
GENERATED: Final = contract_with(winding_pos=(0, 8), playing_pos=(8, 8))
SPOKEN: Final = contract_with(winding_pos=(8, 8), playing_pos=(0, 8))
SWAPPED: Final = ("winding_pos", "playing_pos")


def spellings(name: str) -> tuple[str, str]:
    return name, "".join(word.capitalize() for word in name.split("_"))


def swap_fields(made: Made) -> None:
    """Change the places of two fields wherever the driver spells them."""
    first, second = (spellings(name) for name in SWAPPED)
    other = dict(zip((*first, *second), (*second, *first), strict=True))
    changed = 0
    for file in made.directory.rglob("*"):
        if file.is_file():
            text = file.read_text("utf-8")
            new = re.sub(r"\b(" + "|".join(other) + r")\b", lambda found: other[found[1]], text)
            file.write_text(new, "utf-8")
            changed += new != text
    assert changed == 1


def written_by_a_person(made: Made, language: str) -> None:
    fill_in(made, language)
    swap_fields(made)


@pytest.fixture
def builds(tmp_path_factory: pytest.TempPathFactory) -> Builds:
    """Return what gives the driver of a language, with some verbs filled in."""
    return lambda language: made_once(language, GENERATED, tmp_path_factory, written_by_a_person)


@pytest.fixture(params=LANGUAGES)
def case(request: pytest.FixtureRequest, builds: Builds) -> tuple[Made, Contract]:
    return builds(request.param), SPOKEN


@pytest.fixture(params=LANGUAGES)
def filled(request: pytest.FixtureRequest, builds: Builds) -> Iterator[Talk]:
    """A driver in which some verbs do something."""
    made = builds(request.param)
    with talk(made.command, made.root) as driver:
        yield driver


def test_parts_of_parameters_are_checked_too(case: tuple[Made, Contract]) -> None:
    wrong: list[tuple[str, dict[str, Any]]] = [
        ("select", {"programme": {"first": {}, "others": []}}),
        ("match", {"func": "x"}),
        ("match", {"type": 5}),
        ("shake", {"how": {}}),
    ]
    refuses_parts(*case, wrong)
    lets_through(*case, "match", {"type": None})


def test_a_verb_that_waits_holds_up_no_other_and_is_told_by_dump(filled: Talk) -> None:
    for identity in ("long", 1):
        filled.send({"jsonrpc": "2.0", "id": identity, "method": "wait", "params": [{"seconds": 60, "timeout": 90}]})
    filled.send({"jsonrpc": "2.0", "id": 2, "method": "wait", "params": [{"seconds": 0.05, "timeout": 9}]})
    filled.send({"jsonrpc": "2.0", "id": 3, "method": "health", "params": [{"timeout": 5.0}]})
    answers = [filled.next() for _ in range(2)]
    assert sorted(answers, key=lambda answer: answer["id"]) == [
        {"jsonrpc": "2.0", "id": identity, "result": True} for identity in (2, 3)
    ]
    answer = filled.ask("dump", identity=4)["result"]
    assert JUKEBOX.verbs["dump"].problems(answer) == []
    assert {(request["id"], request["verb"]) for request in answer["requests"]} == {("long", "wait"), (1, "wait")}
    assert all(0.04 < request["seconds"] < PATIENCE for request in answer["requests"])
    assert answer["threads"]


@pytest.mark.parametrize("close", [True, False], ids=["stdin", "SIGTERM"])
def test_it_ends_while_verbs_wait(filled: Talk, close: bool) -> None:
    for identity in range(3):
        filled.send({"jsonrpc": "2.0", "id": identity, "method": "wait", "params": [{"seconds": 60, "timeout": 90}]})
    assert filled.ask("health", identity=3)["result"] is True
    filled.close() if close else filled.process.send_signal(signal.SIGTERM)
    assert ended(filled) == 0


def test_what_is_filled_in_answers_refuses_and_fails(filled: Talk) -> None:
    error = filled.ask("refuse")["error"]
    assert error == {
        "code": -32000,
        "message": "it is stuck; shake it",
        "data": {"code": "jammed", "details": {"coin": 5, "where": "slot"}},
    }
    assert JUKEBOX.error_problems(error["code"], error["data"]) == []
    assert filled.ask("balk")["error"] == {"code": -32602, "message": "coin: too thin"}
    assert filled.ask("stumble")["error"]["code"] == -32603
    assert filled.ask("shake", {"extra": {}, "how": []})["error"] == {"code": -32601, "message": "it is screwed down"}
    tune = {"title": "Für \U0001f600", "notes": [3, -7, 2**53 - 1], "loud": True, "key": "minor", "more": None}
    for times, shown in ((None, -1), (0, 0), (2**40, 2**40)):
        answer = filled.ask("describe", {"tune": tune, "times": times})
        assert answer["result"] == [3, -7, 2**53 - 1, shown, 5]


@pytest.mark.promise("orphans")
@pytest.mark.parametrize("language", [name for name in LANGUAGES if name != "node"])
def test_the_death_of_the_parent_ends_it_whoever_holds_its_pipes(language: str, builds: Builds) -> None:
    """Node has no way to ask for it, as the README of such a driver says."""
    made = builds(language)
    program = "import subprocess, sys, time\nprint(subprocess.Popen(sys.argv[1:]).pid, flush=True)\ntime.sleep(600)"
    inside, outside = os.pipe()
    with subprocess.Popen(
        [sys.executable, "-c", program, *made.command], cwd=made.root, stdin=inside, stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout is not None
        child = SYSTEM.watch(int(parent.stdout.readline()))
        try:
            os.write(outside, encode(b'{"jsonrpc":"2.0","id":1,"method":"health","params":[{"timeout":1}]}'))
            assert parent.stdout.readline().startswith(b"Content-Length")  # it has asked for the signal by now
            parent.kill()
            assert child.ended(PATIENCE), "it outlives its parent"
        finally:
            child.close()
            for descriptor in (inside, outside):
                os.close(descriptor)


@pytest.mark.asyncio
async def test_a_wrong_order_of_fields_is_refused_by_name(case: tuple[Made, Contract]) -> None:
    made, _ = case
    with pytest.raises(HandshakeError) as caught:
        await DriverProcess.begin(spec(made), GENERATED, patience=PATIENCE)
    assert "reel.winding_pos is at offset 8, expected 0" in caught.value.message
    assert "reel.playing_pos is at offset 0, expected 8" in caught.value.message
    assert "slot." not in caught.value.message


@FORMATTERS
def test_it_is_written_as_the_language_is(language: str, formatter: tuple[str, ...], tmp_path: Path) -> None:
    written_as_the_language_is(language, formatter, make(language, JUKEBOX, tmp_path))
