"""What belongs to others: their names, their shared memory, their files, their data."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.library import children
from tests.library.data import frame, segment
from tests.library.processes import Child
from zerobuffer import (
    BufferConfig,
    ForeignOwnerError,
    InvalidNameError,
    NotABufferError,
    Reader,
    SystemFailureError,
    Writer,
    cli,
    names,
)

CONFIG = BufferConfig(metadata_size=64, payload_size=4096)


@pytest.mark.parametrize("prefix", ["sem.sem-w-", "sem.sem-r-", "sem."])
def test_a_name_of_a_semaphore_is_refused(name: str, prefix: str) -> None:
    """Found: a buffer named `sem.sem-w-X` destroyed the semaphore of the living buffer X."""
    with Reader(name, CONFIG) as reader, Writer(name) as writer:
        for use in (Reader, Writer):
            with pytest.raises(InvalidNameError):
                use(prefix + name)
        assert cli.main(["clean", prefix + name]) == cli.EXIT_FAILED
        writer.write_frame(frame(10, 1))
        reader.read_frame(1).release()


CONTENTS = {
    "text": b"somebody else's shared memory" * 100,
    "zeros, then text": bytes(5000) + b"text",
    "short": b"\x80\0\0\0\1",
    "another version": b"\x80\0\0\0\2" + bytes(4000),
}


@pytest.mark.parametrize("what", CONTENTS)
def test_the_shared_memory_of_another_program_is_left_alone(name: str, what: str) -> None:
    """Found: `Reader` and `clean` deleted it without a word."""
    segment(name).write_bytes(CONTENTS[what])
    try:
        with pytest.raises(NotABufferError) as caught:
            Reader(name)
        assert caught.value.code == "invalid_oieb"
        assert cli.main(["clean", name]) == cli.EXIT_FAILED
        assert segment(name).read_bytes() == CONTENTS[what]
    finally:
        segment(name).unlink()


def test_a_lock_file_that_is_a_hard_link_is_refused_and_the_victim_keeps_its_mode(
    name: str, tmp_path: Path, lock_directory: Path
) -> None:
    victim = tmp_path / "victim"
    victim.write_text("mine")
    victim.chmod(0o640)
    lock = names.lock_path(name)
    lock.hardlink_to(victim)
    with pytest.raises(SystemFailureError, match="other names"):
        Reader(name, BufferConfig(64, 4096, mode=0o666))
    assert victim.stat().st_mode & 0o777 == 0o640
    assert lock.parent == lock_directory
    lock.unlink()


BROKEN = {
    "truncated": lambda content: content[:4],
    "empty": lambda _: b"",
    "garbage": lambda content: b"\xff" * len(content),
    "too long": lambda content: content + bytes(4096),
}


@pytest.mark.parametrize("how", BROKEN)
@pytest.mark.parametrize("semaphore", ["sem-w", "sem-r"])
def test_a_broken_semaphore_is_an_error_and_no_crash(name: str, semaphore: str, how: str) -> None:
    """Found: SIGABRT of garbage, SIGBUS of a short file."""
    with Reader(name, CONFIG):
        path = segment(f"sem.{semaphore}-{name}")
        sound = path.read_bytes()
        path.write_bytes(BROKEN[how](sound))
        with Child(children.connect_and_write, name=name) as writer:
            writer.hear("invalid_oieb")
            assert writer.wait() == 0
        path.write_bytes(sound)  # for the reader, who uses it


@pytest.fixture
def open_to_all(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Locks where every user may write: every pytest that starts closes its own directories to others."""
    with tempfile.TemporaryDirectory() as made:
        Path(made).chmod(0o777)
        monkeypatch.setenv("ZEROBUFFER_LOCK_DIR", made)
        yield


@pytest.mark.usefixtures("open_to_all")
@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become another user")
def test_data_goes_to_another_user_only_if_asked(name: str) -> None:
    """Found: root's writer delivered its data to the user who had made the buffer."""
    with Child(children.hold_reader, user=65534, name=name, mode=0o666) as owner:
        owner.hear("ready")
        with pytest.raises(ForeignOwnerError) as caught:
            Writer(name)
        assert (caught.value.code, caught.value.uid) == ("permission_denied", 65534)
        with Writer(name, any_owner=True) as writer:
            writer.write_frame(frame(10, 1))
