"""Where the files of a cell are: one directory, which every process that plays in it finds, removed with the cell."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from harmony.errors import HarmonyError

TEMPORARY: Final = Path("/tmp") if os.access("/tmp", os.W_OK | os.X_OK) else Path(tempfile.gettempdir())  # noqa: S108
"""Not what the environment says, as that may differ between the processes of a cell; and paths of sockets are short."""

_TRIES: Final = 100
_PLAIN: Final = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,19}")


class PlaceError(HarmonyError):
    """A directory cannot be made, or not be removed.

    Way out: the message names it: give it back to this user, end who uses it, or set TMPDIR to another one, with a
    short name.
    """

    code = "place"


def place_of(run_id: str, *inner: str) -> Path:
    """Return a directory of a cell, which is made if it is not there.

    Args:
        run_id: Of the cell.
        inner: Names below it.

    Raises:
        PlaceError: What is there belongs to somebody else.
    """
    place = _root()
    try:
        for _ in range(_TRIES):
            with contextlib.suppress(FileNotFoundError):  # somebody has just removed the last thing in it
                place.mkdir(mode=0o700, exist_ok=True)
                found = place.lstat()
                if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
                    raise PlaceError(f"{place} belongs to somebody else", hint="remove it")
                for number in range(len(inner) + 1):
                    place.joinpath(run_id, *inner[:number]).mkdir(mode=0o700, exist_ok=True)
                return place.joinpath(run_id, *inner)
    except OSError as error:
        raise PlaceError(
            f"{place}: {error}", hint="harmony keeps there what a scenario needs, while it runs"
        ) from error
    raise PlaceError(f"{place} is removed again and again")


@contextlib.contextmanager
def lent(run_id: str) -> Iterator[list[str]]:
    """Let a cell have its directory, empty; yield what says afterwards what of it cannot be removed, and why."""
    clear(run_id)  # the number may be that of a cell whose process was killed
    left: list[str] = []
    try:
        yield left
    finally:
        left += clear(run_id)


def clear(run_id: str) -> list[str]:
    """Remove the directory of a cell; return what cannot be removed, and why."""
    root = _root()
    left = remove(root / run_id)
    with contextlib.suppress(OSError):  # others may have something in it
        root.rmdir()
    return left


def remove(path: Path) -> list[str]:
    """Remove a directory and all in it; return what cannot be removed, and why."""
    left: list[str] = []

    def note(error: OSError) -> None:
        # What is full is so because of something else that is told.
        if error.errno not in {errno.ENOENT, errno.ENOTEMPTY}:
            left.append(f"{error.filename}: {error.strerror}")

    for top, directories, files in os.walk(path, topdown=False, onerror=note):
        for name in (*directories, *files):
            entry = Path(top, name)
            try:
                if name in directories and not entry.is_symlink():
                    entry.rmdir()
                else:
                    entry.unlink()
            except OSError as error:
                note(error)
    try:
        path.rmdir()
    except OSError as error:
        note(error)
    return left


def file_name(label: str) -> str:
    """Return a short name of a file for a label; the same for the same label."""
    return label if _PLAIN.fullmatch(label) else f"{zlib.crc32(label.encode()):08x}.{len(label)}"


def _root() -> Path:
    return TEMPORARY / f"harmony-{os.getuid()}"
