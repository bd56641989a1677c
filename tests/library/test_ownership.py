"""Who owns a name: creation is all or nothing, the dead are replaced, the living are never touched."""

from __future__ import annotations

import errno
import fcntl
import os
import resource
import stat
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.library import children
from tests.library.data import READER_PID, Fields, frame, objects, poke_u64, segment
from tests.library.processes import Child
from zerobuffer import (
    BufferConfig,
    BufferInUseError,
    BufferNotFoundError,
    PermissionDeniedError,
    Reader,
    ReaderDeadError,
    ResourceExhaustedError,
    SystemFailureError,
    Writer,
    ZeroBufferError,
    _core,
    ownership,
)
from zerobuffer.process import is_alive, started_after

CONFIG = BufferConfig(metadata_size=64, payload_size=1024)
NOBODY = 65534

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may become another user or make a pid namespace")


def works(name: str) -> None:
    """Create a buffer and send a frame through it."""
    with Reader(name, CONFIG) as reader, Writer(name) as writer:
        writer.write_frame(frame(100, 1))
        with reader.read_frame(5) as got:
            assert (bytes(got.data), got.sequence) == (frame(100, 1), 1)
        fields = Fields.of(name)
        assert (fields.writer_pid, fields.reader_pid) == (os.getpid(), os.getpid())


def leave_a_corpse(name: str) -> None:
    """Leave everything that a reader killed with frames pending leaves."""
    with Child(children.hold_reader, name=name) as reader:
        reader.hear("ready")
        with Writer(name) as writer:
            writer.write_frames([b"pending"] * 3)
            reader.kill()
    assert len(objects(name)) == 3


# ---- creation is all or nothing -------------------------------------------------------------------------------------

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
    (Path, "mkdir"),
    (Path, "chmod"),
    (Path, "unlink"),
    (_core, "semaphore_create"),
    (_core, "semaphore_unlink"),
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
    assert failures or step in {"fstat", "unlink", "pread", "semaphore_unlink"}
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


# ---- what the dead left ---------------------------------------------------------------------------------------------


def test_everything_of_a_dead_owner_is_replaced(name: str) -> None:
    leave_a_corpse(name)
    works(name)
    assert objects(name) == []


def test_writer_finds_a_dead_owner_dead(name: str) -> None:
    leave_a_corpse(name)
    with pytest.raises(ReaderDeadError) as caught:
        Writer(name)
    assert caught.value.reason == "died"
    assert ownership.remove_stale(name)
    assert not ownership.remove_stale(name)
    with pytest.raises(BufferNotFoundError):
        Writer(name)


def _leftovers() -> Iterator[tuple[str, Callable[[str, Path], None]]]:
    yield "empty segment", lambda name, _: segment(name).touch()
    yield "short segment", lambda name, _: _ignore(segment(name).write_bytes(b"\x80\0\0\0\1"))
    yield "garbage segment", lambda name, _: _ignore(segment(name).write_bytes(b"\xff" * 5000))
    yield "half-made segment", lambda name, _: _ignore(segment(name).write_bytes(bytes(1216)))
    yield "data semaphore", lambda name, _: _core.semaphore_create(f"/sem-w-{name}", 0o600)
    yield "space semaphore", lambda name, _: _core.semaphore_create(f"/sem-r-{name}", 0o600)
    yield "garbage semaphore", lambda name, _: _ignore((segment(f"sem.sem-w-{name}")).write_bytes(b"x"))
    yield "lock", lambda name, locks: (locks / f"{name}.lock").touch()
    yield "lock with content", lambda name, locks: _ignore((locks / f"{name}.lock").write_bytes(b"4711"))


def _ignore(_: object) -> None:
    """Make a command of an expression."""


LEFTOVERS = dict(_leftovers())


@pytest.mark.parametrize("what", LEFTOVERS)
def test_each_leftover_alone_is_replaced(name: str, lock_directory: Path, what: str) -> None:
    LEFTOVERS[what](name, lock_directory)
    works(name)


def test_all_leftovers_together_are_replaced(name: str, lock_directory: Path) -> None:
    for what in ("half-made segment", "data semaphore", "space semaphore", "lock"):
        LEFTOVERS[what](name, lock_directory)
    works(name)


def test_pid_of_a_dead_owner_that_another_process_has_now(name: str) -> None:
    leave_a_corpse(name)
    with Child(children.idle) as stranger:
        stranger.hear("ready")
        poke_u64(name, READER_PID, stranger.pid)
        os.utime(segment(name), (0, segment(name).stat().st_mtime - 3600))
        with pytest.raises(ReaderDeadError):
            Writer(name)
        works(name)


# ---- the living are never touched -----------------------------------------------------------------------------------


def test_living_owner_in_this_process(name: str) -> None:
    with Reader(name, CONFIG) as reader, Writer(name) as writer:
        before = segment(name).read_bytes()
        with pytest.raises(BufferInUseError) as caught:
            Reader(name, CONFIG)
        assert (caught.value.code, caught.value.pid) == ("buffer_in_use", os.getpid())
        with pytest.raises(BufferInUseError):
            ownership.remove_stale(name)
        assert segment(name).read_bytes() == before
        writer.write_frame(b"goes on")
        reader.read_frame(1).release()
    works(name)


