"""A project written by a test, and ways to run it."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.pytests import ALONE, words_of_pytest

ROOT = Path(__file__).parents[2]
SUBJECT = Path(__file__).parent / "subject"

SETTINGS = """
steps = ["steps"]
[tags]
slow = "takes long"
stress = "bounded stress"
benchmark = "measures"
"""


@dataclass(frozen=True)
class Sandbox:
    """A directory that is a project."""

    directory: Path

    def write(self, name: str, text: str) -> Path:
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text).lstrip("\n"), encoding="utf-8")
        return path

    def pytest(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return run_python(self.directory, *words_of_pytest(*arguments)[1:], **ALONE, **environment)

    def harmony(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return run_python(self.directory, "-m", "harmony", *arguments, **environment)


def run_python(directory: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith(("HARMONY_", "PYTEST_", "COV"))
    }
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=directory,
        env={**inherited, "PYTHONPATH": str(ROOT), "NO_COLOR": "1", "CI": "1", **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture
def sandbox(tmp_path: Path) -> Sandbox:
    """An empty project whose pytest has a configuration of its own."""
    box = Sandbox(tmp_path)
    box.write("harmony.toml", SETTINGS)
    box.write("pytest.ini", "[pytest]\naddopts = -p no:cacheprovider\nasyncio_default_fixture_loop_scope = function\n")
    return box
