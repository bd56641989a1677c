"""The C# driver: what every driver must do, what is broken on purpose, and its own tests."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import pytest

from step_definitions.port import DriverError
from tests.drivers.exchange import DRIVERS, Exchange, Language, Subject, altered, handshake_of, playing
from tests.drivers.wire import Wire

WIDTH: Final = 120

CSHARP = Language(
    "csharp",
    folder=DRIVERS / "csharp",
    command=("mono", DRIVERS / "csharp" / "bin" / "driver.exe"),
    sources=("ZeroBuffer/*.cs", "Driver/*.cs", "build.sh"),
)
needs_mcs = pytest.mark.skipif(
    not (shutil.which("mcs") and shutil.which("mono")),
    reason="csharp: no compiler (Debian: apt-get install mono-mcs libmono-posix4.0-cil)",
)


class TestExchange(Exchange):
    language = CSHARP


class TestWire(Wire):
    language = CSHARP


def run(*command: str | Path) -> None:
    # From here the tests find the vectors.
    done = subprocess.run(command, cwd=DRIVERS, capture_output=True, text=True, timeout=170, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def build(folder: Path) -> Path:
    """Build the driver of some sources."""
    run("sh", folder / "build.sh")
    return folder / "bin" / "driver.exe"


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


ATTEMPTS = 5


@pytest.mark.slow
@needs_mcs
def test_its_own_tests(tmp_path: Path) -> None:
    # A copy: whoever tries the driver at the same time keeps it.
    folder = Path(shutil.copytree(CSHARP.folder, tmp_path / "csharp", ignore=shutil.ignore_patterns("bin", "obj")))
    run("mono", "--debug", build(folder).with_name("tests.exe"))


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
        *("Recovery.cs", "                FinishAnnounced(ring);\n", ""),
        Exchange.test_a_writer_takes_over_wherever_the_one_before_died,
        {"victim": "python", "successor": "driver"},
    ),
    "a commit is not announced": Mutant(
        *("Ring.cs", "IntentBytes, (ulong)plan.Need)", "IntentBytes, 0)"),
        Exchange.test_a_writer_takes_over_wherever_the_one_before_died,
        {"victim": "driver", "successor": "python"},
    ),
    "what a dead writer had not posted stays unread": Mutant(
        *("Connecting.cs", "owner == 0 ? 0 : OwedPosts(segment)", "0L"),
        Exchange.test_a_writer_takes_over_wherever_the_one_before_died,
        {"victim": "driver", "successor": "driver"},
    ),
    "a connection does not say what was written before it": Mutant(
        *("Presence.cs", "first < LongestLock ? (long)first + 1 : 1", "1"),
        Exchange.test_what_writers_left_is_read_after_the_next_has_come,
        {"reading": "python", "writing": "driver", "ending": "close"},
    ),
    "more space is given back than was taken": Mutant(
        *("Leases.cs", "bytes += first.Bytes;", "bytes += first.Bytes + 1;"),
        Exchange.test_slots_and_held_frames,
        {"reading": "driver", "writing": "python"},
    ),
    "a wrap marker is not counted": Mutant(
        *("Ring.cs", "(plan.HasMarker ? 2u : 1u)", "1u"),
        Exchange.test_random_sizes_wrap_again_and_again,
        {"reading": "python", "writing": "driver"},
    ),
    "a frame may be written to by its reader": Mutant(
        *("Ownership.cs", "config.SegmentSize, false, isData", "config.SegmentSize, true, isData"),
        Exchange.test_requests_and_responses,
        {"reading": "driver", "writing": "python"},
    ),
    "a response goes to whoever reads it": Mutant(
        *("DuplexServer.cs", "return requests.PresentPid == responseReader;", "return responseReader != 0;"),
        Exchange.test_a_response_reaches_nobody_but_who_asked,
        {},
    ),
}


@pytest.mark.slow
@needs_mcs
class TestBroken(Subject):
    language = CSHARP

    def test_fields_in_a_wrong_order_are_refused_by_name(self, tmp_path: Path) -> None:
        fields = ["public ulong WriterPid;", "public ulong ReaderPid;"]
        separator = "\n        "
        order, other = separator.join(fields), separator.join(reversed(fields))
        folder = altered(CSHARP, tmp_path, "ZeroBuffer/Layout.cs", order, other)
        said = handshake_of("mono", build(folder))
        assert "oieb.writer_pid is at offset 88, expected 80" in said
        assert "oieb.reader_pid is at offset 80, expected 88" in said

    @pytest.mark.parametrize("change", MUTANTS)
    def test_a_mutant_is_found(self, change: str, name: str, tmp_path: Path) -> None:
        mutant = MUTANTS[change]
        folder = altered(CSHARP, tmp_path, f"ZeroBuffer/{mutant.file}", mutant.old, mutant.new)
        language = replace(CSHARP, command=("mono", build(folder)))
        # What shows in a race alone may be lost once; the driver as it is never shows it.
        with pytest.raises((AssertionError, DriverError)):
            for attempt in range(ATTEMPTS):
                mutant.check(TestExchange(), **mutant.given, play=playing(language, f"{name}_{attempt}"))
