"""``harmony menu``, with the keys of a person and no terminal."""

from __future__ import annotations

import builtins
import os
import pty
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import pytest
from prompt_toolkit.application import create_app_session
from prompt_toolkit.document import Document
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput

from harmony.cli import menu
from harmony.errors import ConfigurationError
from harmony.project import load_project
from sandbox import Sandbox, environment_of

DOWN, ENTER, LEAVE, TAB = "\x1b[B", "\r", "\x03", "\t"
SETTINGS = """
    [platforms.tin]
    command = ["tin"]
    contract = "driver"
    [platforms.brass]
    command = ["brass"]
    contract = "driver"
    [platforms.served]
    command = ["served"]
"""
FEATURE = "Feature: Bells\n  Scenario: 1.1 A bell\n    Then x\n  Scenario: 1.2 Two bells\n    Then x\n"
LINES = {entry.title: "harmony " + " ".join(entry.words) for entry in menu.ENTRIES}
RECORD = "harmony run --record .harmony/recordings"


@pytest.fixture
def bells(sandbox: Sandbox) -> Sandbox:
    sandbox.write("harmony.toml", SETTINGS)
    sandbox.write("features/bells.feature", FEATURE)
    return sandbox


def to(title: str) -> str:
    """Return the keys that lead from the first choice to another, and take it."""
    return DOWN * [entry.title for entry in menu.ENTRIES].index(title) + ENTER


def pressed(box: Sandbox, keys: str, *more: str, code: int = 0) -> tuple[list[list[str]], list[str]]:
    """Return which command lines some keys run, and what is said; the keys leave, too."""
    ran: list[list[str]] = []
    said: list[str] = []

    def run(words: Sequence[str]) -> int:
        ran.append(list(words))
        return code

    with create_pipe_input() as pipe, create_app_session(input=pipe, output=DummyOutput()):
        pipe.send_text(keys + LEAVE)
        menu.Menu(load_project(box.directory), more, run, said.append).show()
    return ran, said


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        (to("Run everything"), "harmony run"),
        (to("Repeat what has failed"), "harmony run --last-failed"),
        (to("Show the last report"), "harmony report -v"),
        (to("Build all drivers"), "harmony build"),
        (to("Check features and steps"), "harmony lint"),
        (to("Help"), "harmony --help"),
        (f"{to('Run some of it')}1.1 '@a b'{ENTER}", "harmony run -v 1.1 '@a b'"),
        (f"{to('Run some of it')}{ENTER}", "harmony run -v"),
        (f"{to('Run again at each change')}tin{ENTER}", "harmony watch tin"),
        (f"{to('Record conversations')}1.2{ENTER}", f"{RECORD} 1.2"),
        # Nothing is no scenario: the question stays.
        (f"{to('Explain a scenario')}{ENTER}1.1{ENTER}", "harmony explain 1.1"),
        # A quote that is open is no answer.
        (f"{to('Explain a scenario')}1.1 '{ENTER}x'{ENTER}", "harmony explain 1.1 x"),
        (f"{to('Examine a driver')}{DOWN}{ENTER}", "harmony doctor tin"),
        (f"3{ENTER}", "harmony run --last-failed"),
    ],
    ids=lambda value: value if value.startswith("harmony") else "",
)
def test_a_choice_shows_its_command_line_and_runs_it(bells: Sandbox, keys: str, line: str) -> None:
    ran, said = pressed(bells, keys)
    assert said == [f"$ {line}", ""]
    assert len(ran) == 1


def test_leaving_a_question_leads_back_and_leaving_the_list_ends(bells: Sandbox) -> None:
    assert pressed(bells, "") == ([], [])
    assert pressed(bells, f"{to('Explain a scenario')}{LEAVE}") == ([], [])
    assert pressed(bells, f"q{ENTER}{ENTER}") == ([], [])
    # The list begins at what was chosen last.
    ran, said = pressed(bells, f"{to('Show the last report')}{ENTER}", "--project=x", code=1)
    assert ran == [["report", "-v", "--project=x"]] * 2
    assert said[1] == "(exit 1)\n"


def test_without_drivers_there_is_none_to_examine(bells: Sandbox) -> None:
    bells.write("harmony.toml", "")
    ran, said = pressed(bells, to("Examine a driver"))
    assert (ran, said) == ([], ["no platform of this project has a driver: `harmony new-driver` begins one"])


def test_what_is_typed_is_completed_as_in_a_shell(bells: Sandbox) -> None:
    completer: Any = menu._completer(["explain", f"--project={bells.directory}"])
    found = list(completer.get_completions(Document("tin 1."), None))
    assert [(one.text, one.start_position, one.display_meta_text) for one in found] == [
        ("1.1", -2, "A bell"),
        ("1.2", -2, "Two bells"),
    ]


def test_every_choice_is_a_command_that_there_is(bells: Sandbox) -> None:
    """A choice must not offer an option that its command has lost."""
    for entry in menu.ENTRIES:
        done = bells.harmony(*entry.words, "--help")
        assert done.returncode == 0, f"{entry.line}: {done.stderr}"


def test_without_a_terminal_it_says_what_to_say(bells: Sandbox) -> None:
    done = bells.harmony("menu")
    assert (done.returncode, done.stdout) == (4, "")
    assert "harmony run --last-failed" in done.stderr


def test_without_its_library_it_says_what_to_install(bells: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    take = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name == "questionary":
            raise ImportError
        return take(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ConfigurationError, match="takes questionary") as caught:
        pressed(bells, "")
    assert "harmony-conformance[menu]" in caught.value.hint


def test_on_a_terminal_it_lists_choices_with_their_lines(bells: Sandbox) -> None:
    """What no pipe shows: that a real terminal is taken, and gets every line within its width."""
    ours, theirs = pty.openpty()
    environment = {name: value for name, value in environment_of().items() if name not in {"CI", "NO_COLOR"}}
    told = b""
    with subprocess.Popen(
        [sys.executable, "-m", "harmony", "menu"],
        cwd=bells.directory,
        env={**environment, "TERM": "xterm", "PROMPT_TOOLKIT_NO_CPR": "1"},
        stdin=theirs,
        stdout=theirs,
    ) as process:
        os.close(theirs)
        try:
            while b"Leave" not in told:
                told += os.read(ours, 4096)
            os.write(ours, LEAVE.encode())
            assert process.wait(timeout=60) == 0
        finally:
            process.kill()
            os.close(ours)
    text = told.decode()
    assert all(entry.title in text and entry.line in text for entry in menu.ENTRIES)
