"""The sources of a checkout, whose core is not built, come before what is installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from zerobuffer import _core

SOURCES = Path(__file__).resolve().parents[2] / "zerobuffer"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A directory with the library's sources."""
    shutil.copytree(SOURCES, tmp_path / "zerobuffer", ignore=shutil.ignore_patterns("core", "*.so", "__pycache__"))
    return tmp_path


def imported(checkout: Path, *path: Path) -> subprocess.CompletedProcess[str]:
    """Import the library there, with no site-packages but the given."""
    program = "import zerobuffer; from zerobuffer import _core, reader; print(_core.__file__, reader.__file__)"
    env = {"PYTHONPATH": os.pathsep.join(map(str, path)), "PATH": os.environ["PATH"]}
    return subprocess.run(
        [sys.executable, "-S", "-c", program], cwd=checkout, env=env, capture_output=True, text=True, check=False
    )


def test_without_a_core_the_import_says_what_to_do(checkout: Path) -> None:
    done = imported(checkout)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(
        f"ImportError: zerobuffer in {checkout / 'zerobuffer'} is a checkout"
    )
    assert all(word in done.stderr for word in ("not built", sys.executable, "pip install .", "./test.sh --setup"))


def test_an_installed_library_is_used_whole(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    site = tmp_path_factory.mktemp("site")
    shutil.copytree(checkout / "zerobuffer", site / "zerobuffer")
    shutil.copy(_core.__file__, site / "zerobuffer")
    done = imported(checkout, site)
    assert done.returncode == 0, done.stderr
    core, reader = done.stdout.split()
    assert (Path(core).parent, Path(reader).parent) == (site / "zerobuffer", site / "zerobuffer")
