"""The C# driver: what every driver must do, and its own tests."""

from __future__ import annotations

import shutil
import subprocess
from typing import Final

import pytest

from tests.drivers.exchange import DRIVERS, Exchange, Language
from tests.drivers.wire import Wire

WIDTH: Final = 120

CSHARP = Language(
    "csharp",
    folder=DRIVERS / "csharp",
    command=("mono", DRIVERS / "csharp" / "bin" / "driver.exe"),
    sources=("ZeroBuffer/*.cs", "Driver/*.cs", "build.sh"),
)


class TestExchange(Exchange):
    language = CSHARP


class TestWire(Wire):
    language = CSHARP


def test_the_sources_keep_to_the_style() -> None:
    # No formatter runs on Mono: this much is checked of what .editorconfig says.
    faults = []
    for path in sorted(CSHARP.folder.glob("*/*.cs")):
        text = path.read_text(encoding="utf-8")
        lines = text.split("\n")
        faults += [
            f"{path.name}:{number}"
            for number, line in enumerate(lines, start=1)
            if len(line) > WIDTH or line != line.rstrip() or "\t" in line or "\r" in line
        ]
        faults += [path.name] if not text.endswith("}\n") and path.name != "AssemblyInfo.cs" else []
    assert faults == []


@pytest.mark.slow
@pytest.mark.skipif(
    not shutil.which("mcs"), reason="csharp: no compiler (Debian: apt-get install mono-mcs libmono-posix4.0-cil)"
)
def test_its_own_tests() -> None:
    if reason := CSHARP.obstacle():
        pytest.skip(reason)
    program = CSHARP.folder / "bin" / "tests.exe"
    done = subprocess.run(["mono", program], capture_output=True, text=True, timeout=170, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
