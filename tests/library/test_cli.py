"""`zerobuffer list`, `inspect` and `clean`: what they show, what they remove, and what they never touch."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.library import children
from tests.library.data import objects, poke, segment
from tests.library.processes import Child
from zerobuffer import BufferConfig, BufferInUseError, Reader, Writer, _core, inspection
from zerobuffer.cli import main

CONFIG = BufferConfig(metadata_size=64, payload_size=1024)


@pytest.fixture(autouse=True)
def only_ours(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other tests run beside this one: look at the buffers of this test only."""
    buffers, strays = inspection.buffers, inspection.stray_names
    monkeypatch.setattr(inspection, "buffers", lambda: (s for s in buffers() if s.name.startswith(name)))
    monkeypatch.setattr(inspection, "stray_names", lambda: [s for s in strays() if s.startswith(name)])


@contextmanager
def corpse(name: str) -> Iterator[None]:
    """A buffer whose reader was killed, with a frame pending."""
    with Child(children.hold_reader, name=name) as reader:
        reader.hear("ready")
        with Writer(name) as writer:
            writer.write_frame(b"pending")
        reader.kill()
    try:
        yield
    finally:
        main(["clean", name])


def test_inspect_shows_the_live_state(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with Reader(name, CONFIG) as reader, Writer(name) as writer:
        writer.set_metadata(b"12345")
        writer.write_frames([bytes(100), bytes(140)])
        with reader.read_frame(1):
            assert main(["inspect", name, "--json"]) == 0
            state = json.loads(capsys.readouterr().out)
            assert main(["inspect", name]) == 0
            text = capsys.readouterr().out
    expected = {
        "name": name,
        "reader": "alive",
        "writer": "alive",
        "reader_pid": os.getpid(),
        "writer_pid": os.getpid(),
        "pending": 1,
        "stale": False,
        "fill": round((116 + 156) / 1024, 4),
        "version": "1.0.0",
        "payload_size": 1024,
        "payload_free_bytes": 1024 - 116 - 156,
        "payload_write_pos": 272,
        "payload_read_pos": 116,
        "payload_written_count": 2,
        "payload_read_count": 1,
        "metadata_size": 64,
        "metadata_written_bytes": 13,
        "segment_size": 128 + 64 + 1024,
        "mode": "0600",
        "uid": os.getuid(),
        "locked": True,
    }
    assert {field: state[field] for field in expected} == expected
    lines = dict(line.split("  ", 1) for line in text.splitlines())
    rows = {label.strip(): value.strip() for label, value in lines.items()}
    assert rows["buffer"] == name
    assert rows["reader"] == f"{os.getpid()} alive"
    assert rows["pending frames"] == "1"
    assert rows["free bytes"] == "752 of 1024"
    assert rows["fill"] == "[#####...............] 26.6%"
    assert "clean" not in text


def test_inspect_of_the_dead_says_so(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with corpse(name):
        assert main(["inspect", name]) == 0
        text = capsys.readouterr().out
        assert " dead\n" in text
        assert f"'zerobuffer clean {name}' removes it" in text
        assert main(["inspect", name, "--json"]) == 0
        state = json.loads(capsys.readouterr().out)
        assert (state["reader"], state["writer"], state["stale"], state["pending"]) == ("dead", "none", True, 1)


def test_inspect_changes_nothing(name: str) -> None:
    with Reader(name, CONFIG), Writer(name) as writer:
        writer.write_frame(b"x")
        before = segment(name).read_bytes()
        main(["inspect", name])
        main(["list"])
        assert segment(name).read_bytes() == before
        assert _core.semaphore_value(f"/sem-w-{name}") == 1


@pytest.mark.parametrize(
    ("wrong", "message"), [("missing", "does not exist"), ("", "not a valid buffer name"), ("a/b", "not a valid")]
)
def test_inspect_of_what_is_not_there_fails(
    name: str, wrong: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["inspect", f"{name}-{wrong}" if wrong == "missing" else wrong]) == 1
    said = capsys.readouterr()
    assert (message in said.err, said.out) == (True, "")


def test_inspect_of_what_is_no_buffer_fails(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    segment(name).write_bytes(b"short")
    try:
        assert main(["inspect", name]) == 1
        assert "corrupt" in capsys.readouterr().err
    finally:
        segment(name).unlink()


def test_inspect_of_corrupt_fields_does_not_fail(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with Reader(name, CONFIG):
        poke(name, 16, b"\xff" * 64)
        poke(name, 80, b"\xff" * 8)
        assert main(["inspect", name, "--json"]) == 0
        state = json.loads(capsys.readouterr().out)
        assert state["writer"] == "dead"
        assert 0 <= state["fill"] <= 1
        segment(f"sem.sem-w-{name}").unlink()
        assert main(["inspect", name]) == 0
        assert "pending frames         ?" in capsys.readouterr().out


def test_list_shows_all_and_strays(name: str, capsys: pytest.CaptureFixture[str], lock_directory: Path) -> None:
    assert main(["list"]) == 0
    assert capsys.readouterr().out == "no buffers\n"
    segment(f"{name}-foreign").write_bytes(bytes(4096))
    (lock_directory / f"{name}-stray.lock").touch()
    _core.semaphore_create(f"/sem-r-{name}-sem", 0o600)
    try:
        with Reader(f"{name}-a", CONFIG), Reader(f"{name}-b", CONFIG), Writer(f"{name}-b") as writer, corpse(name):
            writer.write_frame(bytes(496))
            assert main(["list", "--json"]) == 0
            found = json.loads(capsys.readouterr().out)
            assert {state["name"]: state["reader"] for state in found["buffers"]} == {
                name: "dead",
                f"{name}-a": "alive",
                f"{name}-b": "alive",
            }
            assert found["stray"] == [f"{name}-sem", f"{name}-stray"]
            assert main(["list"]) == 0
            lines = capsys.readouterr().out.splitlines()
            assert lines[0].split() == ["NAME", "READER", "WRITER", "PENDING", "FILL", "PAYLOAD"]
            row = next(line for line in lines if line.startswith(f"{name}-b ")).split()
            assert row == [f"{name}-b", str(os.getpid()), "alive", str(os.getpid()), "alive", "1", "50%", "1024"]
            assert any(line.startswith(f"{name}-stray: semaphores or a lock file without a segment") for line in lines)
    finally:
        segment(f"{name}-foreign").unlink()
        assert main(["clean", f"{name}-stray", f"{name}-sem"]) == 0
    assert objects(f"{name}-sem") == []


def test_clean_removes_what_belongs_to_the_dead(
    name: str, capsys: pytest.CaptureFixture[str], lock_directory: Path
) -> None:
    with Reader(f"{name}-live", CONFIG) as reader, corpse(name):
        assert main(["clean", "--dry-run"]) == 0
        assert capsys.readouterr().out == f"would remove {name}\n"
        assert len(objects(name)) == 3
        assert main(["clean"]) == 0
        assert capsys.readouterr().out == f"removed {name}\n"
        assert objects(name) == []
        assert len(objects(f"{name}-live")) == 3
        assert [path.name for path in lock_directory.iterdir()] == [f"{name}-live.lock"]
        with Writer(f"{name}-live") as writer:
            writer.write_frame(b"x")
            reader.read_frame(1).release()
        assert main(["clean"]) == 0
        assert capsys.readouterr().out == "nothing to clean\n"


@pytest.mark.parametrize("dry", [[], ["--dry-run"]])
def test_clean_never_touches_the_living(name: str, dry: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with Reader(name, CONFIG):
        assert main(["clean", name, *dry]) == 1
        assert f"kept {name}: buffer {name!r} is in use by process {os.getpid()}" in capsys.readouterr().err
        assert len(objects(name)) == 3
        assert main(["clean", name, "--json", *dry]) == 1
        said = json.loads(capsys.readouterr().out)
        assert (said["removed"], list(said["kept"])) == ([], [name])


def test_clean_of_a_name_that_is_not_there(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["clean", name]) == 1
    assert "there is nothing of that name" in capsys.readouterr().err
    assert main(["clean", "a/b"]) == 1
    assert "not a valid buffer name" in capsys.readouterr().err


def test_buffer_that_comes_to_life_between_look_and_removal_is_kept(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with corpse(name):
        stale = list(inspection.buffers())
        monkeypatch.setattr(inspection, "buffers", lambda: iter(stale))
        with Reader(name, CONFIG):
            assert main(["clean"]) == 0
            assert f"kept {name}" in capsys.readouterr().err
            with pytest.raises(BufferInUseError):
                Reader(name, CONFIG)


@pytest.mark.parametrize("arguments", [[], ["inspect"], ["fly"], ["list", "--colour"]])
def test_wrong_arguments_are_status_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert "usage: zerobuffer" in capsys.readouterr().err


def test_module_and_command_are_the_same(name: str) -> None:
    with Reader(name, CONFIG):
        command = Path(sys.executable).with_name("zerobuffer")
        for start in ([sys.executable, "-m", "zerobuffer"], [str(command)] if command.exists() else []):
            if start:
                done = subprocess.run(
                    [*start, "inspect", name, "--json"], capture_output=True, text=True, timeout=60, check=False
                )
                assert (done.returncode, json.loads(done.stdout)["name"]) == (0, name)
    done = subprocess.run(
        [sys.executable, "-m", "zerobuffer", "inspect", name], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (1, "")


def test_closed_pipe_is_no_failure(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise BrokenPipeError

    with Reader(name, CONFIG):
        monkeypatch.setattr("builtins.print", broken)
        assert main(["inspect", name]) == 0
