"""Writing in place: acquire, then commit or abandon."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import numpy as np
import pytest

from tests.library.data import Fields, frame
from zerobuffer import (
    BufferConfig,
    BufferFullError,
    BusyError,
    ClosedError,
    FrameTimeoutError,
    FrameTooLargeError,
    FrameUnwritableError,
    InvalidFrameSizeError,
    Reader,
    ReaderDeadError,
    Writer,
)

CONFIG = BufferConfig(metadata_size=0, payload_size=1024)


@pytest.fixture
def pair(name: str) -> Iterator[tuple[Reader, Writer]]:
    with Reader(name, CONFIG) as reader, Writer(name) as writer:
        yield reader, writer


def test_leaving_the_block_commits(pair: tuple[Reader, Writer]) -> None:
    reader, writer = pair
    with writer.acquire(100) as view:
        assert (view.readonly, view.nbytes, view.format) == (False, 100, "B")
        view[:] = frame(100, 1)
        with pytest.raises(FrameTimeoutError):
            reader.read_frame(0)
    with reader.read_frame(1) as got:
        assert (bytes(got.data), got.sequence) == (frame(100, 1), 1)
    with pytest.raises(ValueError, match="released memoryview"):
        view[0] = 1


def test_array_over_the_view_writes_into_the_ring(pair: tuple[Reader, Writer]) -> None:
    reader, writer = pair
    with writer.acquire(80) as view:
        array = np.frombuffer(view, dtype="<u8")
        array[:] = range(10)
        del array
    with reader.read_frame(1) as got:
        assert np.array_equal(np.frombuffer(got.data, dtype="<u8"), np.arange(10))


def test_exception_abandons_without_a_hole(pair: tuple[Reader, Writer], name: str) -> None:
    reader, writer = pair
    writer.write_frame(frame(50, 1))
    before = Fields.of(name)
    with pytest.raises(ZeroDivisionError), writer.acquire(200) as view:
        view[:] = b"x" * 200
        _ = 1 // 0
    assert Fields.of(name) == before
    assert writer.next_sequence == 2
    writer.write_frame(frame(60, 2))
    with reader.read_frames(3, 0) as batch:
        assert batch.tobytes() == [frame(50, 1), frame(60, 2)]
        assert [item.sequence for item in batch] == [1, 2]


def test_abandoning_across_a_wrap_leaves_no_marker(pair: tuple[Reader, Writer], name: str) -> None:
    reader, writer = pair
    writer.write_frame(frame(800, 1))
    reader.read_frame(0).release()
    slot = writer.acquire(500)
    slot.abandon()
    assert Fields.of(name).write_pos == 816
    writer.write_frame(frame(100, 2))
    assert Fields.of(name).write_pos == 932
    with reader.read_frame(0) as got:
        assert bytes(got.data) == frame(100, 2)


def test_commit_and_abandon_by_hand(pair: tuple[Reader, Writer]) -> None:
    reader, writer = pair
    slot = writer.acquire(4)
    assert slot.size == 4
    slot.data[:] = b"hand"
    slot.commit()
    with pytest.raises(ClosedError):
        slot.commit()
    with pytest.raises(ClosedError):
        _ = slot.data
    slot.abandon()
    with writer.acquire(4) as view:
        view[:] = b"next"
    with reader.read_frames(3, 0) as batch:
        assert batch.tobytes() == [b"hand", b"next"]


def test_commit_or_abandon_inside_the_block_is_final(pair: tuple[Reader, Writer]) -> None:
    reader, writer = pair
    slot = writer.acquire(3)
    with slot as view:
        view[:] = b"yes"
        slot.commit()
    other = writer.acquire(2)
    with other:
        other.abandon()
    with reader.read_frames(3, 0) as batch:
        assert batch.tobytes() == [b"yes"]


def test_one_frame_at_a_time(pair: tuple[Reader, Writer]) -> None:
    reader, writer = pair
    slot = writer.acquire(10)
    for attempt in (
        lambda: writer.acquire(1),
        lambda: writer.write_frame(b"x"),
        lambda: writer.write_frames([b"x"]),
        lambda: writer.set_metadata(b"x"),
    ):
        with pytest.raises(BusyError, match="neither committed nor abandoned") as caught:
            attempt()
        assert caught.value.code == "busy"
    slot.data[:] = bytes(10)
    slot.commit()
    writer.write_frame(b"x")
    with reader.read_frames(3, 0) as batch:
        assert batch.tobytes() == [bytes(10), b"x"]


def test_forgotten_slot_is_noticed_and_abandoned(pair: tuple[Reader, Writer]) -> None:
    reader, writer = pair
    with pytest.warns(ResourceWarning, match="neither committed nor abandoned"):
        writer.acquire(10)
    gc.collect()
    writer.write_frame(b"goes on")
    with reader.read_frame(0) as got:
        assert (bytes(got.data), got.sequence) == (b"goes on", 1)
    with pytest.raises(FrameTimeoutError):
        reader.read_frame(0)


@pytest.mark.parametrize(
    ("size", "expected"),
    [(0, InvalidFrameSizeError), (1009, FrameTooLargeError), (1 << 62, FrameTooLargeError), (-1, ValueError)],
)
def test_impossible_sizes_are_refused(pair: tuple[Reader, Writer], size: int, expected: type[Exception]) -> None:
    with pytest.raises(expected):
        pair[1].acquire(size, 0)
    with pair[1].acquire(1008) as view:
        view[:] = frame(1008, 1)


def test_size_beyond_the_machine_is_refused(pair: tuple[Reader, Writer]) -> None:
    with pytest.raises(OverflowError):
        pair[1].acquire(1 << 70)
    with pytest.raises(TypeError):
        pair[1].acquire("10")  # type: ignore[arg-type]


def test_acquire_waits_for_space_and_says_so(pair: tuple[Reader, Writer]) -> None:
    reader, writer = pair
    writer.write_frame(frame(600, 1))
    with pytest.raises(BufferFullError) as caught:
        writer.acquire(400, 0.01)
    assert (caught.value.size, caught.value.free, caught.value.seconds) == (400, 408, 0.01)
    reader.read_frame(0).release()
    with writer.acquire(400, 0) as view:
        view[:] = bytes(400)


def test_acquire_at_a_hopeless_position_says_so(pair: tuple[Reader, Writer]) -> None:
    reader, writer = pair
    writer.write_frame(frame(484, 1))
    reader.read_frame(0).release()
    with pytest.raises(FrameUnwritableError) as caught:
        writer.acquire(600, 5)
    assert (caught.value.fits_now, caught.value.always_fits) == (1024 - 500 - 16, 512 - 16)
    with writer.acquire(caught.value.fits_now, 0) as view:
        view[:] = bytes(len(view))


def test_slot_of_a_closed_writer(pair: tuple[Reader, Writer]) -> None:
    reader, writer = pair
    slot = writer.acquire(10)
    view = slot.data
    writer.close()
    with pytest.raises(ClosedError):
        slot.commit()
    with pytest.raises(ClosedError):
        _ = slot.data
    view[0] = 1  # the mapping lives as long as the view: no crash
    slot.abandon()
    reader.close()


def test_commit_when_the_reader_has_gone(pair: tuple[Reader, Writer]) -> None:
    reader, writer = pair
    slot = writer.acquire(10)
    reader.close()
    with pytest.raises(ReaderDeadError):
        slot.commit()
