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


def program(config: pytest.Config) -> str:
    """Return what calls pytest here."""
    given = told(config, PROGRAM)
    if given is not None:
        return str(given)
    called = Path(sys.argv[0])
    if called.name == "__main__.py":
        return f"{_named('python', Path(sys.executable))} -m pytest"
    return _named("pytest", called) if called.is_file() else "pytest"


def options(config: pytest.Config, project: Project) -> list[str]:
    """Return the options that decide what a cell does, or whether its project is found."""
    here = config.invocation_params.dir
    given = [name for name in _FLAGS if config.getoption(name)]
    for name in _REPEATED:
        given += [f"{name}={value}" for value in _listed(config.getoption(name))]
    if config.getoption("inifilename"):
        given += ["-c", str(config.getoption("inifilename"))]
    if config.getoption("--harmony-project") or find_project_file(here) != project.file:
        given.append(f"--harmony-project={os.path.relpath(project.file, here)}")
    return given


def _named(name: str, file: Path) -> str:
    """Return the name by which a program is found, or else its file."""
    found = shutil.which(name)
    same = found is not None and Path(found).absolute() == file.absolute()
    return name if same else os.path.relpath(file)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value] if value else []
