"""Creation is all or nothing, and what is made is private."""

from __future__ import annotations

import errno
import fcntl
import os
import resource
import stat
from collections import Counter
from pathlib import Path

import pytest

from tests.library import children
from tests.library.data import objects, segment
from tests.library.processes import Child
from tests.library.tenancy import CONFIG, works
from zerobuffer import (
    BufferConfig,
    Reader,
    ResourceExhaustedError,
    SystemFailureError,
    ZeroBufferError,
    _core,
    ownership,
)

STEPS: list[tuple[object, str]] = [
    (os, "open"),
    (os, "fstat"),
    (os, "stat"),
    (os, "fchmod"),
    (os, "ftruncate"),
    (os, "fstatvfs"),
    (os, "posix_fallocate"),
    (os, "pread"),
    (fcntl, "flock"),
    (fcntl, "fcntl"),
    (Path, "mkdir"),
    (Path, "chmod"),
    (Path, "unlink"),
    (_core, "semaphore_create"),
    (_core, "format_segment"),
]


@pytest.mark.parametrize("stale", [False, True])
@pytest.mark.parametrize(
    ("number", "expected"),
    [(errno.EIO, SystemFailureError), (errno.EMFILE, ResourceExhaustedError), (errno.ENOSPC, ResourceExhaustedError)],
    ids=lambda value: errno.errorcode.get(value, "") if isinstance(value, int) else "",
)
@pytest.mark.parametrize(("place", "step"), STEPS, ids=[step for _, step in STEPS])
def test_every_step_of_creation_may_fail(  # noqa: PLR0917 - each a dimension of the matrix
    place: object,
    step: str,
    number: int,
    expected: type[ZeroBufferError],
    stale: bool,
    name: str,
    lock_directory: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ZEROBUFFER_LOCK_DIR", str(lock_directory / "deeper"))
    original = getattr(place, step)
    failures = 0
    for failing in range(1, 20):
        if stale:
            segment(name).write_bytes(bytes(64))
        calls = 0

        def fail(*arguments: object, failing: int = failing, **named: object) -> object:
            nonlocal calls
            calls += 1
            if calls == failing:
                raise OSError(number, os.strerror(number))
            return original(*arguments, **named)

        with monkeypatch.context() as patch:
            patch.setattr(place, step, fail)
            try:
                reader = Reader(name, CONFIG)
            except ZeroBufferError as error:
                assert type(error) is expected  # noqa: PT017 - success is the other outcome
                assert error.errno == number  # noqa: PT017 - success is the other outcome
                assert name in str(error)  # noqa: PT017
                failures += 1
            else:
                patch.undo()
                reader.close()
                assert calls < failing, f"call {failing} of {step} failed and nobody noticed"
                break
        left = set(objects(name)) - ({name} if stale else set())
        assert not left, f"call {failing} of {step}"
        deeper = lock_directory / "deeper"
        assert not deeper.exists() or not list(deeper.iterdir()), f"call {failing} of {step}"
        if deeper.exists():
            deeper.rmdir()
    assert failures or step in {"fstat", "unlink", "pread"}
    segment(name).unlink(missing_ok=True)
    if (lock_directory / "deeper").exists():
        (lock_directory / "deeper").rmdir()


def test_failure_of_the_mapping_leaves_nothing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(Reader, "_attach", refuse)
    with pytest.raises(MemoryError):
        Reader(name, CONFIG)
    assert objects(name) == []


def test_scarce_descriptors(name: str) -> None:
    with Child(children.create_with_few_descriptors, name=name) as child:
        outcomes = Counter(child.hear())
        assert outcomes.pop("ok") >= 1
        assert set(outcomes) == {"resource_exhausted"}
        assert outcomes["resource_exhausted"] >= 2
    assert objects(name) == []


@pytest.mark.parametrize(("limit", "size"), [("RLIMIT_FSIZE", 1 << 20), ("RLIMIT_AS", 1 << 40)])
def test_scarce_memory(name: str, limit: str, size: int) -> None:
    with Child(children.create_under_limit, name=name, limit=getattr(resource, limit), size=size) as child:
        assert child.hear() == "resource_exhausted"
    assert objects(name) == []


def test_buffer_larger_than_shared_memory_fails_at_once(name: str) -> None:
    with pytest.raises(ResourceExhaustedError) as caught:
        Reader(name, BufferConfig(0, 1 << 45))
    assert caught.value.errno == errno.ENOSPC
    assert "zerobuffer clean" in caught.value.hint
    assert objects(name) == []


def test_sparse_buffer_takes_no_memory_until_used(name: str) -> None:
    with Reader(name, BufferConfig(0, 1 << 30, preallocate=False)):
        assert segment(name).stat().st_blocks * 512 < 1 << 20
    with Reader(name, BufferConfig(0, 1 << 20)):
        assert segment(name).stat().st_blocks * 512 >= 1 << 20


@pytest.mark.parametrize("mask", [0o000, 0o077, 0o777])
@pytest.mark.parametrize("mode", [0o600, 0o660, 0o666, 0o640])
def test_modes_are_exact_under_any_umask(name: str, mask: int, mode: int, lock_directory: Path) -> None:
    before = os.umask(mask)
    try:
        with Reader(name, BufferConfig(0, 64, mode=mode)):
            found = {path.name: stat.S_IMODE(path.stat().st_mode) for path in ownership.object_paths(name)}
    finally:
        os.umask(before)
    assert set(found.values()) == {mode}
    assert len(found) == 4
    assert not list(lock_directory.iterdir())


def test_default_mode_is_private(name: str) -> None:
    with Reader(name):
        assert {stat.S_IMODE(path.stat().st_mode) for path in ownership.object_paths(name)} == {0o600}


def test_lock_directory_is_made_for_everybody(name: str, lock_directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZEROBUFFER_LOCK_DIR", str(lock_directory / "a" / "b"))
    before = os.umask(0o077)
    try:
        works(name)
    finally:
        os.umask(before)
    assert stat.S_IMODE((lock_directory / "a" / "b").stat().st_mode) == 0o1777
    (lock_directory / "a" / "b").rmdir()
    (lock_directory / "a").rmdir()
