"""The C# driver: what every driver must do, and its own tests."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from tests.drivers.exchange import DRIVERS, Exchange, Language
from tests.drivers.wire import Wire

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
