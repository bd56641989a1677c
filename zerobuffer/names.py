"""Names of buffers, and of the four system objects that belong to each."""

from __future__ import annotations

import os
import string
from pathlib import Path

from zerobuffer.errors import InvalidNameError

SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - where POSIX shared memory lives on Linux
DEFAULT_LOCK_DIRECTORY = Path("/tmp/zerobuffer")  # noqa: S108 - fixed by the protocol; opened without following links
LOCK_DIRECTORY_VARIABLE = "ZEROBUFFER_LOCK_DIR"

_LEGAL = frozenset(string.ascii_letters + string.digits + "-_.")

LONGEST_NAME = 255 - len("sem.sem-w-")
"""The semaphore "sem-w-NAME" is a file "sem.sem-w-NAME", and a file name has 255 bytes at most."""


def validate_name(name: str) -> str:
    """Return `name` if all four objects can carry it.

    Raises:
        InvalidNameError: It is empty, too long, begins with 'sem.', or holds a slash, `..` or anything but letters,
            digits, '-', '_', '.'.
    """
    reason = _objection(name)
    if reason:
        raise InvalidNameError(name=name, reason=reason, longest=LONGEST_NAME)
    return name


def _objection(name: str) -> str:
    if not name:
        return "it is empty"
    if "/" in name:
        return "it holds a '/'"
    if ".." in name or name == ".":
        return "it holds '..' or is '.'"
    if name.startswith("sem."):
        return "names of semaphores begin with 'sem.'"
    illegal = next((character for character in name if character not in _LEGAL), "")
    if illegal:
        return f"it holds {illegal!r}"
    length = len(os.fsencode(name))
    return f"it has {length} bytes" if length > LONGEST_NAME else ""


def data_semaphore(name: str) -> str:
    """Return the name of the semaphore that counts frames written."""
    return f"/sem-w-{name}"


def space_semaphore(name: str) -> str:
    """Return the name of the semaphore that counts frames released."""
    return f"/sem-r-{name}"


def segment_path(name: str) -> Path:
    """Return the file behind the shared memory of a buffer."""
    return SHARED_MEMORY / name


def semaphore_path(semaphore: str) -> Path:
    """Return the file behind a named semaphore."""
    return SHARED_MEMORY / f"sem.{semaphore.removeprefix('/')}"


def lock_directory() -> Path:
    """Return the directory of the lock files: `ZEROBUFFER_LOCK_DIR`, or the protocol's default."""
    return Path(os.environ.get(LOCK_DIRECTORY_VARIABLE) or DEFAULT_LOCK_DIRECTORY)


def lock_path(name: str) -> Path:
    """Return the lock file that the reader of a buffer holds."""
    return lock_directory() / f"{name}.lock"


def attached(name: str) -> tuple[str, str, str, str]:
    """Return what the core attaches to: buffer, both semaphores, and the lock file."""
    return name, data_semaphore(name), space_semaphore(name), str(lock_path(name))
