"""Files that a project publishes of what its sources say: written anew, or found to be stale."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import typer


def renew(files: Mapping[Path, str], root: Path, *, check: bool, otherwise: str) -> list[Path]:
    """Write the files that do not say what they must; with ``check``, only say which they are.

    Args:
        files: What each must say.
        root: The directory of the project file.
        check: Whether to write nothing.
        otherwise: What is said of a file that is stale.

    Returns:
        The files that were stale.
    """
    stale = [file for file, text in files.items() if not file.is_file() or file.read_text("utf-8") != text]
    for file in stale:
        shown = file.relative_to(root)
        if check:
            typer.echo(f"{shown} {otherwise}", err=True)
        else:
            file.write_text(files[file], "utf-8")
            typer.echo(f"{shown}: written")
    return stale
