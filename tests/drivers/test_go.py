"""The Go driver: what every driver must do, what is broken on purpose, and its own tests and linters."""

from __future__ import annotations

import pytest

from tests.drivers.exchange import Exchange
from tests.drivers.language import DRIVERS, Language
from tests.drivers.mutants import Broken, Change, Mutant, Swapped
from tests.drivers.wire import Wire

GO = Language(
    "go",
    folder=DRIVERS / "go",
    command=(DRIVERS / "go" / "bin" / "driver",),
    sources=("*.go", "cmd/**/*.go", "internal/**/*.go"),
    build=("go", "build", "-o", "bin/driver", "./cmd/driver"),
    tools={"go": "apt-get install golang-go"},
)


class TestExchange(Exchange):
    language = GO


class TestWire(Wire):
    language = GO


@pytest.mark.slow
@GO.needs_tools
@pytest.mark.parametrize("command", ["gofmt -l .", "go vet ./...", "go test ./..."])
def test_its_own_tests_and_linters(command: str) -> None:
    said = GO.run(*command.split())
    assert not (command.startswith("gofmt") and said), f"not formatted: {said}"


@GO.needs_tools
class TestBroken(Broken):
    language = GO
    swapped = Swapped(
        "layout.go",
        (
            'writerPID       atomic.Uint64 `protocol:"writer_pid"`',
            'readerPID       atomic.Uint64 `protocol:"reader_pid"`',
        ),
        offsets={"writer_pid": 88, "reader_pid": 80},
    )
    mutants = (
        Mutant(
            "the next writer goes on where a dead one had begun",
            Change("stream.go", "used := ours.committed.Load()", "used := ours.streamStart.Load()"),
            Exchange.test_a_writer_takes_over_wherever_the_one_before_died,
            {"victim": "driver", "successor": "driver"},
        ),
        Mutant(
            "a connection does not say what was written before it",
            Change("stream.go", "ours.streamStart.Store(s.committed)", "ours.streamStart.Store(0)"),
            Exchange.test_what_writers_left_is_read_after_the_next_has_come,
            {"reading": "driver", "writing": "driver", "ending": "close"},
        ),
        Mutant(
            "a frame without its post stays unread",
            Change("reader.go", "return r.posted() || r.committed()", "return r.posted()"),
            Exchange.test_a_writer_takes_over_wherever_the_one_before_died,
            {"victim": "driver", "successor": "driver"},
        ),
        Mutant(
            "more space is given back than was taken",
            Change("leases.go", "payloadFree.Add(part.bytes)", "payloadFree.Add(part.bytes + 1)"),
            Exchange.test_slots_and_held_frames,
            {"reading": "driver", "writing": "python"},
        ),
        Mutant(
            "a wrap marker is not counted",
            Change("stream.go", "\t\tcount++\n", ""),
            Exchange.test_random_sizes_wrap_again_and_again,
            {"reading": "python", "writing": "driver"},
        ),
        Mutant(
            "a writer that comes next has to go on counting",
            Change("reader.go", "f.sequence != 1 || connectionNow(r.segment) == r.writer.stream", "true"),
            Exchange.test_one_process_writes_after_itself_unseen,
            {"reading": "driver", "writing": "driver"},
        ),
    )
