from __future__ import annotations

import asyncio
import gc
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

import zerobuffer
from step_definitions import foreign_peer, observer, processes
from step_definitions.observer import BufferView, Part
from step_definitions.processes import DeathWatch, Holdings


@pytest.fixture
def view(run_id: str) -> Iterator[BufferView]:
    found = BufferView(f"seen{run_id}")
    yield found
    found.sweep()


def test_it_sees_what_the_library_makes(view: BufferView) -> None:
    assert view.existing() == []
    with zerobuffer.Reader(view.name, zerobuffer.BufferConfig(64, 1024)), zerobuffer.Writer(view.name) as writer:
        writer.set_metadata(b"abc")
        writer.write_frame(b"12345")
        header = view.header()
        assert view.existing() == [part.value for part in Part]
        assert (header["oieb_size"], header["version_major"]) == (128, 1)
        assert (header["metadata_size"], header["metadata_written_bytes"]) == (64, 11)
        assert (header["payload_size"], header["payload_free_bytes"]) == (1024, 1024 - 21)
        assert header["writer_pid"] == header["reader_pid"] == os.getpid()
        assert view.frame_header(0) == (5, 1)
        assert (view.semaphore(Part.DATA), view.semaphore(Part.SPACE)) == (1, 0)
        assert view.length == 128 + 64 + 1024
        assert view.locked()
        assert observer.locked_or_alive(view)
        assert "payload_free_bytes = 1003" in view.describe()
    assert view.existing() == []
    assert not observer.locked_or_alive(view)


def test_what_it_overwrites_is_what_the_library_reads_and_the_times_stay(view: BufferView) -> None:
    with (
        zerobuffer.Reader(view.name, zerobuffer.BufferConfig(0, 1024)) as reader,
        zerobuffer.Writer(view.name) as writer,
    ):
        writer.write_frame(b"x" * 100)
        before = view.path(Part.SEGMENT).stat().st_mtime_ns
        view.overwrite_frame_header(0, 5000, 1)
        assert view.path(Part.SEGMENT).stat().st_mtime_ns == before
        with pytest.raises(zerobuffer.InvalidFrameSizeError):
            reader.read_frame(1)


def test_a_sign_of_life_ends_with_its_side_and_is_of_one_side_alone(view: BufferView) -> None:
    with zerobuffer.Reader(view.name, zerobuffer.BufferConfig(0, 1024)):
        assert (view.shows_life("reader"), view.shows_life("writer")) == (True, False)
        with zerobuffer.Writer(view.name):
            assert (view.shows_life("reader"), view.shows_life("writer")) == (True, True)
        assert (view.shows_life("reader"), view.shows_life("writer")) == (True, False)


@pytest.mark.parametrize("way", ["a symbolic link", "a hard link"])
def test_a_lock_file_that_leads_elsewhere_is_no_object_and_is_cleared_with_the_file_it_leads_to(
    view: BufferView, way: str
) -> None:
    view.mislead(way)
    assert view.stranger() == observer.STRANGERS
    assert view.existing() == []
    assert len(observer.objects_of_run(view.name)) == 2
    view.clear()
    assert observer.objects_of_run(view.name) == []


def test_a_buffer_of_another_implementation_is_one_for_the_library(view: BufferView) -> None:
    foreign_peer.create(view, 128)
    with zerobuffer.Writer(view.name) as writer:
        writer.write_frame(b"x" * 100)
    assert (view.field("released"), view.field("payload_free_bytes"), view.semaphore(Part.DATA)) == (0, 12, 1)


def test_a_writer_of_another_implementation_is_one_for_the_library(view: BufferView) -> None:
    with zerobuffer.Reader(view.name, zerobuffer.BufferConfig(0, 128)) as reader:
        foreign_peer.connect(view)
        for size, sequence in ((60, 1), (30, 2), (20, 3)):
            foreign_peer.write(view, size, sequence)
            with reader.read_frame(5) as frame:
                assert (frame.size, frame.sequence) == (size, sequence)
        with pytest.raises(AssertionError, match="the tail has 92 bytes: this peer writes no marker into it"):
            foreign_peer.write(view, 100, 4)
        foreign_peer.leave(view)
        with pytest.raises(zerobuffer.WriterDeadError):
            reader.read_frame(5)


