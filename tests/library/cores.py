"""The extension module, built in another way than the installed one, for a child that uses it in its place."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.library import toolchain
from zerobuffer import _core

CANNOT_DOZE = "no futex_waitv here (Linux 5.16), or no 64-bit glibc"

# Loaded by the interpreter of the child at its start: there `zerobuffer._core` is the module built here.
_CUSTOMIZE = """
import importlib.util, sys
class Finder:
    @staticmethod
    def find_spec(name, path=None, target=None):
        return importlib.util.spec_from_file_location(name, {module!r}) if name == "zerobuffer._core" else None
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
    """Build the module with these options of CMake; returns it, and the environment in which a child uses it."""
    toolchain.require_cmake()
    options = (f"-DPython_EXECUTABLE={sys.executable}", "-DZB_POINTS=ON", toolchain.STRICT, *options)
    toolchain.run("cmake", "-S", source, "-B", directory, *options)
    toolchain.run("cmake", "--build", directory, "--parallel", "2")
    [module] = directory.glob("_core*.so")
    (directory / "sitecustomize.py").write_text(_CUSTOMIZE.format(module=str(module)))
    return module, {"PYTHONPATH": str(directory)}
