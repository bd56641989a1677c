"""The Go driver: what every driver must do, what is broken on purpose, and its own tests and linters."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from step_definitions.port import DriverError
from tests.drivers.exchange import DRIVERS, Exchange, Language, Subject, altered, handshake_of, playing
from tests.drivers.wire import Wire

GO = Language(
    "go",
    folder=DRIVERS / "go",
    command=(DRIVERS / "go" / "bin" / "driver",),
    sources=("*.go", "cmd/**/*.go", "internal/**/*.go"),
)
needs_go = pytest.mark.skipif(not shutil.which("go"), reason="go: no toolchain (Debian: apt-get install golang-go)")


class TestExchange(Exchange):
    language = GO


class TestWire(Wire):
    language = GO


def build(folder: Path) -> Path:
    """Build the driver of some sources."""
    run("go", "build", "-o", "bin/driver", "./cmd/driver", folder=folder)
    return folder / "bin" / "driver"


def run(*command: str, folder: Path = GO.folder) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=170, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
@needs_go
@pytest.mark.parametrize("command", ["gofmt -l .", "go vet ./...", "go test ./..."])
def test_its_own_tests_and_linters(command: str) -> None:
    said = run(*command.split())
    assert not (command.startswith("gofmt") and said), f"not formatted: {said}"


# ---- broken on purpose


@dataclass(frozen=True)
class Mutant:
    """A change, the check that finds it, and what that is given."""

    file: str
    old: str
    new: str
    check: Callable[..., None]
    given: Mapping[str, str]


MUTANTS = {
    "what a dead writer has announced is not finished": Mutant(
        *("writer.go", "w.segment.ring.finishCommit()", "w.segment.ring.block.clearReserved()"),
        Exchange.test_a_writer_takes_over_wherever_the_one_before_died,
        {"victim": "python", "successor": "driver"},
    ),
    "a connection does not say what was written before it": Mutant(
        *("segment.go", "lock.length += int64(before)", "lock.length += int64(0 * before)"),
        Exchange.test_what_writers_left_is_read_after_the_next_has_come,
        {"reading": "python", "writing": "driver", "ending": "close"},
    ),
    "more space is given back than was taken": Mutant(
        *("leases.go", "payloadFree.Add(part.bytes)", "payloadFree.Add(part.bytes + 1)"),
        Exchange.test_slots_and_held_frames,
        {"reading": "driver", "writing": "python"},
    ),
    "a wrap marker is not counted": Mutant(
        *("ring.go", "\t\tcount++\n", ""),
        Exchange.test_random_sizes_wrap_again_and_again,
        {"reading": "python", "writing": "driver"},
    ),
    "a writer that comes next has to go on counting": Mutant(
        *("reader.go", "f.sequence == 1 && r.writer.isAnother(r.segment)", "false"),
        Exchange.test_one_process_writes_after_itself_unseen,
        {"reading": "driver", "writing": "driver"},
    ),
}


@pytest.mark.slow
@needs_go
class TestBroken(Subject):
    language = GO

    def test_fields_in_a_wrong_order_are_refused_by_name(self, tmp_path: Path) -> None:
        fields = [
            'writerPID       atomic.Uint64    `protocol:"writer_pid"`',
            'readerPID       atomic.Uint64    `protocol:"reader_pid"`',
        ]
        folder = altered(GO, tmp_path, "layout.go", "\n\t".join(fields), "\n\t".join(reversed(fields)))
        said = handshake_of(build(folder))
        assert "oieb.writer_pid is at offset 88, expected 80" in said
        assert "oieb.reader_pid is at offset 80, expected 88" in said

    @pytest.mark.parametrize("change", MUTANTS)
    def test_a_mutant_is_found(self, change: str, name: str, tmp_path: Path) -> None:
        mutant = MUTANTS[change]
        program = build(altered(GO, tmp_path, mutant.file, mutant.old, mutant.new))
        with pytest.raises((AssertionError, DriverError)):
            mutant.check(TestExchange(), **mutant.given, play=playing(replace(GO, command=(program,)), name))
