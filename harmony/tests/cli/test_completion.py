"""What a shell is told while a command line is typed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from harmony.cli.commands import COMMANDS
from harmony.cli.completion import ASKED, SCRIPTS, candidates
from sandbox import Sandbox, environment_of, run_python

FEATURE = """
    # language: de
    Funktionalität: Glocken
      # Scenario: 1.9 Not this one
      Szenario: 1.1 Eine: Glocke
        Angenommen sie läutet
      Szenariogrundriss: 1.2 Zwei
"""
SETTINGS = """
    [tags]
    loud = "is heard"
    [platforms.go]
    command = ["x"]
    [platforms.tin_2]
    command = ["x"]
"""


@pytest.fixture
def project(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    sandbox.write(
        "harmony.toml",
        "[tags]\nloud = 'is heard'\n[platforms.go]\ncommand = ['x']\n[platforms.tin_2]\ncommand = ['x']\n",
    )
    sandbox.write("features/a/1.feature", FEATURE)
    monkeypatch.chdir(sandbox.directory / "features")
    return sandbox


@pytest.mark.parametrize(
    ("before", "typed", "found"),
    [
        ("", "ex", ["explain", "expect"]),
        ("run", "1.", ["1.1", "1.2"]),
        ("explain 1.1", "", ["1.1", "1.2", "go", "tin_2"]),
        ("run", "go_", ["go_go", "go_tin_2"]),
        ("run", "tin_2_g", ["tin_2_go"]),
        ("run go_go", "@", ["@loud"]),
        ("run --tag", "", ["loud"]),
        ("run --platform", "t", ["tin_2"]),
        ("build", "", ["go", "tin_2"]),
        ("completion", "", list(SCRIPTS)),
        ("report", "", []),
        ("run --record", "", []),
        ("run -x", "g", ["go"]),
        ("run", "--last", ["--last-failed"]),
        ("nonsense", "--", []),
    ],
)
def test_what_may_stand_there(project: Sandbox, before: str, typed: str, found: list[str]) -> None:
    assert [text for text, _ in candidates(before.split(), typed)] == found


def test_scenarios_are_those_of_the_project_that_is_named(
    project: Sandbox, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    Sandbox(elsewhere).write("harmony.toml", "features = 'f'\nnumber = '(\\d+)\\) '\n")
    Sandbox(elsewhere).write("f/1.feature", "Feature: F\n  Scenario: 7) Seven\n")
    assert list(candidates(["run", "--project", str(elsewhere)], "")) == [("7", "Seven")]
    assert list(candidates(["run", f"--project={elsewhere / 'harmony.toml'}"], "")) == [("7", "Seven")]


@pytest.mark.parametrize("text", ["number = 7", "number = '('", "numbered = false", "features = 'nowhere'"])
def test_a_project_that_cannot_be_read_completes_nothing(project: Sandbox, text: str) -> None:
    project.write("harmony.toml", text)
    assert list(candidates(["scenarios"], "")) == []


def test_an_answer_loads_nothing_that_takes_long(project: Sandbox) -> None:
    """A shell waits for it at each key: neither typer nor pydantic, which take most of the start of all else."""
    code = (
        "import sys; sys.argv = ['harmony', 'run', '1.']\n"
        "from harmony.cli import main; main()\n"
        "print(*sorted({'typer', 'pydantic', 'gherkin', 'pytest', 'rich', 'asyncio'} & set(sys.modules)))\n"
    )
    done = run_python(project.directory, "-c", code, **{ASKED: "2"})
    assert done.stdout == "1.1\tEine: Glocke\n1.2\tZwei\n\n", done.stderr


ASKING = {
    "bash": """\
eval "$(harmony completion bash)"
COMP_WORDS=(harmony run 1.); COMP_CWORD=2; _harmony_completion; printf '%s\\n' "${COMPREPLY[@]}"
COMP_WORDS=(harmony l); COMP_CWORD=1; _harmony_completion; printf '%s\\n' "${COMPREPLY[@]}"
""",
    "zsh": """\
compdef() { }; _files() { }; _describe() { printf '%s\\n' "${(@)answers%%:*}" }
eval "$(harmony completion zsh)"
words=(harmony run 1.); CURRENT=3; _harmony
words=(harmony l); CURRENT=2; _harmony
""",
    "fish": """\
harmony completion fish | source
complete -C 'harmony run 1.' | cut -f 1
complete -C 'harmony l' | cut -f 1
""",
}


@pytest.mark.parametrize("shell", SCRIPTS)
def test_each_shell_asks_and_understands(project: Sandbox, shell: str, tmp_path: Path) -> None:
    """The script that is printed, in the shell itself."""
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"there is no {shell} here")
    command = project.write("bin/harmony", f'#!/bin/sh\nexec {sys.executable} -m harmony "$@"\n')
    command.chmod(0o755)
    done = subprocess.run(
        [program, "-c", ASKING[shell]],
        cwd=project.directory,
        env={**environment_of(), "PATH": f"{command.parent}{os.pathsep}{os.environ['PATH']}", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.split() == ["1.1", "1.2", "lint"], done.stderr


def test_every_command_is_completed(project: Sandbox) -> None:
    assert {name for name, _ in candidates([], "")} == set(COMMANDS)
    assert Path.cwd().is_relative_to(project.directory)
