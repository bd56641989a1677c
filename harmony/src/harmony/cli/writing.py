"""What commands that make files have in common: they write or show them, name each, and say what comes next."""

from __future__ import annotations

import os.path
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

import typer

from harmony.state import write_whole

_WIDTH: Final = 120
"""Of what is no terminal."""


def write_files(directory: Path, files: Mapping[str, str], told: str, *, anew: bool = True) -> None:
    """Write files, and name each.

    Args:
        directory: Where they belong.
        files: Their texts by path.
        told: What the directory is called.
        anew: Whether none of them may be there.
    """
    for path, text in files.items():
        file = directory / path
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("x" if anew else "w", encoding="utf-8") as opened:
            opened.write(text)
        typer.echo(named(told, path))


def named(told: str, path: str) -> str:
    """Return what a file is called, by what its directory is called and the path from there."""
    return Path(os.path.normpath(Path(told) / path)).as_posix()


def tell_next(commands: Iterable[str]) -> None:
    """Say which commands come next."""
    typer.echo("Next:\n" + "".join(f"  {command}\n" for command in commands), nl=False)


def tell(text: str, output: Path | None) -> None:
    """Write a document into a file, or else show it."""
    if output is None:
        typer.echo(text, nl=False)
    else:
        write_whole(output, text)


def width_for(output: Path | None) -> int:
    """Return how many characters a line may have in a file, or else where it is shown."""
    return _WIDTH if output else shutil.get_terminal_size((_WIDTH, 24)).columns
