"""Frames: lent without a copy, read-only, and never readable once their space is the writer's again."""

from __future__ import annotations

import ctypes
import gc
import itertools
import threading

import numpy as np
import pytest

from tests.library.data import Fields, frame, poke
from zerobuffer import BufferConfig, ClosedError, Frame, FrameReleasedError, FrameTimeoutError, Reader, Writer

SMALL = BufferConfig(metadata_size=0, payload_size=1024)
FIRST_BYTE = 128 + 16


@pytest.fixture
def lent(name: str):  # noqa: ANN201 - a generator of three typed things
    with Reader(name, SMALL) as reader, Writer(name) as writer:
        writer.write_frame(frame(100, 1))
        with reader.read_frame(1) as first:
            yield reader, writer, first


def test_frame_is_a_window_and_not_a_copy(name: str, lent: tuple[Reader, Writer, Frame]) -> None:
    _, _, first = lent
    view = first.data
    assert bytes(view) == frame(100, 1)
    poke(name, FIRST_BYTE, b"\xee\xdd")
    assert bytes(view[:3]) == b"\xee\xdd" + frame(100, 1)[2:3]


def test_frame_says_what_it_is(lent: tuple[Reader, Writer, Frame]) -> None:
    reader, _, first = lent
    assert (first.size, len(first), first.sequence, first.released) == (100, 100, 1, False)
    assert (first.data.format, first.data.itemsize, first.data.ndim, first.data.nbytes) == ("B", 1, 1, 100)
    assert first.data is first.data
    assert bytes(first) == frame(100, 1)
    assert memoryview(first).readonly
    assert repr(first) == "<Frame sequence=1 size=100>"
    assert reader.held_frames == 1
    first.release()
    assert reader.held_frames == 0
    assert repr(first) == "<Frame sequence=1 size=100 released>"


def test_frame_cannot_be_written(lent: tuple[Reader, Writer, Frame]) -> None:
    _, _, first = lent
    assert first.data.readonly
    with pytest.raises(TypeError, match="read-only"):
        first.data[0] = 1
    with pytest.raises(TypeError):
        (ctypes.c_char * 100).from_buffer(first.data)
    array = np.frombuffer(first.data, dtype=np.uint8)
    assert not array.flags.writeable
    with pytest.raises(ValueError, match="WRITEABLE"):
        array.flags.writeable = True


def test_use_after_release_raises(lent: tuple[Reader, Writer, Frame]) -> None:
    _, _, first = lent
    view = first.data
    first.release()
    assert first.released
    with pytest.raises(FrameReleasedError) as caught:
        _ = first.data
    assert (caught.value.code, caught.value.sequence) == ("frame_released", 1)
    with pytest.raises(FrameReleasedError):
        bytes(first)
    with pytest.raises(FrameReleasedError), first:
        pass
    with pytest.raises(ValueError, match="released memoryview"):
        view[0]


def test_release_twice_gives_the_space_back_once(lent: tuple[Reader, Writer, Frame]) -> None:
    _, writer, first = lent
    first.release()
    first.release()
    first.__exit__(None, None, None)
    assert writer.free_bytes == 1024


def test_with_releases_also_when_the_block_fails(lent: tuple[Reader, Writer, Frame]) -> None:
    _, writer, first = lent
    with pytest.raises(ZeroDivisionError), first as same:
        assert same is first
        _ = 1 // 0
    assert first.released
    assert writer.free_bytes == 1024


def test_slice_that_outlives_its_frame_keeps_the_space(lent: tuple[Reader, Writer, Frame]) -> None:
    _, writer, first = lent
    part = first.data[10:20]
    first.release()
    assert writer.free_bytes == 1024 - 116
    assert bytes(part) == frame(100, 1)[10:20]
    part.release()
    assert writer.free_bytes == 1024


@pytest.mark.parametrize("source", ["frame", "view"])
def test_array_that_outlives_its_frame_is_never_overwritten(lent: tuple[Reader, Writer, Frame], source: str) -> None:
    reader, writer, first = lent
    array = np.frombuffer(first if source == "frame" else first.data, dtype=np.uint8)
    first.release()
    with pytest.raises(FrameTimeoutError):
        for sequence in range(2, 40):
            writer.write_frame(frame(100, sequence), 0)
            reader.read_frame(0).release()
    assert array.tobytes() == frame(100, 1)
    del array
    gc.collect()
    assert writer.free_bytes == 1024


