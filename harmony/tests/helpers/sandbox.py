"""A project written by a test, and ways to run it."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fork_server import ForkServer
from harmony.process.system import FORM_VARIABLE
from pytests import ALONE, words_of_pytest

HELPERS: Final = Path(__file__).resolve().parent
SUBJECT: Final = HELPERS / "subject"
SETTINGS: Final = """
steps = ["steps"]
[tags]
slow = "takes long"
stress = "bounded stress"
benchmark = "measures"
"""
SERVER: Final = ForkServer()


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
        return self.module(*words_of_pytest(*arguments)[2:], **ALONE, **environment)

    def harmony(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return self.module("harmony", *arguments, **environment)

    def module(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run `python -m` with these words."""
        # Coverage begins where a Python starts; the form of the system is chosen where harmony is imported.
        if "MEASURE_PROCESSES" in os.environ or FORM_VARIABLE in environment:
            return run_python(self.directory, "-m", *words, **environment)
        return SERVER.run(self.directory, *words, environment=environment_of(**environment))


def run_python(directory: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Start Python there."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=directory,
        env=environment_of(**environment),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def environment_of(**more: str) -> dict[str, str]:
    """Return variables for a process that can import helpers, and no room: a project has `steps` of its own."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("HARMONY_", "PYTEST_")) or name == FORM_VARIABLE
    }
    return {**inherited, "PYTHONPATH": str(HELPERS), "NO_COLOR": "1", "CI": "1", **more}
