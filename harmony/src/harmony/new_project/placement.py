"""What is written of a project where there are files already: nothing is overwritten. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from harmony.errors import ConfigurationError

MERGED: Final = (".gitignore", ".pre-commit-config.yaml")
"""What a person can add by hand to a file of the same name; a project works without."""


@dataclass(frozen=True)
class Placement:
    """What becomes of the files of a project.

    Attributes:
        files: Those that are to be written, by their path.
        by_hand: What is to be added to files that are there already, by their path; nothing if all of it is in them.
    """

    files: Mapping[str, str]
    by_hand: Mapping[str, str]


def place(made: Mapping[str, str], read: Callable[[str], str | None]) -> Placement:
    """Sort the files of a project by whether they are there.

    Args:
        made: Their texts, by their path.
        read: Returns the text of a file that is there, None if it is not.

    Raises:
        ConfigurationError: Some are there that the project must have as they are made.
    """
    there = {path: text for path in made if (text := read(path)) is not None}
    if taken := [path for path in there if path not in MERGED]:
        raise ConfigurationError(
            f"there already, and never overwritten: {', '.join(taken)}",
            hint="name another directory, or move them away first",
        )
    files = {path: text for path, text in made.items() if path not in there}
    return Placement(files, {path: _missing(made[path], text) for path, text in there.items()})


def _missing(made: str, there: str) -> str:
    """Return the lines of a text that another has not got, without comments."""
    known = there.splitlines()
    return "\n".join(line for line in made.splitlines() if line not in known and not line.startswith("#"))
