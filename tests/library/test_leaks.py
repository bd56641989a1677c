"""The watch over every test catches each kind of thing that a test can leave."""

from __future__ import annotations

import mmap
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.library import children
from tests.library.data import segment
from tests.library.leaks import Remains
from tests.library.processes import Child, ChildFailedError


@contextmanager
def _file(path: Path) -> Iterator[None]:
    path.touch()
    yield
    path.unlink()


@contextmanager
def _descriptor(path: Path) -> Iterator[None]:
    fd = os.open(path, os.O_RDONLY)
    yield
    os.close(fd)


@contextmanager
def _mapping(name: str) -> Iterator[None]:
    with _file(segment(name)):
        fd = os.open(segment(name), os.O_RDWR)
        os.ftruncate(fd, 4096)
        mapped = mmap.mmap(fd, 4096)
        os.close(fd)
        yield
        mapped.close()


@contextmanager
def _thread() -> Iterator[None]:
    end = threading.Event()
    thread = threading.Thread(target=end.wait, name="forgotten")
    thread.start()
    yield
    end.set()
    thread.join()


@contextmanager
def _process() -> Iterator[None]:
    with Child(children.idle):
        yield


LEAKS: dict[str, Callable[[str, Path], object]] = {
    "shared_memory": lambda name, _: _file(segment(name)),
    "locks": lambda name, locks: _file(locks / f"{name}.lock"),
    "descriptors": lambda _, locks: _descriptor(locks),
    "mappings": lambda name, _: _mapping(name),
    "threads": lambda *_: _thread(),
    "children": lambda *_: _process(),
}


@pytest.mark.parametrize("kind", LEAKS)
def test_each_kind_of_leak_is_caught(name: str, lock_directory: Path, kind: str) -> None:
    before = Remains.now(lock_directory)
    caught = pytest.raises(AssertionError, match=f"left behind: .*'{kind}'")
    with LEAKS[kind](name, lock_directory), caught:  # type: ignore[attr-defined]
        before.check(Remains.now(lock_directory), threading.enumerate())
    before.check(Remains.now(lock_directory), threading.enumerate())


def test_child_that_says_nothing_or_something_else_is_caught() -> None:
    with Child(children.idle) as child:
        with pytest.raises(ChildFailedError, match="not 'steady'"):
            child.hear("steady")
        with pytest.raises(ChildFailedError, match="said nothing in time"):
            child.hear(timeout=0.05)
        child.kill()
        with pytest.raises(ChildFailedError, match="ended"):
            child.hear()
