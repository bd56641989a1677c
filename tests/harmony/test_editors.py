"""What docs/everyday.md tells editors is enough for them to know every sentence of this project."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from language_server import LanguageServer, installed_server
from page_blocks import texts_of

ROOT = Path(__file__).parents[2]


@pytest.mark.nightly
def test_no_sentence_is_unknown_to_an_editor(tmp_path: Path) -> None:
    page = (ROOT / "docs/everyday.md").read_text("utf-8")
    (block,) = texts_of(page, "json")
    settings = {name.removeprefix("cucumber."): globs for name, globs in json.loads(block).items()}
    project = tmp_path / "project"
    shutil.copytree(ROOT / "features", project / "features")
    (glue,) = settings["glue"]
    subprocess.run(
        [sys.executable, "-m", "harmony", "steps", "--format", "glue", "-o", project / glue],
        cwd=ROOT,
        check=True,
        timeout=120,
    )
    names = sorted(str(file.relative_to(project)) for file in project.rglob("*.feature"))
    with LanguageServer(installed_server(tmp_path / "server"), project, settings) as asked:
        asked.open(*names)
        assert asked.undefined == {name: [] for name in names}
