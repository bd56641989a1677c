"""The Go driver: what every driver must do, and its own tests and linters."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from tests.drivers.exchange import DRIVERS, Exchange, Language
from tests.drivers.wire import Wire

GO = Language(
    "go",
    folder=DRIVERS / "go",
    command=(DRIVERS / "go" / "bin" / "driver",),
    sources=("*.go", "cmd/**/*.go", "internal/**/*.go"),
)


class TestExchange(Exchange):
    language = GO


class TestWire(Wire):
    language = GO


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("go"), reason="go: no toolchain (Debian: apt-get install golang-go)")
@pytest.mark.parametrize("command", ["gofmt -l .", "go vet ./...", "go test ./..."])
def test_its_own_tests_and_linters(command: str) -> None:
    done = subprocess.run(command.split(), cwd=GO.folder, capture_output=True, text=True, timeout=170, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not (command.startswith("gofmt") and done.stdout), f"not formatted: {done.stdout}"
