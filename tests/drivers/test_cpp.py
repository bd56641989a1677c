"""The C++ driver: what every driver must do, what is broken on purpose, and its own tests and formatting."""

from __future__ import annotations

import shutil

import pytest

from tests.drivers.exchange import Exchange
from tests.drivers.language import DRIVERS, Language
from tests.drivers.mutants import Broken, Change, Mutant, Swapped
from tests.drivers.wire import Wire

CPP = Language(
    "cpp",
    folder=DRIVERS / "cpp",
    command=(DRIVERS / "cpp" / "build" / "zerobuffer-driver",),
    sources=("include/zerobuffer/*.hpp", "src/*", "driver/*"),
    build=("cmake", "-D", "JOBS=2", "-P", "build.cmake"),
    tools={
        "cmake": "apt-get install cmake",
        "c++": "apt-get install g++",
        "nlohmann/json.hpp": "apt-get install nlohmann-json3-dev",
    },
    said="c++",
)


class TestExchange(Exchange):
    language = CPP


class TestWire(Wire):
    language = CPP


@CPP.needs_tools
class TestBroken(Broken):
    language = CPP
    swapped = Swapped(
        "include/zerobuffer/layout.hpp",
        ("std::uint64_t writer_pid;", "std::uint64_t reader_pid;"),
        offsets={"writer_pid": 88, "reader_pid": 80},
    )
    mutants = (
        Mutant(
            "the next writer goes on where a dead one had begun",
            Change("src/ring.cpp", "used = load(block.reserved.committed)", "used = load(block.reserved.start)"),
            Exchange.test_a_writer_takes_over_wherever_the_one_before_died,
            {"victim": "driver", "successor": "driver"},
        ),
        Mutant(
            "a frame without its post stays unread",
            Change("src/reader_core.cpp", "if (!is_behind(ring_.block().reserved.committed)) return", "return"),
            Exchange.test_a_writer_takes_over_wherever_the_one_before_died,
            {"victim": "driver", "successor": "driver"},
        ),
        Mutant(
            "a commit is posted, but not stored",
            Change("src/ring.cpp", "        store(block.reserved.committed, state.committed);", ""),
            Exchange.test_a_writer_takes_over_wherever_the_one_before_died,
            {"victim": "driver", "successor": "driver"},
        ),
        Mutant(
            "a connection does not say what was written before it",
            Change("src/ring.cpp", "store(block.reserved.start, committed)", "store(block.reserved.start, 0)"),
            Exchange.test_what_writers_left_is_read_after_the_next_has_come,
            {"reading": "driver", "writing": "driver", "ending": "close"},
        ),
        Mutant(
            "more space is given back than was taken",
            Change("src/leases.cpp", "+= leases_.front().bytes;", "+= leases_.front().bytes + 1;"),
            Exchange.test_slots_and_held_frames,
            {"reading": "driver", "writing": "python"},
        ),
        Mutant(
            "a wrap marker is not counted",
            Change("src/ring.cpp", "found.counted = 2;", "found.counted = 1;"),
            Exchange.test_random_sizes_wrap_again_and_again,
            {"reading": "driver", "writing": "python"},
        ),
    )


BUILD_LIMIT = 800.0  # a full build of its tests on a machine where others are at work


@pytest.mark.slow
@pytest.mark.timeout(BUILD_LIMIT + 200)
@pytest.mark.skipif(bool(CPP.obstacle()), reason=CPP.obstacle() or "built")
def test_its_own_tests() -> None:
    CPP.run("cmake", "--build", "build", limit=BUILD_LIMIT)
    CPP.run("ctest", "--test-dir", "build", "--output-on-failure", "--no-tests=error", limit=170)


@pytest.mark.skipif(not shutil.which("clang-format"), reason="cpp: no formatter (Debian: apt-get install clang-format)")
def test_it_is_formatted() -> None:
    folders = (CPP.folder / name for name in ("include", "src", "driver", "tests"))
    files = [path for folder in folders for path in folder.rglob("*.[ch]pp")]
    assert len(files) > len({"include", "src", "driver", "tests"})
    CPP.run("clang-format", "--dry-run", "--Werror", *files)
