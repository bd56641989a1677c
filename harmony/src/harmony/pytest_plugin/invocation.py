"""How pytest was called, as far as whoever repeats a cell must say it again."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Any, Final

import pytest

from harmony.project import Project
from harmony.project_file import find_project_file
from harmony.pytest_plugin.xdist_worker import told

PROGRAM: Final = "harmony_program"
"""What a worker of pytest-xdist, which pytest did not call, is told by its controller."""
_REPEATED: Final = ("--harmony-set", "--with-tag", "--expectations", "--rootdir")
_FLAGS: Final = ("--stress", "--benchmark", "--validate")
_LINE: Final = "{pytest} {words} --seed {seed}"


def program(config: pytest.Config) -> str:
    """Return what calls pytest here, or `harmony run` where that does."""
    given = told(config, PROGRAM)
    if given is not None:
        return str(given)
    called = Path(sys.argv[0])
    if front := config.getoption("--harmony-run"):
        return f"{_program('harmony', Path(front))} run"
    return _program("pytest", called) if called.name == "__main__.py" or called.is_file() else "pytest"


def template(config: pytest.Config) -> str:
    """Return how the line that repeats a cell is made; nothing where the project says it."""
    return _LINE if config.getoption("--harmony-run") else ""


def options(config: pytest.Config, project: Project) -> list[str]:
    """Return the options that decide what a cell does, or whether its project is found."""
    here = config.invocation_params.dir
    front = bool(config.getoption("--harmony-run"))
    given = [] if front else [name for name in _FLAGS if config.getoption(name)]
    for name in _REPEATED:
        if not (front and name == "--rootdir"):
            shown = name.replace("--harmony-", "--") if front else name
            given += [f"{shown}={value}" for value in _listed(config.getoption(name))]
    given += [f"--platform={entry}" for entry in config.getoption("--platform") if "=" in entry]
    if config.getoption("inifilename") and not front:
        given += ["-c", str(config.getoption("inifilename"))]
    outside = find_project_file(here) != project.file
    if project.suite:
        given.append(f"--{'' if front else 'harmony-'}suite={project.suite}")
    elif front:
        given += [f"--project={os.path.relpath(project.root, here)}"] if outside else []
    elif config.getoption("--harmony-project") or outside:
        given.append(f"--harmony-project={os.path.relpath(project.file, here)}")
    # `harmony run` names its project before what it asks for.
    return [*given, "--validate"] if front and config.getoption("--validate") else given


def _program(name: str, called: Path) -> str:
    """Return how a program is called that is a command, or a module of the same name."""
    if called.name == "__main__.py":
        return f"{_named('python', Path(sys.executable))} -m {name}"
    return _named(name, called)


def _named(name: str, file: Path) -> str:
    """Return the name by which a program is found, or else its file."""
    found = shutil.which(name)
    same = found is not None and Path(found).absolute() == file.absolute()
    return name if same else os.path.relpath(file)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value] if value else []
