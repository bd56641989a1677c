"""The Rust driver: what every driver must do."""

from __future__ import annotations

from tests.drivers.exchange import DRIVERS, Exchange, Language
from tests.drivers.wire import Wire

RUST = Language(
    "rust",
    folder=DRIVERS / "rust",
    command=(DRIVERS / "rust" / "target" / "release" / "zerobuffer-driver",),
    sources=("*/src/**/*.rs", "*/Cargo.toml", "Cargo.lock"),
)


class TestExchange(Exchange):
    language = RUST


class TestWire(Wire):
    language = RUST
