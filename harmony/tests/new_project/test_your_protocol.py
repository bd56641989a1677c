"""The page docs/your-protocol.md, done as it says, from its first line to its last."""

from __future__ import annotations

import re
import shlex
import textwrap
from pathlib import Path
from typing import Final

import pytest

from harmony.new_driver.languages import LANGUAGES
from new_drivers.made import is_built_here
from page_blocks import assert_shown, blocks_of
from sandbox import Sandbox

PAGE: Final = Path(__file__).parents[2] / "docs" / "your-protocol.md"
INI: Final = "[pytest]\naddopts = -p no:cacheprovider\nasyncio_default_fixture_loop_scope = function\n"
_EDIT: Final = re.compile(r'(?:append to|insert into) (?P<file>\S+)(?: (?P<right>right )?before "(?P<line>.*)")?')
ELSEWHERE: Final = {
    "pip install harmony-conformance": "the package is installed in an empty environment by `nox -s package`",
}
"""Commands that are tried elsewhere, and where."""


def edit(directory: Path, what: str, block: str) -> None:
    """Do with a file what stands over a block: it comes to where the line stands, indented as that is."""
    found = _EDIT.fullmatch(what)
    assert found is not None, what
    file = directory / found["file"]
    old = file.read_text("utf-8")
    if found["line"] is None:
        file.write_text(f"{old}\n{block}", "utf-8")
        return
    line = next(line for line in old.splitlines(keepends=True) if line.strip().startswith(found["line"]))
    new = textwrap.indent(block, line[: -len(line.lstrip())])
    file.write_text(old.replace(line, f"{new}{'' if found['right'] else chr(10)}{line}", 1), "utf-8")


@pytest.mark.skipif(not is_built_here(LANGUAGES["node"]), reason="the page takes Python and Node")
@pytest.mark.parametrize("plays", [False, pytest.param(True, marks=pytest.mark.nightly)], ids=["but for runs", "whole"])
def test_the_page_can_be_followed(plays: bool, tmp_path: Path) -> None:
    """Runs are the night's: each change sees the commands, files and places that the page names."""
    place = tmp_path
    seen = []
    for block in blocks_of(PAGE.read_text("utf-8")):
        if block.above:
            edit(place, block.above, block.text)
        for command, shown in block.commands():
            program, *words = shlex.split(command)
            seen.append(words[0])
            if program == "cd":
                place = place / words[0]
                Sandbox(place).write("pytest.ini", INI)
            elif command not in ELSEWHERE and (plays or words[0] != "run"):
                assert program == "harmony", command
                done = Sandbox(place).harmony(*words, *(["-j", "1"] if words[0] == "run" else []))
                assert_shown(shown, done.stdout + done.stderr)
    assert {"init", "lint", "new-driver", "run"} <= set(seen)
