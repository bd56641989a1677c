"""Finds the compiled core, also where a checkout hides the library that is installed."""

from __future__ import annotations

import sys
from collections.abc import MutableSequence
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.util import find_spec
from pathlib import Path

_CORE = "zerobuffer._core"


def require_core(folders: MutableSequence[str]) -> None:
    """Leave the package as it is if it has its core; else let it be the installed one.

    Python looks into the working directory first. In a checkout it finds these sources there, which have no core
    unless the installation was an editable one.

    Args:
        folders: ``__path__`` of the package.

    Raises:
        ImportError: The core was built nowhere; the message says what to do.
    """
    if find_spec(_CORE) is not None:
        return
    installed = next((folder for folder in map(_package_in, sys.path) if _has_core(folder)), None)
    if installed is None:
        raise ImportError(
            f"zerobuffer in {folders[0]} is a checkout whose compiled core is not built for {sys.executable}, "
            "and no other zerobuffer is installed there; run `pip install .` in the checkout (it needs a C compiler), "
            "or `./test.sh --setup` and use .venv/bin/python",
            name=_CORE,
        )
    folders[:] = [str(installed)]


def _package_in(entry: str) -> Path:
    return Path(entry).resolve() / "zerobuffer"


def _has_core(folder: Path) -> bool:
    return any((folder / f"_core{suffix}").is_file() for suffix in EXTENSION_SUFFIXES)
