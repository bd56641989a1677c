"""The story of docs/your-language.md is true: its code, in a fresh driver, plays on both sides of Python."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Final

import pytest

from new_drivers.made import NAME, Made, make
from page_blocks import texts_of
from sandbox import run_python
from step_definitions.port import CONTRACT

ROOT: Final = Path(__file__).parents[3]
STORY: Final = ROOT / "docs" / "your-language.md"
CODE: Final = ROOT / "docs" / "your-language"


def fill_in(made: Made) -> None:
    """Write the methods of the story in the place of their stubs."""
    shutil.copy(CODE / "buffer.hpp", made.directory)
    file = made.directory / "verbs.hpp"
    text = file.read_text("utf-8")
    methods, shared = (CODE / "verbs.hpp").read_text("utf-8").split("private:\n")
    for method in re.split(r"\n\n(?=    (?:Json|void) )", methods)[1:]:
        name = method.split("(")[0].split()[-1]
        stub = re.compile(rf"    \w+ {name}\([^{{}}]*\) \{{(?:\}}|\n        throw NotImplemented\{{\}};\n    \}})")
        text, count = stub.subn(method.strip("\n").replace("\\", r"\\"), text)
        assert count == 1, name
    text = text.replace("\n};\n", f"\n\nprivate:\n{shared.rstrip()}\n}};\n", 1)
    file.write_text(
        text.replace("#pragma once\n", '#pragma once\n\n#include <thread>\n#include "buffer.hpp"\n'), "utf-8"
    )


def test_every_excerpt_is_in_the_code() -> None:
    code = "".join(file.read_text("utf-8") for file in sorted(CODE.iterdir()))
    excerpts = texts_of(STORY.read_text("utf-8"), "cpp")
    assert len(excerpts) >= 5
    for excerpt in excerpts:
        assert excerpt in code


@pytest.mark.slow
def test_the_driver_of_the_story_plays_with_python_on_both_sides(tmp_path: Path) -> None:
    made = make("cpp", CONTRACT, tmp_path)
    fill_in(made)
    made.build()
    settings = (ROOT / "harmony.toml").read_text("utf-8").partition("[platforms.go]")[0]
    project = tmp_path / "harmony.toml"
    project.write_text(
        settings.replace('features = "features"', f'features = "{ROOT / "features"}"')
        + f'[platforms.{NAME}]\ncontract = "driver"\ncommand = ["{made.root / made.command[0]}"]\n',
        "utf-8",
    )
    pairings = ("--pairing", f"python_{NAME}", "--pairing", f"{NAME}_python")
    scenarios = ("--scenario", "1.1", "--scenario", "1.5")
    done = run_python(
        tmp_path,
        *("-m", "pytest", "-p", "no:cacheprovider", "--rootdir", str(tmp_path)),
        *("--harmony-project", str(project), str(ROOT / "features"), *pairings, *scenarios),
        PYTHONPATH=str(ROOT),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 passed" in done.stdout
