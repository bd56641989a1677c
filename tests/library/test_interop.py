"""The same bytes, another implementation: zerobuffer-ipc from PyPI on the other side, in an environment of its own."""

from __future__ import annotations

import fcntl
import json
import random
import subprocess
import sys
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.library.data import frame
from zerobuffer import BufferConfig, Reader, Writer, WriterDeadError
from zerobuffer.ownership import remove_stale

REQUIREMENTS = ("zerobuffer-ipc==1.3.0", "posix-ipc")
PEER = Path(__file__).with_name("ipc_peer.py")
INSTALL_SECONDS = 120

# The peer leaves a tail of 1 to 15 bytes at times and its own reader then breaks; ours must not.
SIZES = {
    "one": [1],
    "equal": [1000] * 100,
    "random": [random.Random(5).randint(1, 2000) for _ in range(300)],
    "stubs": [random.Random(6).choice((1000, 1007, 991, 33, 4)) for _ in range(300)],
}


@pytest.fixture(scope="session")
def peer(pytestconfig: pytest.Config) -> Path:
    """The interpreter that has the peer; made once, whoever of the parallel workers comes first."""
    cache = pytestconfig.cache
    assert cache is not None
    home = Path(cache.mkdir(f"zerobuffer-ipc-{sys.version_info.major}.{sys.version_info.minor}"))
    python, complete = home / "env" / "bin" / "python", home / "complete"
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not complete.exists():
            try:
                venv.create(home / "env", with_pip=True, clear=True)
                subprocess.run(
                    [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *REQUIREMENTS],
                    check=True,
                    capture_output=True,
                    timeout=INSTALL_SECONDS,
                )
            except (OSError, subprocess.SubprocessError) as error:
                pytest.skip(f"{REQUIREMENTS[0]} cannot be installed here: {error}")
            complete.touch()
    return python


@contextmanager
def running(python: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run the peer, and reap it whatever happens."""
    with subprocess.Popen(
        [python, PEER, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=PEER.parent,
    ) as process:
        try:
            yield process
            let_end(process)
        finally:
            process.kill()


def let_end(process: subprocess.Popen[str]) -> None:
    """Tell the peer that nothing more is wanted of it, and wait for its end."""
    assert process.stdin is not None
    process.stdin.close()
    assert process.wait(30) == 0


def heard(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


@pytest.fixture(autouse=True)
def common_lock_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    """The peer knows no other lock directory than the protocol's."""
    monkeypatch.delenv("ZEROBUFFER_LOCK_DIR")


@pytest.mark.parametrize("sizes", SIZES)
def test_their_writer_to_our_reader(peer: Path, name: str, sizes: str) -> None:
    with (
        Reader(name, BufferConfig(64, 10240)) as reader,
        running(peer, "write", name, json.dumps(SIZES[sizes])) as writer,
    ):
        for sequence, size in enumerate(SIZES[sizes], start=1):
            with reader.read_frame(10) as got:
                assert (got.sequence, got.size) == (sequence, size)
                assert bytes(got.data) == frame(size, sequence)
        assert heard(writer) == "written"
        let_end(writer)
        with pytest.raises(WriterDeadError):
            reader.read_frame(30)


@pytest.mark.parametrize("sizes", SIZES)
def test_our_writer_to_their_reader(peer: Path, name: str, sizes: str) -> None:
    with running(peer, "read", name, json.dumps(SIZES[sizes]), "64", "10240") as reader:
        assert heard(reader) == "ready"
        with Writer(name, timeout=10) as writer:
            writer.set_metadata(b"ours")
            for sequence, size in enumerate(SIZES[sizes], start=1):
                writer.write_frame(frame(size, sequence), 30)
            assert heard(reader) == "ours"
    remove_stale(name)  # the peer leaves its semaphores


def test_our_writer_after_theirs(peer: Path, name: str) -> None:
    with Reader(name, BufferConfig(64, 10240)) as reader:
        with running(peer, "write", name, json.dumps([100, 200])) as writer:
            assert heard(writer) == "written"
        with Writer(name, timeout=5) as ours:
            for sequence in (1, 2):
                ours.write_frame(frame(50, sequence))
            found = []
            for _ in range(4):
                with reader.read_frame(10) as got:
                    found.append((got.sequence, got.size))
        assert found == [(1, 100), (2, 200), (1, 50), (2, 50)]
