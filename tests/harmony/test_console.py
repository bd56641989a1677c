"""What the pages in docs/ show of the terminal is what is to be seen there."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from page_blocks import blocks_of

ROOT: Final = Path(__file__).parents[2]
_TIME: Final = re.compile(r" +\d+(\.\d+)? (ms|s)\b")
_LINE: Final = re.compile(r"(\.feature|\.py):\d+\b")

SHOWN: Final = [
    (page.name, command, shown)
    for page in sorted((ROOT / "docs").glob("*.md"))
    for block in blocks_of(page.read_text("utf-8"))
    for command, shown in block.commands()
]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy, so that nobody's last run is another one."""
    for name in ("features", "step_definitions"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("harmony.toml", "pytest.ini"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


@pytest.mark.parametrize(("page", "command", "shown"), SHOWN, ids=[f"{page}: {command}" for page, command, _ in SHOWN])
def test_what_a_page_shows_of_the_terminal_is_seen_there(
    page: str, command: str, shown: list[str], project: Path
) -> None:
    program, *words = shlex.split(command)
    assert program == "harmony", page
    quiet = {
        name: value for name, value in os.environ.items() if not name.startswith(("HARMONY_", "PYTEST_", "GITHUB_"))
    }
    done = subprocess.run(
        [sys.executable, "-m", program, *words],
        cwd=project,
        env={**quiet, "CI": "1", "NO_COLOR": "1", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    # What is not built depends on the machine.
    seen = [line for line in done.stdout.splitlines() if not line.startswith("not available: ")]
    assert list(map(_lasting, seen)) == list(map(_lasting, shown)), done.stderr


def test_pages_show_something() -> None:
    assert {page for page, _, _ in SHOWN} >= {"running.md", "steps.md"}


def _lasting(line: str) -> str:
    """Leave out what each run and each edit above a place changes: times and the numbers of lines."""
    return _LINE.sub(r"\1:#", _TIME.sub(r" # \2", line)).rstrip()
