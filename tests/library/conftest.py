"""What every test of the library runs under: nothing may be left behind."""

from __future__ import annotations

import gc
import itertools
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.library.leaks import Remains

_counter = itertools.count()


@pytest.fixture
def name(tmp_path: Path) -> str:
    """A buffer name of this test alone."""
    return f"t{os.getpid()}-{next(_counter)}-{abs(hash(str(tmp_path))) % 10**8}"


@pytest.fixture(autouse=True)
def lock_directory(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Locks of each test in a directory of its own, so that what is left in it is this test's."""
    path = tmp_path_factory.mktemp("locks")
    monkeypatch.setenv("ZEROBUFFER_LOCK_DIR", str(path))
    return path


@pytest.fixture(scope="session", autouse=True)
def modules_and_tests_aside() -> Iterator[None]:
    """Have no collection of garbage look at what lives to the end: that takes longer than most tests."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(autouse=True)
def nothing_left(lock_directory: Path, request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test that leaves shared memory, locks, descriptors, mappings, threads or children."""
    if request.node.get_closest_marker("leaks_on_purpose"):
        yield
        return
    gc.collect()
    before = Remains.now(lock_directory)
    yield
    gc.collect()
    before.check(Remains.now(lock_directory), threading.enumerate())