def test_living_owner_in_another_process(name: str) -> None:
    with Child(children.hold_reader, name=name) as owner:
        owner.hear("ready")
        with pytest.raises(BufferInUseError) as caught:
            Reader(name, CONFIG)
        assert caught.value.pid == owner.pid
        with Writer(name) as writer:
            writer.write_frame(b"goes on")


def test_living_owner_is_recognised_by_its_pid_when_its_lock_is_elsewhere(name: str, lock_directory: Path) -> None:
    with Child(children.hold_reader, name=name) as owner:
        owner.hear("ready")
        (lock_directory / f"{name}.lock").unlink()
        with pytest.raises(BufferInUseError) as caught:
            Reader(name, CONFIG)
        assert caught.value.pid == owner.pid
        assert len(objects(name)) == 3
        assert Fields.of(name).reader_pid == owner.pid


def test_living_owner_is_recognised_by_its_lock_when_its_segment_is_gone(name: str) -> None:
    with Child(children.hold_reader, name=name) as owner:
        owner.hear("ready")
        segment(name).unlink()
        with pytest.raises(BufferInUseError) as caught:
            Reader(name, CONFIG)
        assert caught.value.pid == "unknown"


def test_living_owner_is_not_taken_for_a_stranger_when_the_clock_was_set(name: str) -> None:
    with Reader(name, CONFIG) as reader:
        os.utime(segment(name), (0, segment(name).stat().st_mtime - 3600))
        with pytest.raises(BufferInUseError):
            Reader(name, CONFIG)
        with Writer(name) as writer:
            writer.write_frame(b"x")
            reader.read_frame(1).release()


def test_zombie_is_no_living_owner(name: str) -> None:
    with Child(children.hold_reader, name=name) as owner:
        owner.hear("ready")
        owner.kill_without_reaping()
        assert not is_alive(owner.pid)
        works(name)


def test_what_counts_as_alive() -> None:
    assert is_alive(os.getpid())
    assert is_alive(1)
    for wrong in (0, 1 << 22 | 1, 1 << 63):
        assert not is_alive(wrong)
    assert not started_after(1, 1e9 * 4)
    assert started_after(os.getpid(), 1.0)
    assert not started_after(os.getpid(), 0)
    assert not started_after(1 << 22, 1.0)


# ---- links and other things in the way ------------------------------------------------------------------------------


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
        except SystemFailureError:
            assert kind == "directory" or place == 3
            assert [other for other in ownership.object_paths(name) if other.exists()] == [path]
        else:
            assert kind == "fifo"
    finally:
        if path.is_dir():
            path.rmdir()
        else:
            path.unlink(missing_ok=True)


# ---- races ----------------------------------------------------------------------------------------------------------


def test_of_two_creators_exactly_one_wins(name: str) -> None:
    with Child(children.race_to_create) as one, Child(children.race_to_create) as other:
        wins: Counter[str] = Counter()
        for round_ in range(50):
            for child in (one, other):
                child.say(f"{name}-{round_}")
            results = [child.hear("ok", "buffer_in_use") for child in (one, other)]
            assert sorted(results) == ["buffer_in_use", "ok"]
            wins[str(results.index("ok"))] += 1
            works_for = Fields.of(f"{name}-{round_}").reader_pid
            assert works_for == (one, other)[results.index("ok")].pid
            for child in (one, other):
                child.say("close")
                child.hear("closed")
            assert objects(f"{name}-{round_}") == []


def test_of_two_writers_exactly_one_wins(name: str) -> None:
    with Reader(name, CONFIG), Child(children.race_to_connect) as one, Child(children.race_to_connect) as other:
        for _ in range(50):
            for child in (one, other):
                child.say(name)
            results = [child.hear("ok", "writer_exists") for child in (one, other)]
            assert sorted(results) == ["ok", "writer_exists"]
            assert Fields.of(name).writer_pid == (one, other)[results.index("ok")].pid
            for child in (one, other):
                child.say("close")
                child.hear("closed")


@pytest.mark.parametrize("moment", ["ftruncate", "posix_fallocate", "format_segment"])
@pytest.mark.parametrize("timeout", [0, 20])
def test_writer_that_comes_in_the_middle_of_a_creation_waits_for_its_end(
    name: str, moment: str, timeout: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = _core if moment == "format_segment" else os
    original = getattr(place, moment)
    tried = threading.Event()
    checked = Writer._check_formatted

    def check(writer: Writer, fd: int) -> None:
        try:
            checked(writer, fd)
        finally:
            tried.set()

    monkeypatch.setattr(Writer, "_check_formatted", check)
    with ThreadPoolExecutor(1) as pool:
        connecting = []

        def pause(*arguments: object) -> object:
            connecting.append(pool.submit(Writer, name, timeout=timeout))
            assert tried.wait(20)
            return original(*arguments)

        monkeypatch.setattr(place, moment, pause)
        with Reader(name, CONFIG) as reader, connecting[0].result(20) as writer:
            writer.write_frame(b"x")
            reader.read_frame(1).release()


def test_writer_that_is_told_to_wait_meets_the_reader_when_it_comes(name: str) -> None:
    with ThreadPoolExecutor(1) as pool:
        connecting = pool.submit(Writer, name, timeout=20)
        with Reader(name, CONFIG) as reader, connecting.result(20) as writer:
            writer.write_frame(b"x")
            reader.read_frame(1).release()


# ---- other users ----------------------------------------------------------------------------------------------------


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
