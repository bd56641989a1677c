"""The page docs/your-protocol.md, done as it says, from its first line to its last."""

from __future__ import annotations

import re
import shlex
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from harmony.new_driver.languages import LANGUAGES
from new_drivers.made import is_built_here
from sandbox import Sandbox

PAGE: Final = Path(__file__).parents[2] / "docs" / "your-protocol.md"
_BLOCK: Final = re.compile(
    r"(?:^<!-- (?P<edit>[^\n]*) -->\n)?^```(?P<kind>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)
INI: Final = "[pytest]\naddopts = -p no:cacheprovider\nasyncio_default_fixture_loop_scope = function\n"
_EDIT: Final = re.compile(r'(?:append to|insert into) (?P<file>\S+)(?: (?P<right>right )?before "(?P<line>.*)")?')
ELSEWHERE: Final = {
    "pip install harmony-conformance": "the package is installed in an empty environment by `nox -s package`",
}
"""Commands that are tried elsewhere, and where."""


def commands(shown: str) -> Iterator[tuple[str, list[str]]]:
    """Yield each command of a block, and the lines that it shows."""
    for part in shown.split("$ ")[1:]:
        command, _, lines = part.partition("\n")
        yield command, lines.splitlines()


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


def assert_shown(lines: list[str], seen: str) -> None:
    """See each line in what is seen, one behind the other; `…` stands for some that the page leaves out."""
    rest = seen.splitlines()
    gap = False
    for line in lines:
        if line == "…":
            gap = True
            continue
        candidates = range(len(rest)) if gap else range(1)
        found = next((at for at in candidates if at < len(rest) and rest[at].rstrip() == line), None)
        assert found is not None, f"{line!r} is not seen in:\n{seen}"
        rest = rest[found + 1 :]
        gap = False
    assert gap or not rest, f"more is seen:\n{seen}"


@pytest.mark.skipif(not is_built_here(LANGUAGES["node"]), reason="the page takes Python and Node")
@pytest.mark.parametrize("plays", [False, pytest.param(True, marks=pytest.mark.nightly)], ids=["but for runs", "whole"])
def test_the_page_can_be_followed(plays: bool, tmp_path: Path) -> None:
    """Runs are the night's: each change sees the commands, files and places that the page names."""
    place = tmp_path
    seen = []
    for block in _BLOCK.finditer(PAGE.read_text("utf-8")):
        if block["edit"]:
            edit(place, block["edit"], block["text"])
        for command, shown in commands(block["text"]) if block["kind"] == "console" else ():
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