def test_an_unknown_field_is_an_error(view: BufferView) -> None:
    with pytest.raises(KeyError, match="no field 'colour'"):
        view.overwrite("colour", 1)


@pytest.mark.parametrize("part", Part)
def test_stale_objects_look_like_those_of_a_dead_owner(view: BufferView, part: Part) -> None:
    view.make_stale(part, processes.dead_number())
    assert view.existing() == [part.value]
    assert not observer.locked_or_alive(view)


def test_a_stale_segment_of_a_living_process_is_seen_as_alive(view: BufferView) -> None:
    view.make_stale(Part.SEGMENT, os.getpid())
    assert observer.locked_or_alive(view)


@pytest.mark.parametrize("part", Part)
def test_an_obstacle_is_no_object_and_can_be_removed(view: BufferView, part: Part) -> None:
    view.obstruct(part)
    assert view.existing() == []
    with pytest.raises(zerobuffer.ZeroBufferError):
        zerobuffer.Reader(view.name)
    view.clear()
    assert not view.path(part).exists()


def test_an_obstacle_takes_the_place_of_what_is_there(view: BufferView) -> None:
    for obstacle in ("FIFO", "symbolic link"):
        view.make_stale(Part.LOCK, os.getpid())
        view.obstruct(Part.LOCK, obstacle)
        assert view.existing() == []
        view.clear()
        assert not os.path.lexists(view.path(Part.LOCK))


def test_it_says_which_reader_has_to_remove_an_object(view: BufferView) -> None:
    with zerobuffer.Reader(view.name):
        owners = {part: observer.owner_of(view.path(part)) for part in Part}
    assert owners == dict.fromkeys(Part, os.getpid())
    view.make_stale(Part.DATA, 1)
    assert observer.owner_of(view.path(Part.DATA)) == 0, "without a header nobody can say"


def test_it_finds_what_a_run_left_and_nothing_of_others(run_id: str) -> None:
    mine, other = BufferView(f"left{run_id}"), BufferView(f"left{run_id}9")
    for one in (mine, other):
        one.make_stale(Part.DATA, 1)
    try:
        assert observer.objects_of_run(run_id) == [str(mine.path(Part.DATA))]
    finally:
        mine.sweep()
        other.sweep()


def test_a_death_is_noted_at_once() -> None:
    async def body() -> None:
        with processes.bystander() as number:
            watch = DeathWatch(number)
            await asyncio.sleep(0)
            assert watch.moment is None
        ended = time.monotonic()
        for _ in range(5000):
            if watch.moment is not None:
                break
            await asyncio.sleep(0.001)
        assert watch.moment is not None
        assert watch.moment < ended + 5

    asyncio.run(body())


def test_limits_are_set_and_taken_back() -> None:
    with processes.bystander() as number:
        before = processes.limit(number, resource.RLIMIT_NOFILE, 5)
        assert resource.prlimit(number, resource.RLIMIT_NOFILE)[0] == 5
        resource.prlimit(number, resource.RLIMIT_NOFILE, before)
        assert processes.first_free_descriptor(number) == 3
        assert processes.address_space(number) > 0


def test_a_halted_process_stands_until_it_goes_on() -> None:
    with processes.bystander() as number:
        processes.halt(number)
        assert processes.state(number) == "T"
        processes.go_on(number)


def test_processor_time_is_that_of_the_process() -> None:
    busy = "import time\nwhile time.process_time() < 0.1: pass\nprint(flush=True)\nimport sys\nsys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", busy], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert processes.processor_seconds(process.pid) >= 0.1
        process.communicate()


def test_holdings_grow_with_what_is_opened(run_id: str) -> None:
    gc.collect()  # what others have left is not closed in between
    before = Holdings.of(os.getpid())
    with zerobuffer.Reader(f"held{run_id}"):
        during = Holdings.of(os.getpid())
        assert during.mappings > before.mappings
        assert during.descriptors > before.descriptors
