"""Links and other things in the way of a creation."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from tests.library.data import objects, segment
from tests.library.tenancy import CONFIG, works
from zerobuffer import NotABufferError, Reader, SystemFailureError, Writer, ownership


def test_lock_file_is_not_followed_through_a_link(name: str, lock_directory: Path, tmp_path: Path) -> None:
    target = tmp_path / "precious"
    target.write_text("precious")
    link = lock_directory / f"{name}.lock"
    link.symlink_to(target)
    with pytest.raises(SystemFailureError, match="symbolic link") as caught:
        Reader(name, CONFIG)
    assert caught.value.errno == errno.ELOOP
    assert target.read_text() == "precious"
    assert link.is_symlink()
    assert objects(name) == []
    link.unlink()


def test_dangling_link_is_not_filled(name: str, lock_directory: Path, tmp_path: Path) -> None:
    link = lock_directory / f"{name}.lock"
    link.symlink_to(tmp_path / "nowhere")
    with pytest.raises(SystemFailureError):
        Reader(name, CONFIG)
    assert not (tmp_path / "nowhere").exists()
    link.unlink()


def test_lock_directory_is_not_followed_through_a_link(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    monkeypatch.setenv("ZEROBUFFER_LOCK_DIR", str(tmp_path / "link"))
    with pytest.raises(SystemFailureError):
        Reader(name, CONFIG)
    assert not list((tmp_path / "real").iterdir())


def test_segment_is_not_followed_through_a_link(name: str, tmp_path: Path) -> None:
    target = tmp_path / "precious"
    target.write_bytes(bytes(4096))
    segment(name).symlink_to(target)
    try:
        for use in (lambda: Reader(name, CONFIG), lambda: Writer(name)):
            with pytest.raises(SystemFailureError) as caught:
                use()
            assert caught.value.errno == errno.ELOOP
        assert target.read_bytes() == bytes(4096)
    finally:
        segment(name).unlink()


@pytest.mark.parametrize("kind", ["directory", "fifo"])
@pytest.mark.parametrize("place", range(4))
def test_something_else_in_the_way(name: str, place: int, kind: str) -> None:
    path = ownership.object_paths(name)[place]
    path.mkdir() if kind == "directory" else os.mkfifo(path)
    try:
        try:
            works(name)
        except (SystemFailureError, NotABufferError):
            assert kind == "directory" or place in {0, 3}
            assert [other for other in ownership.object_paths(name) if other.exists()] == [path]
        else:
            assert kind == "fifo"
    finally:
        if path.is_dir():
            path.rmdir()
        else:
            path.unlink(missing_ok=True)
