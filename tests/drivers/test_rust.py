"""The Rust driver: what every driver must do, what is broken on purpose, and its own tests and linters."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.drivers.exchange import DRIVERS, Exchange, Language, Subject, altered, handshake_of
from tests.drivers.wire import Wire

RUST = Language(
    "rust",
    folder=DRIVERS / "rust",
    command=(DRIVERS / "rust" / "target" / "release" / "zerobuffer-driver",),
    sources=("*/src/**/*.rs", "*/Cargo.toml", "Cargo.lock"),
)
needs_cargo = pytest.mark.skipif(
    not shutil.which("cargo"), reason="rust: no toolchain (Debian: apt-get install cargo, or rustup)"
)


class TestExchange(Exchange):
    language = RUST


class TestWire(Wire):
    language = RUST


def run(*command: str, folder: Path = RUST.folder) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
@needs_cargo
@pytest.mark.parametrize(
    "command",
    [
        "cargo fmt --all --check",
        "cargo clippy --locked --all-targets -- -D warnings",
        "cargo test --locked",
    ],
)
def test_its_own_tests_and_linters(command: str) -> None:
    tool = command.split()[1]
    if tool in {"fmt", "clippy"} and not shutil.which(f"cargo-{tool}"):
        pytest.skip(f"rust: no cargo {tool} (rustup component add {'rustfmt' if tool == 'fmt' else tool})")
    run(*command.split())


@pytest.mark.slow
@needs_cargo
class TestBroken(Subject):
    language = RUST

    def test_fields_in_a_wrong_order_are_refused_by_name(self, tmp_path: Path) -> None:
        fields = ["pub payload_size: AtomicU64,", "pub payload_free_bytes: AtomicU64,"]
        separator = "\n    "
        folder = altered(
            RUST, tmp_path, "zerobuffer/src/layout.rs", separator.join(fields), separator.join(reversed(fields))
        )
        run("cargo", "build", "--locked", folder=folder)
        said = handshake_of(folder / "target" / "debug" / "zerobuffer-driver")
        assert "oieb.payload_size is at offset 40, expected 32" in said
        assert "oieb.payload_free_bytes is at offset 32, expected 40" in said
