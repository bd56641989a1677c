"""What runs leave for the next ones, and for whoever reads it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

STATE_DIRECTORY: Final = Path(".harmony")
"""Beside the project file."""


def write_whole(file: Path, text: str) -> None:
    """Write a file in one move, so that no reader sees half of it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_name(f"{file.name}.{os.getpid()}")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(file)
    finally:
        temporary.unlink(missing_ok=True)
