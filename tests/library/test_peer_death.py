"""The other side dies: a blocked call ends at once, with everything committed delivered first."""

from __future__ import annotations

import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.library import children
from tests.library.data import Fields, frame
from tests.library.processes import Child
from zerobuffer import (
    BufferConfig,
    DuplexClient,
    DuplexServer,
    FrameTimeoutError,
    Reader,
    ReaderDeadError,
    Writer,
    WriterDeadError,
)

CONFIG = BufferConfig(metadata_size=64, payload_size=4096)

BOUND = 5.0
"""Seconds. The library promises 50 ms; a loaded machine may not run us for longer. `stress --deaths` measures."""


@contextmanager
def killed_meanwhile(child: Child, *, reaped: bool = True, after: str = "") -> Iterator[Callable[[], float]]:
    """Kill the child while the block runs, perhaps after a word of it; the function given tells how long ago it was."""
    moment: list[float] = []

    def kill() -> None:
        if after:
            child.hear(after)
        moment.append(time.monotonic())
        if reaped:
            child.kill()
        else:
            child.kill_without_reaping()

    timer = threading.Timer(0.05, kill)
    timer.start()
    try:
        yield lambda: time.monotonic() - moment[0]
    finally:
        timer.join()


@pytest.mark.parametrize("reaped", [True, False], ids=["reaped", "zombie"])
@pytest.mark.parametrize("call", ["read_frame", "read_frames"])
def test_death_of_the_writer_ends_a_blocked_read(name: str, call: str, reaped: bool) -> None:
    with Reader(name, CONFIG) as reader, Child(children.hold_writer, name=name) as writer:
        writer.hear("ready")
        with killed_meanwhile(writer, reaped=reaped) as since, pytest.raises(WriterDeadError) as caught:
            reader.read_frame(60) if call == "read_frame" else reader.read_frames(4, 60)
        assert since() < BOUND
        assert (caught.value.code, caught.value.reason, caught.value.pid) == ("writer_dead", "died", writer.pid)


@pytest.mark.parametrize("reaped", [True, False], ids=["reaped", "zombie"])
@pytest.mark.parametrize("call", ["write_frame", "acquire", "write_frames"])
def test_death_of_the_reader_ends_a_blocked_write(name: str, call: str, reaped: bool) -> None:
    with Child(children.hold_reader, name=name) as reader:
        reader.hear("ready")
        with Writer(name) as writer:
            writer.write_frame(bytes(4080))
            argument = {"write_frame": b"x", "acquire": 1, "write_frames": [b"x"]}[call]
            with killed_meanwhile(reader, reaped=reaped) as since, pytest.raises(ReaderDeadError) as caught:
                getattr(writer, call)(argument, 60)
            assert since() < BOUND
            assert (caught.value.code, caught.value.reason, caught.value.pid) == ("reader_dead", "died", reader.pid)
    Reader(name, CONFIG).close()


@pytest.mark.parametrize("call", ["write_frame", "acquire", "write_frames", "set_metadata"])
def test_writer_of_a_dead_reader_learns_of_it_even_with_space(name: str, call: str) -> None:
    with Child(children.hold_reader, name=name) as reader:
        reader.hear("ready")
        with Writer(name) as writer:
            writer.write_frame(b"x")
            reader.kill()
            time_out = time.monotonic() + BOUND
            argument = {"write_frame": b"x", "acquire": 1, "write_frames": [b"x"], "set_metadata": b"m"}[call]
            with pytest.raises(ReaderDeadError):
                # The library may rely on a look at the reader that is some microseconds old.
                while time.monotonic() < time_out:
                    getattr(writer, call)(argument)
    Reader(name, CONFIG).close()


def test_frames_committed_before_the_death_come_first(name: str) -> None:
    with Reader(name, CONFIG) as reader, Child(children.hold_writer, name=name) as writer:
        writer.hear("ready")
        writer.say([[100, sequence] for sequence in range(1, 21)])
        writer.hear("written")
        writer.kill()
        for sequence in range(1, 21):
            with reader.read_frame(5) as got:
                assert (got.sequence, bytes(got.data)) == (sequence, frame(100, sequence))
        with pytest.raises(WriterDeadError) as caught:
            reader.read_frame(60)
        assert caught.value.reason == "died"
        with pytest.raises(WriterDeadError):
            reader.read_frame(0)


