"""A place for lock files other than the usual one: in order, or such that no lock may be taken there."""

from __future__ import annotations

import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final


def _link(path: Path) -> None:
    target = path.with_name("target")
    target.mkdir()
    path.symlink_to(target)


_MAKERS: Final[Mapping[str, Callable[[Path], None]]] = {
    "there": lambda path: path.mkdir(mode=0o755),
    "a file": Path.touch,
    "a symbolic link": _link,
}


class LockPlace:
    """What ``ZEROBUFFER_LOCK_DIR`` names.

    Attributes:
        path: Where the lock directory is, or would be.
        before: What stood there at first, as :meth:`listed` says it.
    """

    def __init__(self, root: Path, what: str) -> None:
        self._root = root
        self.path = root / "missing" / "locks" if "around" in what else root / "locks"
        if what in _MAKERS:
            _MAKERS[what](self.path)
        self.before = self.listed()

    @property
    def mode(self) -> str:
        """Mode of the directory, octal."""
        return f"{stat.S_IMODE(self.path.stat().st_mode):o}"

    def listed(self) -> list[tuple[str, str]]:
        """Return what stands there, each with its kind and mode."""
        return sorted(
            (str(one.relative_to(self._root)), stat.filemode(one.lstat().st_mode)) for one in self._root.rglob("*")
        )

    def entries(self) -> list[str]:
        """Return what is in the directory."""
        return sorted(one.name for one in self.path.iterdir())
