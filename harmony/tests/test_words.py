"""Finds a text, a default or an example of the harness that speaks of the one protocol it was first made for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Final

PROJECT: Final = Path(__file__).parents[1]
PLACES: Final = ("src", "docs", "README.md", "pyproject.toml")
FOREIGN: Final = re.compile(
    r"zero-?buffer|shared.memory|semaphore|step_definitions|test\.sh|\b(?:frame|buffer|segment|ring)s?\b", re.IGNORECASE
)
# A message on a pipe, what a stack consists of, a type of a language, a header of HTTP.
ELSEWHERE: Final = {
    "frame": (
        "*/live/page_server.py",
        "*/wire/*",
        "*/serve/*",
        "*/templates/*",
        "*/run/step_*.py",
        "*/run/loop_thread.py",
    ),
    "buffer": ("*/templates/*",),
}


def test_nothing_in_the_harness_speaks_of_its_first_subject() -> None:
    assert list(_found()) == []


def _found() -> Iterator[str]:
    for file in sorted(file for place in PLACES for file in (PROJECT / place, *(PROJECT / place).rglob("*"))):
        if not file.is_file() or file.suffix == ".pyc":
            continue
        path = str(file.relative_to(PROJECT))
        for number, line in enumerate(file.read_text("utf-8").splitlines(), 1):
            for word in FOREIGN.findall(line):
                if not any(fnmatch(path, known) for known in ELSEWHERE.get(word.lower().removesuffix("s"), ())):
                    yield f"{path}:{number}: {line.strip()}"