def test_death_while_frames_are_held(name: str) -> None:
    with Reader(name, CONFIG) as reader:
        with Child(children.hold_writer, name=name) as writer:
            writer.hear("ready")
            writer.say([[100, sequence] for sequence in range(1, 6)])
            writer.hear("written")
            held = [reader.read_frame(5) for _ in range(5)]
            writer.kill()
        with pytest.raises(WriterDeadError):
            reader.read_frame(60)
        assert [bytes(item.data) for item in held] == [frame(100, sequence) for sequence in range(1, 6)]
        with Writer(name) as again:
            assert again.free_bytes == 4096 - 5 * 116
            for item in reversed(held):
                item.release()
            assert again.free_bytes == 4096
            again.write_frame(frame(10, 1))
            reader.read_frame(1).release()


def test_death_of_a_stopped_writer(name: str) -> None:
    with Reader(name, CONFIG) as reader, Child(children.hold_writer, name=name) as writer:
        writer.hear("ready")
        writer.kill(signal.SIGSTOP)
        writer.stopped()
        with pytest.raises(FrameTimeoutError):  # stopped is not dead
            reader.read_frame(0.1)
        with killed_meanwhile(writer) as since, pytest.raises(WriterDeadError):
            reader.read_frame(60)
        assert since() < BOUND


def test_graceful_close_is_noticed_by_a_blocked_read(name: str) -> None:
    with Reader(name, CONFIG) as reader, Child(children.connect_then_close, name=name) as writer:
        writer.hear("ready")
        moment: list[float] = []

        def let_go() -> None:
            writer.say("close")
            moment.append(writer.hear())

        timer = threading.Timer(0.05, let_go)
        timer.start()
        with pytest.raises(WriterDeadError) as caught:
            reader.read_frame(60)
        end = time.monotonic()
        timer.join()
        assert end - moment[0] < BOUND
        assert caught.value.reason == "closed"


def test_graceful_close_of_the_reader_wakes_a_blocked_write(name: str) -> None:
    with Child(children.hold_reader, name=name) as reader:
        reader.hear("ready")
        with Writer(name) as writer:
            writer.write_frame(bytes(4080))
            timer = threading.Timer(0.05, reader.say_no_more)
            timer.start()
            with pytest.raises(ReaderDeadError) as caught:
                writer.write_frame(b"x", 60)
            timer.join()
            assert caught.value.reason == "closed"


def test_death_of_the_server_ends_a_blocked_request(name: str) -> None:
    with Child(children.serve_slowly, name=name) as server:
        server.hear("ready")
        with DuplexClient(name) as client:
            with (
                killed_meanwhile(server, after="in the handler") as since,
                pytest.raises((WriterDeadError, ReaderDeadError)),
            ):
                client.request(b"hello", 60)
            assert since() < BOUND
    DuplexServer(name).close()


def test_process_that_got_the_pid_of_the_dead_is_no_peer(name: str) -> None:
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        pytest.skip("needs root and unshare, to make pids come again")
    with Child(children.reuse_pids, prefix=["unshare", "-pf", "--mount-proc"], name=name) as namespace:
        answer = namespace.hear(timeout=60)
    assert answer == {
        "same pid again": True,
        "blocked write": ["reader_dead", "died"],
        "blocked read": ["writer_dead", "died"],
        "frames after": 3,
    }


def test_writer_in_another_pid_namespace_is_alive_while_its_lock_is_held(name: str) -> None:
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        pytest.skip("needs root and unshare, to make a pid namespace")
    with (
        Reader(name, CONFIG) as reader,
        Child(children.write_under_unknown_pid, prefix=["unshare", "-pf", "--mount-proc"], name=name) as namespace,
    ):
        pid = namespace.hear(timeout=60)
        assert not Path(f"/proc/{pid}").exists()
        assert Fields.of(name).writer_pid == pid
        with reader.read_frame(20) as got:
            assert bytes(got.data) == frame(100, 1)
        with pytest.raises(FrameTimeoutError):
            reader.read_frame(0.2)
        namespace.say("write")
        with reader.read_frame(20) as got:
            assert bytes(got.data) == frame(100, 2)
        namespace.say("die")
        with pytest.raises(WriterDeadError):
            reader.read_frame(60)
