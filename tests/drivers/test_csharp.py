"""The C# driver: what every driver must do, what is broken on purpose, and its own tests."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import pytest

from tests.drivers.exchange import Exchange
from tests.drivers.language import DRIVERS, Language
from tests.drivers.mutants import Broken, Change, Mutant, Swapped
from tests.drivers.wire import Wire

WIDTH: Final = 120

CSHARP = Language(
    "csharp",
    folder=DRIVERS / "csharp",
    command=("mono", DRIVERS / "csharp" / "bin" / "driver.exe"),
    sources=("ZeroBuffer/*.cs", "Driver/*.cs", "build.sh"),
    build=("sh", "build.sh"),
    tools=dict.fromkeys(("mcs", "mono"), "apt-get install mono-mcs libmono-posix4.0-cil"),
    # Otherwise Mono leaves a file in shared memory when it is killed.
    environment={"MONO_DISABLE_SHARED_AREA": "1"},
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
        faults += [] if text.endswith("\n") and not text.endswith("\n\n") else [f"{path.name}: its end"]
        faults += [
            f"{path.name}:{number}"
            for number, line in enumerate(text.split("\n"), start=1)
            if len(line) > WIDTH or line != line.rstrip() or "\t" in line
        ]
    assert faults == []


TESTS: Final = replace(
    CSHARP, command=("mono", DRIVERS / "csharp" / "bin" / "tests.exe"), sources=(*CSHARP.sources, "Tests/*.cs")
)


@pytest.mark.slow
@pytest.mark.skipif(bool(TESTS.obstacle()), reason=TESTS.obstacle() or "built")
def test_its_own_tests() -> None:
    # From there the tests find the vectors. What builds the driver builds them, too.
    CSHARP.run("mono", "--debug", TESTS.command[-1], folder=DRIVERS)


@CSHARP.needs_tools
class TestBroken(Broken):
    language = CSHARP
    swapped = Swapped(
        "ZeroBuffer/Layout.cs",
        ("public ulong WriterPid;", "public ulong ReaderPid;"),
        offsets={"writer_pid": 88, "reader_pid": 80},
    )
    mutants = (
        Mutant(
            "a commit is posted, but not stored",
            Change(
                "ZeroBuffer/Commits.cs",
                "(ulong)plan.Need);\n                Shared.Store(&block->Reserved.Committed, committed);",
                "(ulong)plan.Need);",
            ),
            Exchange.test_a_writer_takes_over_wherever_the_one_before_died,
            {"victim": "driver", "successor": "driver"},
        ),
        Mutant(
            "a frame without its post stays unread",
            Change("ZeroBuffer/Intake.cs", "- Read - 1) < (ulong)ring.Size", "- Read - 1) < 0 * Read"),
            Exchange.test_a_writer_takes_over_wherever_the_one_before_died,
            {"victim": "driver", "successor": "driver"},
        ),
        Mutant(
            "a connection does not say what was written before it",
            Change("ZeroBuffer/Commits.cs", "StreamStart, committed)", "StreamStart, 0)"),
            Exchange.test_what_writers_left_is_read_after_the_next_has_come,
            {"reading": "driver", "writing": "driver", "ending": "close"},
        ),
        Mutant(
            "a release is not told",
            Change("ZeroBuffer/Ring.cs", "(released + (ulong)bytes) & ~Releasing", "(released) & ~Releasing"),
            Exchange.test_random_sizes_wrap_again_and_again,
            {"reading": "driver", "writing": "driver"},
        ),
        Mutant(
            "more space is given back than was taken",
            Change("ZeroBuffer/Leases.cs", "bytes += first.Bytes;", "bytes += first.Bytes + 1;"),
            Exchange.test_slots_and_held_frames,
            {"reading": "driver", "writing": "python"},
        ),
        Mutant(
            "a wrap marker is not counted",
            Change("ZeroBuffer/Commits.cs", "(plan.HasMarker ? 2u : 1u)", "1u"),
            Exchange.test_random_sizes_wrap_again_and_again,
            {"reading": "python", "writing": "driver"},
        ),
        Mutant(
            "a frame may be written to by its reader",
            Change("ZeroBuffer/Ownership.cs", "config.SegmentSize, false, isData", "config.SegmentSize, true, isData"),
            Exchange.test_requests_and_responses,
            {"reading": "driver", "writing": "python"},
        ),
    )
