"""Many frames with one call."""

from __future__ import annotations

import gc
import threading
import warnings
from collections.abc import Iterator, Sequence

import numpy as np
import pytest

from tests.library.data import Fields, frame
from zerobuffer import (
    BufferConfig,
    BufferFullError,
    ClosedError,
    FrameReleasedError,
    FrameTimeoutError,
    FrameTooLargeError,
    FrameUnwritableError,
    InvalidFrameSizeError,
    Reader,
    Writer,
    WriterDeadError,
    _core,
)

CONFIG = BufferConfig(metadata_size=0, payload_size=4096)


@pytest.fixture
def pair(name: str) -> Iterator[tuple[Reader, Writer]]:
    with Reader(name, CONFIG) as reader, Writer(name) as writer:
        yield reader, writer


def test_batch_is_written_and_read_whole(pair: tuple[Reader, Writer], name: str) -> None:
    reader, writer = pair
    items = [frame(size, size) for size in (1, 2, 100, 1000)]
    assert writer.write_frames(items) == 4
    assert (Fields.of(name).written_count, _core.semaphore_value(f"/sem-w-{name}")) == (4, 4)
    with reader.read_frames(10, 1) as batch:
        assert isinstance(batch, Sequence)
        assert len(batch) == 4
        assert batch.tobytes() == items
        assert [bytes(item.data) for item in batch] == items
        assert [item.sequence for item in batch] == [1, 2, 3, 4]
        assert repr(batch) == "<FrameBatch of 4>"
    assert repr(batch) == "<FrameBatch of 4 released>"
    assert writer.free_bytes == 4096
    assert Fields.of(name).read_count == 4


def test_batch_takes_no_more_than_asked_and_no_more_than_there_is(pair: tuple[Reader, Writer]) -> None:
    reader, writer = pair
    writer.write_frames([frame(10, i) for i in range(5)])
    with reader.read_frames(3, 0) as first, reader.read_frames(1000, 0) as rest:
        assert (len(first), len(rest)) == (3, 2)
    with pytest.raises(FrameTimeoutError):
        reader.read_frames(3, 0)


def test_batch_behaves_as_a_sequence(pair: tuple[Reader, Writer]) -> None:
    reader, writer = pair
    writer.write_frames([frame(10 + i, i) for i in range(6)])
    with reader.read_frames(6, 0) as batch:
        assert batch[0] is batch[0]
        assert batch[-1].sequence == 6
        assert [item.sequence for item in batch[1:5:2]] == [2, 4]
        for wrong in (6, -7):
            with pytest.raises(IndexError):
                batch[wrong]
        with pytest.raises(TypeError):
            batch["first"]  # type: ignore[call-overload]


def test_released_batch_lends_nothing(pair: tuple[Reader, Writer]) -> None:
    reader, writer = pair
    writer.write_frames([frame(10, i) for i in range(3)])
    batch = reader.read_frames(3, 0)
    seen = batch[1]
    view = seen.data
    batch.release()
    batch.release()
    assert writer.free_bytes == 4096
    assert seen.released
    for use in (lambda: batch[0], batch.tobytes, lambda: seen.data):
        with pytest.raises(FrameReleasedError):
            use()
    with pytest.raises(ValueError, match="released"):
        view[0]


def test_array_of_a_released_batch_keeps_its_space(pair: tuple[Reader, Writer]) -> None:
    reader, writer = pair
    writer.write_frames([frame(100, i) for i in range(3)])
    with reader.read_frames(3, 0) as batch:
        array = np.frombuffer(batch[1].data, dtype=np.uint8)
    assert writer.free_bytes == 4096 - 2 * 116
    assert array.tobytes() == frame(100, 1)
    del array
    gc.collect()
    assert writer.free_bytes == 4096


def test_frame_of_a_batch_released_early_comes_back_in_ring_order(pair: tuple[Reader, Writer]) -> None:
    reader, writer = pair
    writer.write_frames([frame(100, i) for i in range(3)])
    with reader.read_frames(3, 0) as batch:
        batch[1].release()
        with pytest.raises(FrameReleasedError):
            batch.tobytes()
        assert writer.free_bytes == 4096 - 3 * 116
        assert reader.held_frames == 2
        batch[0].release()
        assert writer.free_bytes == 4096 - 116
    assert writer.free_bytes == 4096


@pytest.mark.parametrize("looked_at", [0, 2, 3])
def test_forgotten_batch_is_noticed_and_given_back(pair: tuple[Reader, Writer], looked_at: int) -> None:
    reader, writer = pair
    writer.write_frames([frame(10, i) for i in range(3)])

    def forget() -> None:
        batch = reader.read_frames(3, 0)
        for index in range(looked_at):
            assert batch[index].sequence == index + 1

    messages: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ResourceWarning)
        forget()
        while caught:  # a recorded warning holds its batch, whose frames come after it
            messages += [str(caught[0].message)]
            del caught[0]
    assert len(messages) == looked_at + (looked_at < 3)
    assert all("never released" in message for message in messages)
    assert writer.free_bytes == 4096


