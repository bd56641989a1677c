"""Where a project begins: at the nearest project file. Nothing here takes long to load."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import Final

from harmony.errors import ConfigurationError

PROJECT_FILE: Final = "harmony.toml"
NUMBER: Final = r"(?:Test\s+)?(\d+(?:\.\d+)+)(?:\s*[-:]\s+|\s+)"
"""How a numbered title begins, where a project says nothing: ``1.1 Title``, ``1.1 - Title``, ``Test 1.1: Title``."""
_OF_PYTEST: Final = {
    "pytest.toml": "",
    ".pytest.toml": "",
    "pytest.ini": "",
    ".pytest.ini": "",
    "pyproject.toml": r"^\s*\[tool\.pytest\b",
    "tox.ini": r"^\[pytest\]",
    "setup.cfg": r"^\[tool:pytest\]",
}
"""Where pytest looks for its configuration, in its order, and what a file must have to be one."""


def find_project_file(start: Path) -> Path | None:
    """Return the project file of a directory or of the nearest one above it."""
    for directory in (start, *start.parents):
        candidate = directory / PROJECT_FILE
        if candidate.is_file():
            return candidate
    return None


def where_left(project: Path | None, file: Path) -> Path:
    """Return where a run has left a file: of a suite, that is where it was called, project or not.

    Args:
        project: The project file, or a directory in or below a project; the working directory by default.
        file: Relative to that place.
    """
    here = (project or Path.cwd()).resolve()
    own = find_project_file(here)
    return own.parent / file if own is not None and not (here / file).exists() else here / file


def require_project_file(start: Path | None = None) -> Path:
    """Return a project file.

    Args:
        start: The file, or a directory in or below a project; the working directory by default.

    Raises:
        ConfigurationError: There is no project.
    """
    begin = (start or Path.cwd()).resolve()
    file = begin if begin.is_file() else find_project_file(begin)
    if file is None:
        raise ConfigurationError(
            f"no {PROJECT_FILE} in {begin} or above", hint=f"run inside a project, or write a {PROJECT_FILE}"
        )
    return file


def require_suite_file(package: str) -> Path:
    """Return the project file that lies in an installed package.

    Args:
        package: As it is imported, or as its distribution is called where that differs by dashes alone.

    Raises:
        ConfigurationError: There is no such package, or it is no project.
    """
    try:
        spec = importlib.util.find_spec(package.replace("-", "_"))
    except (ImportError, ValueError):
        spec = None
    if spec is None:
        raise ConfigurationError(
            f"--suite {package}: no package of this name is installed here",
            hint=f"pip install {package}, or name the package as it is imported",
        )
    for place in spec.submodule_search_locations or ():
        file = Path(place, PROJECT_FILE)
        if file.is_file():
            return file.resolve()
    raise ConfigurationError(
        f"--suite {package}: the package has no {PROJECT_FILE}, so it is no suite",
        hint=f"a suite has {PROJECT_FILE}, features and steps inside of the package, as files",
    )


def configuration_of_pytest(directory: Path) -> Path | None:
    """Return the file in a directory that configures pytest, as pytest would choose it."""
    for name, section in _OF_PYTEST.items():
        file = directory / name
        if file.is_file() and (not section or re.search(section, file.read_text("utf-8", "replace"), re.MULTILINE)):
            return file
    return None
