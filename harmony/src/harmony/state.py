"""What runs leave for the next ones, and for whoever reads it."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

STATE_DIRECTORY: Final = Path(".harmony")
"""Beside the project file."""


def read_whole(file: Path) -> str:
    """Return the text of a file.

    Raises:
        OSError: There is none, or what has its name is no file: a pipe without a writer would be waited for for ever.
        UnicodeDecodeError: It is not UTF-8.
    """
    with os.fdopen(os.open(file, os.O_RDONLY | os.O_NONBLOCK), encoding="utf-8") as stream:
        if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
            raise OSError(f"{file} is no regular file")
        return stream.read()


def write_whole(file: Path, text: str) -> None:
    """Write a file in one move, so that no reader sees half of it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_name(f"{file.name}.{os.getpid()}")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(file)
    finally:
        temporary.unlink(missing_ok=True)
