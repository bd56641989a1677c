"""What the commands load before they do anything: a start must not wait for what it does not use."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

from harmony.cli.app import loaded
from harmony.cli.commands import COMMANDS
from harmony.cli.worker_words import plain_options
from sandbox import SUBJECT, run_python

_HEAVY = {
    "asyncio",
    "gherkin",
    "harmony.network",
    "harmony.run",
    "harmony.spec.gherkin",
    "harmony.verdict.events",
    "harmony.wire",
    "jinja2",
    "jsonschema",
    "opentelemetry",
    "psutil",
    "pydantic",
    "pydantic_settings",
    "pytest",
    "pytest_bdd",
    "rich",
    "tomlkit",
    "typer",
    "yaml",
}


@pytest.mark.parametrize(
    ("words", "allowed"),
    [
        (["--help"], {"typer"}),
        (["--version"], {"typer"}),
        (["serve"], {"asyncio", "harmony.run", "harmony.wire", "pydantic"}),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_a_command_imports_only_what_it_needs(words: list[str], allowed: set[str], tmp_path: Path) -> None:
    file = tmp_path / "modules"
    code = (
        "import atexit, os, sys\n"
        f"show = lambda: open({str(file)!r}, 'w').write(' '.join(sys.modules))\n"
        "atexit.register(show)\n"
        "leave = os._exit\n"
        "os._exit = lambda code: (show(), leave(code))\n"
        f"sys.argv = ['harmony', *{words!r}]\n"
        "from harmony.cli import main\n"
        "main()\n"
    )
    done = run_python(SUBJECT, "-c", code)
    assert done.returncode == 0, done.stderr
    assert set(file.read_text("utf-8").split()) & _HEAVY <= allowed


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_of_commands_says_what_each_says_of_itself(name: str) -> None:
    callback = loaded(name).callback
    assert callback is not None
    summary = (inspect.getdoc(callback) or "").partition("\n\n")[0]
    assert " ".join(summary.split()) == COMMANDS[name][1]


def test_a_worker_takes_by_itself_each_option_that_its_help_names() -> None:
    known = {option for parameter in loaded("serve").params for option in parameter.opts} - {"--help"}
    words = [word for option in sorted(known) for word in (option, "1")]
    assert plain_options(words) == {"project": Path("1"), "listen": Path("1"), "replay": Path("1"), "step_timeout": 1.0}


@pytest.mark.parametrize(
    "words", ["--help", "--listen", "--listen=x", "--lisen x", "--step-timeout 0", "--listen --replay", "x y"]
)
def test_what_needs_an_explanation_is_left_to_whoever_explains(words: str) -> None:
    assert plain_options(words.split()) is None