def test_batch_of_a_closed_reader(pair: tuple[Reader, Writer]) -> None:
    reader, writer = pair
    writer.write_frames([frame(10, i) for i in range(3)])
    batch = reader.read_frames(3, 0)
    reader.close()
    with pytest.raises(ClosedError):
        batch.tobytes()
    with pytest.raises(ClosedError):
        _ = batch[0].data
    batch.release()


@pytest.mark.parametrize("maximum", [0, -1])
def test_batch_needs_a_maximum(pair: tuple[Reader, Writer], maximum: int) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        pair[0].read_frames(maximum)


def test_writing_takes_any_iterable_and_any_buffers(pair: tuple[Reader, Writer]) -> None:
    reader, writer = pair
    items = (b"bytes", bytearray(b"bytearray"), memoryview(b"a view")[2:], np.arange(3, dtype="<u2"))
    assert writer.write_frames(item for item in items) == 4
    assert writer.write_frames([]) == 0
    with reader.read_frames(4, 1) as batch:
        assert batch.tobytes() == [bytes(memoryview(item).cast("B")) for item in items]
    with pytest.raises(TypeError):
        writer.write_frames(5)  # type: ignore[arg-type]


def _refused() -> Iterator[tuple[object, type[Exception]]]:
    yield b"", InvalidFrameSizeError
    yield bytes(4096), FrameTooLargeError
    yield bytes(4070), FrameUnwritableError
    yield "text", TypeError
    yield np.zeros((4, 4))[:, 1], (ValueError, BufferError)


@pytest.mark.parametrize(("wrong", "expected"), list(_refused()), ids=lambda value: type(value).__name__)
def test_refused_item_leaves_the_ones_before_it_written(
    pair: tuple[Reader, Writer], wrong: bytes, expected: type[Exception]
) -> None:
    reader, writer = pair
    with pytest.raises(expected) as caught:
        writer.write_frames([b"one", b"two", wrong, b"never"])
    assert caught.value.written == 2  # type: ignore[attr-defined]
    writer.write_frame(b"three")
    with reader.read_frames(9, 1) as batch:
        assert batch.tobytes() == [b"one", b"two", b"three"]
        assert [item.sequence for item in batch] == [1, 2, 3]


def test_batch_larger_than_the_space_is_full_and_says_how_far_it_came(pair: tuple[Reader, Writer]) -> None:
    reader, writer = pair
    with pytest.raises(BufferFullError) as caught:
        writer.write_frames([frame(1000, i) for i in range(6)], 0.01)
    assert (caught.value.written, caught.value.code) == (4, "buffer_full")
    with reader.read_frames(9, 0) as batch:
        assert batch.tobytes() == [frame(1000, i) for i in range(4)]


def test_batch_larger_than_the_ring_flows_while_the_reader_reads(pair: tuple[Reader, Writer]) -> None:
    reader, writer = pair
    items = [frame(size, size) for size in (700, 1, 1500, 33, 900) * 40]
    thread = threading.Thread(target=writer.write_frames, args=(items, 20))
    thread.start()
    got: list[bytes] = []
    while len(got) < len(items):
        with reader.read_frames(7, 20) as batch:
            got += batch.tobytes()
    thread.join()
    assert got == items


def test_batch_across_the_end_counts_the_marker(pair: tuple[Reader, Writer], name: str) -> None:
    reader, writer = pair
    writer.write_frames([frame(1000, i) for i in range(3)])
    reader.read_frames(3, 0).release()
    assert writer.write_frames([frame(1000, 4), frame(500, 5)]) == 2
    fields = Fields.of(name)
    assert (fields.written_count, fields.write_pos) == (6, 516)
    with reader.read_frames(5, 0) as batch:
        assert batch.tobytes() == [frame(1000, 4), frame(500, 5)]
    fields = Fields.of(name)
    assert (fields.read_count, fields.free, fields.read_pos) == (6, 4096, 516)


def test_batch_reads_what_a_writer_left_then_its_end(name: str) -> None:
    with Reader(name, CONFIG) as reader:
        with Writer(name) as writer:
            writer.write_frames([frame(10, i) for i in range(3)])
        with reader.read_frames(2, 1) as first, reader.read_frames(2, 1) as second:
            assert first.tobytes() + second.tobytes() == [frame(10, i) for i in range(3)]
        with pytest.raises(WriterDeadError):
            reader.read_frames(2, 1)


def test_batch_may_reach_across_two_writers(name: str) -> None:
    with Reader(name, CONFIG) as reader:
        for _ in range(2):
            with Writer(name) as writer:
                writer.write_frames([frame(10, i) for i in range(3)])
        with reader.read_frames(9, 1) as batch:
            assert [item.sequence for item in batch] == [1, 2, 3, 1, 2, 3]
