"""The Rust driver: what every driver must do, what is broken on purpose, and its own tests and linters."""

from __future__ import annotations

import re
import shutil
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from tests.drivers.exchange import Exchange
from tests.drivers.language import DRIVERS, Language
from tests.drivers.mutants import Broken, Change, Mutant, Swapped
from tests.drivers.wire import Wire

RUST = Language(
    "rust",
    folder=DRIVERS / "rust",
    command=(DRIVERS / "rust" / "target" / "release" / "zerobuffer-driver",),
    sources=("*/src/**/*.rs", "*/Cargo.toml", "Cargo.lock"),
    # A mutant need not be fast, but soon be there.
    build=(
        *("cargo", "build", "--release", "--locked"),
        *("--config", "profile.release.opt-level=0", "--config", "profile.release.incremental=true"),
    ),
    tools={"cargo": "apt-get install cargo, or rustup"},
)


class TestExchange(Exchange):
    language = RUST


class TestWire(Wire):
    language = RUST


@pytest.mark.slow
@RUST.needs_tools
@pytest.mark.parametrize(
    "command",
    [
        "cargo fmt --all --check",
        "cargo clippy --locked --all-targets -- -D warnings",
        "cargo test --locked --config profile.dev.debug=false --config profile.dev.incremental=false",
    ],
)
def test_its_own_tests_and_linters(command: str) -> None:
    tool = command.split()[1]
    if tool in {"fmt", "clippy"} and not shutil.which(f"cargo-{tool}"):
        pytest.skip(f"rust: no cargo {tool} (rustup component add {'rustfmt' if tool == 'fmt' else tool})")
    RUST.run(*command.split())


@pytest.mark.parametrize("crate", sorted(RUST.folder.glob("*/src")), ids=lambda crate: crate.parent.name)
def test_no_module_imports_one_that_imports_it_back(crate: Path) -> None:
    named = re.compile(r"\bcrate::(?:\{([^}]*)\}|(\w+))")
    modules = {file.stem: file.read_text("utf-8") for file in crate.glob("*.rs")}
    imports = {
        name: {word for group in named.findall(text) for word in re.findall(r"\w+", " ".join(group))} & modules.keys()
        for name, text in modules.items()
    }
    assert any(imports.values())
    TopologicalSorter(imports).prepare()


@RUST.needs_tools
class TestBroken(Broken):
    language = RUST
    swapped = Swapped(
        "zerobuffer/src/layout.rs",
        ("pub payload_size: AtomicU64,", "pub payload_free_bytes: AtomicU64,"),
        offsets={"payload_size": 40, "payload_free_bytes": 32},
    )
    mutants = (
        Mutant(
            "the next writer goes on where a dead one had begun",
            Change("zerobuffer/src/account.rs", "reserved.committed)", "reserved.stream_start)"),
            Exchange.test_a_writer_takes_over_wherever_the_one_before_died,
            {"victim": "driver", "successor": "driver"},
        ),
        Mutant(
            "a commit is posted, but not stored",
            Change("zerobuffer/src/ring.rs", "            store(&block.reserved.committed, committed);", ""),
            Exchange.test_a_writer_takes_over_wherever_the_one_before_died,
            {"victim": "driver", "successor": "driver"},
        ),
        Mutant(
            "a frame without its post stays unread",
            Change("zerobuffer/src/reader.rs", " || self.core.ring.is_committed_behind(progress.read)", ""),
            Exchange.test_a_writer_takes_over_wherever_the_one_before_died,
            {"victim": "driver", "successor": "driver"},
        ),
        Mutant(
            "where a stream begins is not told",
            Change("zerobuffer/src/ring.rs", "stream_start, committed);", "stream_start, 0);"),
            Exchange.test_what_writers_left_is_read_after_the_next_has_come,
            {"reading": "driver", "writing": "driver", "ending": "close"},
        ),
        Mutant(
            "a release is not told",
            Change("zerobuffer/src/ring.rs", "store(released, before + bytes);", "store(released, before);"),
            Exchange.test_random_sizes_wrap_again_and_again,
            {"reading": "driver", "writing": "driver"},
        ),
        Mutant(
            "more space is given back than was taken",
            Change("zerobuffer/src/leases.rs", "sum.bytes += lease.bytes;", "sum.bytes += lease.bytes + 1;"),
            Exchange.test_slots_and_held_frames,
            {"reading": "driver", "writing": "python"},
        ),
        Mutant(
            "a wrap marker is not counted by who reads",
            Change("zerobuffer/src/ring.rs", "counted += u64::from(tail >= FRAME_HEADER_SIZE);", ""),
            Exchange.test_random_sizes_wrap_again_and_again,
            {"reading": "driver", "writing": "python"},
        ),
    )
