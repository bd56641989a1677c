"""What `nox -s release` says of the files that are published: nothing comes from nowhere."""

from __future__ import annotations

import io
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
LICENCE: Final = (ROOT / "harmony/LICENSE").read_bytes()
INIT: Final = subprocess.run(
    ["git", "show", "HEAD:harmony/src/harmony/__main__.py"], cwd=ROOT, capture_output=True, check=True
).stdout
WHOLE: Final = {
    "harmony/__main__.py": INIT,
    "harmony-1.dist-info/licenses/LICENSE": LICENCE,
    "harmony-1.dist-info/METADATA": b"Name: harmony\nRequires-Dist: rich>=13\n\nRequires-Dist: x @ file:///x\n",
    "harmony-1.dist-info/RECORD": b"",
}


def told(tmp_path: Path, files: Mapping[str, bytes], *, sdist: bool = False) -> tuple[int, dict[str, str]]:
    artefact = tmp_path / ("harmony-1.tar.gz" if sdist else "harmony-1-py3-none-any.whl")
    if sdist:
        with tarfile.open(artefact, "w:gz") as archive:
            for name, content in files.items():
                member = tarfile.TarInfo(f"harmony-1/{name}")
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
    else:
        with zipfile.ZipFile(artefact, "w") as wheel:
            for name, content in files.items():
                wheel.writestr(name, content)
    words = [sys.executable, "build_support/provenance.py", "HEAD", "harmony", str(artefact)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, dict(line.split("\t") for line in done.stdout.splitlines()[1:])


def test_each_file_of_a_wheel_is_of_the_commit_or_of_the_build(tmp_path: Path) -> None:
    code, lines = told(tmp_path, WHOLE)
    assert code == 0
    assert lines["harmony/__main__.py"].startswith("harmony/src/harmony/__main__.py ")
    assert lines["harmony-1.dist-info/licenses/LICENSE"].startswith("harmony/LICENSE ")
    assert lines["harmony-1.dist-info/RECORD"] == "the build's metadata"


def test_an_sdist_has_the_places_of_the_commit(tmp_path: Path) -> None:
    code, lines = told(tmp_path, {"src/harmony/__main__.py": INIT, "PKG-INFO": b"Name: harmony\n"}, sdist=True)
    assert (code, lines["PKG-INFO"]) == (0, "the build's metadata")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("harmony/__main__.py", INIT + b"\nimport evil\n", "NOWHERE"),
        ("harmony/forgotten.py", INIT, "NOWHERE"),
        ("harmony/RECORD", b"", "NOWHERE"),
        ("harmony.libs/libc.so", b"\x7fELF", "NOWHERE"),
        ("harmony-1.dist-info/licenses/LICENSE", b"free", "NOWHERE"),
        (
            "harmony-1.dist-info/METADATA",
            b"Name: harmony\nRequires-Dist: x @ file:///home/x\n\n",
            "REQUIRES AN ADDRESS: x @ file:///home/x",
        ),
    ],
)
def test_what_is_from_elsewhere_is_named(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    code, lines = told(tmp_path, {**WHOLE, name: content})
    assert (code, lines[name]) == (1, said)
