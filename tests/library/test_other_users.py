"""Names, leftovers and peers of other users."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.library import children
from tests.library.data import frame, objects
from tests.library.processes import Child
from tests.library.tenancy import CONFIG, leave_a_corpse, works
from zerobuffer import (
    BufferConfig,
    BufferInUseError,
    PermissionDeniedError,
    Reader,
    ZeroBufferError,
)

NOBODY = 65534

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may become another user or make a pid namespace")


@pytest.fixture
def shared_locks(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A lock directory that every user can use."""
    with tempfile.TemporaryDirectory(dir="/tmp") as directory:
        path = Path(directory)
        path.chmod(0o1777)
        monkeypatch.setenv("ZEROBUFFER_LOCK_DIR", str(path))
        yield path


@needs_root
def test_name_of_another_user(name: str, shared_locks: Path) -> None:
    with Reader(name, CONFIG), Child(children.try_everything, user=NOBODY, name=name, owner=os.getpid()) as stranger:
        assert stranger.hear() == {
            "owner is alive": True,
            "Reader": "permission_denied",
            "Writer": "permission_denied",
            "remove_stale": "permission_denied",
        }
        assert len(objects(name)) == 3


@needs_root
def test_leftovers_of_another_user(name: str, shared_locks: Path) -> None:
    leave_a_corpse(name)
    with Child(children.try_everything, user=NOBODY, name=name, owner=os.getpid()) as stranger:
        answers = stranger.hear()
        assert (answers["Reader"], answers["Writer"]) == ("permission_denied", "permission_denied")
    assert len(objects(name)) == 3
    works(name)


@needs_root
def test_reader_of_another_user_is_alive(name: str, shared_locks: Path) -> None:
    with (
        Reader(name, BufferConfig(64, 1024, mode=0o666)) as reader,
        Child(children.hold_writer, user=NOBODY, name=name) as writer,
    ):
        writer.hear("ready")
        for sequence in range(1, 30):
            writer.say([[100, sequence]])
            with reader.read_frame(20) as got:
                assert bytes(got.data) == frame(100, sequence)
            writer.hear("written")
        with pytest.raises(TimeoutError):
            reader.read_frame(0.1)
        assert reader.writer_state == "alive"


@needs_root
def test_stale_lock_of_another_user_with_a_wide_mode(name: str, shared_locks: Path) -> None:
    with Child(children.hold_reader, user=NOBODY, name=name, mode=0o666) as owner:
        owner.hear("ready")
        with pytest.raises(BufferInUseError):
            Reader(name, CONFIG)
        owner.kill()
    works(name)
    assert not list(shared_locks.iterdir())


@pytest.mark.parametrize("errors", [(PermissionDeniedError, errno.EACCES)])
def test_refusal_of_the_lock_file_is_a_permission_error(
    name: str, errors: tuple[type[ZeroBufferError], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    original = os.open

    def refuse(path: str, flags: int, *rest: int, dir_fd: int | None = None) -> int:
        if dir_fd is not None:
            raise OSError(errors[1], os.strerror(errors[1]))
        return original(path, flags, *rest)

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(errors[0]) as caught:
        Reader(name, CONFIG)
    assert f"{name}.lock" in caught.value.path