def test_forgotten_frame_is_noticed_and_given_back(name: str) -> None:
    with Reader(name, SMALL) as reader, Writer(name) as writer:
        writer.write_frame(b"lost")
        forgotten = reader.read_frame(1)
        with pytest.warns(ResourceWarning, match=rf"frame 1 of buffer '{name}' was never released"):
            del forgotten
        assert writer.free_bytes == 1024


def test_view_of_a_forgotten_frame_stays_whole(name: str) -> None:
    with Reader(name, SMALL) as reader, Writer(name) as writer:
        writer.write_frame(frame(500, 1))
        with pytest.warns(ResourceWarning):
            view = reader.read_frame(1).data
        writer.write_frame(frame(400, 2))
        with pytest.raises(FrameTimeoutError):
            writer.write_frame(frame(400, 3), 0)
        assert bytes(view) == frame(500, 1)
        del view
        reader.read_frame(1).release()
        assert writer.free_bytes == 1024


def test_frame_of_a_closed_reader(name: str) -> None:
    with Reader(name, SMALL) as reader, Writer(name) as writer:
        for sequence in (1, 2):
            writer.write_frame(frame(100, sequence))
        seen, unseen = reader.read_frame(1), reader.read_frame(1)
        view = seen.data
        reader.close()
        for held in (seen, unseen):
            with pytest.raises(ClosedError) as caught:
                _ = held.data
            assert caught.value.code == "closed"
        # The mapping lives as long as the view: never a segmentation fault, still the old bytes.
        assert bytes(view) == frame(100, 1)
        seen.release()
        unseen.release()


def test_frame_outlives_reader_and_names_in_any_order(name: str) -> None:
    reader = Reader(name, SMALL)
    with Writer(name) as writer:
        writer.write_frame(frame(10, 1))
        held = reader.read_frame(1)
        view = held.data
        reader.close()
        del reader
        held.release()
        del held
        gc.collect()
    with pytest.raises(ValueError, match="released"):
        bytes(view)


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_space_returns_in_ring_order_across_a_wrap(name: str, order: tuple[int, ...]) -> None:
    with Reader(name, SMALL) as reader, Writer(name) as writer:
        # Positions 0, 400, 800 - and the fourth frame of 300 bytes wraps, giving up 1024 - 800.
        for sequence, size in enumerate((384, 384), start=1):
            writer.write_frame(frame(size, sequence))
        for _ in range(2):
            reader.read_frame(1).release()
        held = []
        for sequence, size in enumerate((180, 300, 60, 100), start=3):
            writer.write_frame(frame(size, sequence))
            held.append(reader.read_frame(1))
        costs = [196, 28 + 316, 76, 116]
        assert writer.free_bytes == 1024 - sum(costs)
        returned: set[int] = set()
        for index in order:
            for still, item in enumerate(held):
                if still not in returned:
                    assert bytes(item.data) == frame(item.size, item.sequence)
            held[index].release()
            returned.add(index)
            first_held = next((i for i in range(4) if i not in returned), 4)
            wrap_is_passed = 28 if first_held == 1 else 0
            assert writer.free_bytes == 1024 - sum(costs[first_held:]) + wrap_is_passed
        assert Fields.of(name).free == 1024


def test_frame_released_by_another_thread(lent: tuple[Reader, Writer, Frame]) -> None:
    _, writer, first = lent
    thread = threading.Thread(target=first.release)
    thread.start()
    thread.join()
    assert first.released
    assert writer.free_bytes == 1024


def test_many_frames_held_at_once(name: str) -> None:
    with Reader(name, BufferConfig(metadata_size=0, payload_size=17 * 64 * 300)) as reader, Writer(name) as writer:
        count = 17 * 64 * 300 // 17  # one byte each: the most frames that this ring can hold
        for sequence in range(1, count + 1):
            writer.write_frame(frame(1, sequence))
        held = [reader.read_frame(0) for _ in range(count)]
        assert reader.held_frames == count
        assert writer.free_bytes == 0
        assert [bytes(item.data) for item in held] == [frame(1, sequence) for sequence in range(1, count + 1)]
        for item in reversed(held):
            item.release()
        assert writer.free_bytes == 17 * 64 * 300
