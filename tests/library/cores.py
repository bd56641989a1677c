"""The library, built in another way than the installed one, for a child that uses it in its place."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.library import toolchain
from zerobuffer import _core

CANNOT_DOZE = "no futex_waitv here (Linux 5.16), or no 64-bit glibc"

# Loaded by the interpreter of the child at its start: there `zerobuffer` is the one built here.
_CUSTOMIZE = """
import importlib.machinery, importlib.util, sys
class Finder:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name == "zerobuffer":
            folders = [{package!r}]
            return importlib.util.spec_from_file_location(
                name, folders[0] + "/__init__.py", submodule_search_locations=folders
            )
        if name == "zerobuffer._core":
            return importlib.util.spec_from_file_location(name, {module!r})
        return importlib.machinery.PathFinder.find_spec(name, path) if name.startswith("zerobuffer.") else None
sys.meta_path.insert(0, Finder)
"""


def require_dozing() -> None:
    """Skip the test where a long wait cannot doze."""
    if not _core.dozes():
        pytest.skip(CANNOT_DOZE)


def points() -> list[str]:
    """Return the named points of the core; fail where it was built without them."""
    if not hasattr(_core, "points"):
        pytest.fail(f"{_core.__file__} has no named points: build it with -C cmake.define.ZB_POINTS=ON", pytrace=False)
    return _core.points()


def build(source: Path, directory: Path, *options: str) -> tuple[Path, dict[str, str]]:
    """Build the module of a source tree with these options of CMake.

    Returns it, and the environment in which a child uses it with the library of the tree.
    """
    toolchain.require_cmake()
    options = (f"-DPython_EXECUTABLE={sys.executable}", "-DZB_POINTS=ON", toolchain.STRICT, *options)
    toolchain.run("cmake", "-S", source, "-B", directory, *options)
    toolchain.run("cmake", "--build", directory, "--parallel", "2")
    [module] = directory.glob("_core*.so")
    customize = _CUSTOMIZE.format(package=str(source / "zerobuffer"), module=str(module))
    (directory / "sitecustomize.py").write_text(customize)
    return module, {"PYTHONPATH": str(directory)}
