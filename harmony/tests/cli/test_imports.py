"""What the commands load before they do anything: a start must not wait for what it does not use."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

from harmony.cli.app import loaded
from harmony.cli.commands import COMMANDS
from sandbox import SUBJECT, run_python

_HEAVY = {
    "asyncio",
    "gherkin",
    "harmony.run",
    "harmony.wire",
    "jsonschema",
    "opentelemetry",
    "psutil",
    "pydantic",
    "pydantic_settings",
    "pytest",
    "pytest_bdd",
    "rich",
    "structlog",
    "yaml",
}


@pytest.mark.parametrize(
    ("words", "allowed"),
    [
        (["--help"], set()),
        (["--version"], set()),
        (
            ["serve"],
            {
                "asyncio",
                "harmony.run",
                "harmony.wire",
                "pydantic",
                "pydantic_settings",
                "rich",  # structlog and typer take it where it is
                "structlog",
            },
        ),
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
