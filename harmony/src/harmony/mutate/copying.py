"""Copies of a project: what is written by people, and nothing that tools have made and make again."""

from __future__ import annotations

import asyncio
import os
import shutil
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from harmony.state import STATE_DIRECTORY

_MADE: Final = frozenset({".git", ".hg", ".svn", "__pycache__", str(STATE_DIRECTORY)})
"""Directories that no copy takes."""
_SIGNS: Final = ("CACHEDIR.TAG", "CMakeCache.txt", "pyvenv.cfg")
"""Files by which a directory tells that a tool has made it, for the place in which it stands."""
_TURN: Final = 64
"""How many files are copied before others have their turn."""


async def copy_project(root: Path, copy: Path) -> None:
    """Copy a project: of a repository of git what it tracks or would track, else all but caches and environments.

    Where the copies stand in the project, none of them becomes a part of one.

    Args:
        root: Of the project.
        copy: Where it is copied to; beside it may be others, in a directory that is theirs.
    """
    theirs = next((place for place in (copy.parent.parent, copy.parent) if root in place.parents), None)
    files = [name for name in _files(root) if theirs is None or theirs not in (root / name).parents]
    for number, name in enumerate(files):
        _copy(root, copy, name)
        if number % _TURN == 0:
            await asyncio.sleep(0)
    _be_as_open(copy.parent, root)


def _be_as_open(place: Path, root: Path) -> None:
    """Let others in where they may enter the project: a scenario may play as another user."""
    place.chmod(stat.S_IMODE(root.stat().st_mode))


def _files(root: Path) -> Iterator[str]:
    tracked = _of_git(root)
    yield from tracked or _walked(root, root)


def _of_git(root: Path) -> list[str]:
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=root,
            capture_output=True,
            check=False,
            timeout=600,
        )
    except OSError:
        return []
    names = [os.fsdecode(name) for name in listed.stdout.split(b"\0") if name] if listed.returncode == 0 else []
    found: list[str] = []
    for name in dict.fromkeys(names):
        path = root / name
        if path.is_dir() and not path.is_symlink():  # a repository in the repository
            found += _walked(root, path)
        elif os.path.lexists(path):
            found.append(name)
    return found


def _walked(root: Path, directory: Path) -> Iterator[str]:
    with os.scandir(directory) as entries:
        every = sorted(entries, key=lambda entry: entry.name)
    if directory != root and any(entry.name in _SIGNS for entry in every):
        return
    for entry in every:
        if entry.name in _MADE:
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _walked(root, Path(entry.path))
        elif entry.is_symlink() or entry.is_file():
            yield os.path.relpath(entry.path, root)


def _copy(root: Path, copy: Path, name: str) -> None:
    source, target = root / name, copy / name
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_symlink():
        to = source.readlink()
        # What leads into the project leads into the copy.
        target.symlink_to(copy / to.relative_to(root) if to.is_absolute() and to.is_relative_to(root) else to)
    else:
        shutil.copy2(source, target)
