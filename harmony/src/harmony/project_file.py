"""Where a project begins: at the nearest project file. Nothing here takes long to load."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from harmony.errors import ConfigurationError

PROJECT_FILE: Final = "harmony.toml"
NUMBER: Final = r"(?:Test\s+)?(\d+(?:\.\d+)+)(?:\s*[-:]\s+|\s+)"
"""How a numbered title begins, where a project says nothing: ``1.1 Title``, ``1.1 - Title``, ``Test 1.1: Title``."""


def find_project_file(start: Path) -> Path | None:
    """Return the project file of a directory or of the nearest one above it."""
    for directory in (start, *start.parents):
        candidate = directory / PROJECT_FILE
        if candidate.is_file():
            return candidate
    return None


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
