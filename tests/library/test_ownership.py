"""Who owns a name: the dead are replaced, the living are never touched, of two exactly one wins."""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.library import children
from tests.library.data import READER_PID, Fields, objects, poke_u64, segment
from tests.library.processes import Child
from tests.library.tenancy import CONFIG, leave_a_corpse, works
from zerobuffer import (
    BufferInUseError,
    BufferNotFoundError,
    Reader,
    ReaderDeadError,
    Writer,
    _core,
    ownership,
    presence,
)
from zerobuffer.presence import is_alive, started_after

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


def test_who_only_cleans_has_the_name_before_semaphores_that_stand_alone_go(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the name, these could be the semaphores of a reader that is creating the buffer meanwhile."""
    _core.semaphore_create(f"/sem-w-{name}", 0o600)
    remove, held = ownership._unlink_semaphores, []

    def look(name: str) -> None:
        with ownership.opened(segment(name)) as fd:
            held.append(presence.held(fd, presence.READER_LOCK))
        remove(name)

    monkeypatch.setattr(ownership, "_unlink_semaphores", look)
    assert ownership.remove_stale(name)
    assert held == [True]
    assert objects(name) == []


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


def test_owner_that_was_replaced_removes_nothing_of_the_next_one(name: str) -> None:
    """A close that went by names alone would remove the next reader's buffer."""
    with Reader(name, CONFIG) as first:
        for path in ownership.object_paths(name):
            path.unlink()
        with Reader(name, CONFIG):
            first.close()
            assert all(path.exists() for path in ownership.object_paths(name))


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
    monkeypatch.setattr("zerobuffer.writer._CREATION_PATIENCE", 20)
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
