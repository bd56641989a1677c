"""The C++ driver: what every driver must do, and its own tests and formatting."""

from __future__ import annotations

import shutil

import pytest

from tests.drivers.exchange import Exchange
from tests.drivers.language import DRIVERS, Language
from tests.drivers.wire import Wire

CPP = Language(
    "cpp",
    folder=DRIVERS / "cpp",
    command=(DRIVERS / "cpp" / "build" / "zerobuffer-driver",),
    sources=("include/zerobuffer/*.hpp", "src/*", "driver/*"),
    said="c++",
)


class TestExchange(Exchange):
    language = CPP


class TestWire(Wire):
    language = CPP


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
