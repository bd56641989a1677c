"""Where a project begins: at the nearest project file."""

from __future__ import annotations

from pathlib import Path
from typing import Final

PROJECT_FILE: Final = "harmony.toml"


def find_project_file(start: Path) -> Path | None:
    """Return the project file of a directory or of the nearest one above it."""
    for directory in (start, *start.parents):
        candidate = directory / PROJECT_FILE
        if candidate.is_file():
            return candidate
    return None
