"""The catalogue of errors: codes, values, hints; and every refusal of a call that is wrong in itself."""

from __future__ import annotations

import errno
import gc
import math
import pickle
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest

import zerobuffer
from tests.library.data import Fields, frame, poke_u64
from zerobuffer import (
    BufferConfig,
    BufferFullError,
    BufferNotFoundError,
    ClosedError,
    FrameTimeoutError,
    FrameTooLargeError,
    FrameUnwritableError,
    InvalidFrameSizeError,
    InvalidNameError,
    PermissionDeniedError,
    Reader,
    ReaderDeadError,
    ResourceExhaustedError,
    SequenceError,
    SystemFailureError,
    Writer,
    WriterDeadError,
    ZeroBufferError,
    errors,
)

CANONICAL = {
    "invalid_name",
    "buffer_in_use",
    "not_found",
    "permission_denied",
    "invalid_oieb",
    "version_mismatch",
    "writer_exists",
    "reader_dead",
    "writer_dead",
    "timeout",
    "buffer_full",
    "frame_too_large",
    "frame_unwritable",
    "invalid_frame_size",
    "sequence_error",
    "metadata_too_large",
    "metadata_exists",
    "metadata_empty",
    "no_metadata",
    "frame_released",
    "closed",
    "resource_exhausted",
    "system_error",
}
OUR_OWN = {"busy", "error", "handler_error"}

CONFIG = BufferConfig(metadata_size=64, payload_size=1024)


@pytest.fixture
def pair(name: str) -> Iterator[tuple[Reader, Writer]]:
    with Reader(name, CONFIG) as reader, Writer(name) as writer:
        yield reader, writer


def test_every_canonical_code_has_one_class() -> None:
    assert set(errors.BY_CODE) == CANONICAL | OUR_OWN
    narrower = {"ForeignOwnerError", "NotABufferError", "NotASemaphoreError"}  # they share the code of their base
    assert {kind.__name__ for kind in errors.BY_CODE.values()} == set(errors.__all__) - narrower
    for name in errors.__all__:
        assert getattr(zerobuffer, name) is getattr(errors, name)
        assert issubclass(getattr(errors, name), ZeroBufferError)


@pytest.mark.parametrize("code", sorted(CANONICAL - {"system_error"}))
def test_error_crosses_a_process_boundary_whole(code: str) -> None:
    values = {"name": "b", "size": 5, "pid": 7, "path": "/dev/shm/b", "sequence": 3, "what": "reader"}
    error = errors.build(code, **values)
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert (again.code, again.values, again.hint, str(again)) == (code, error.values, error.hint, str(error))
    assert (again.size, again.name) == (5, "b")
    assert error.hint
    assert error.hint in str(error)
    assert "{" not in str(error)


def test_unknown_attribute_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'colour'"):
        _ = FrameTooLargeError(size=1).colour
    assert ZeroBufferError(reason="because").name == ""


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (errno.EACCES, PermissionDeniedError),
        (errno.EPERM, PermissionDeniedError),
        (errno.ENOSPC, ResourceExhaustedError),
        (errno.EMFILE, ResourceExhaustedError),
        (errno.ENFILE, ResourceExhaustedError),
        (errno.ENOMEM, ResourceExhaustedError),
        (errno.EFBIG, ResourceExhaustedError),
        (errno.EIO, SystemFailureError),
        (errno.ELOOP, SystemFailureError),
    ],
)
def test_refusals_of_the_system_are_named(number: int, kind: type[ZeroBufferError]) -> None:
    error = errors.build("system_error", name="b", operation="map the segment", errno=number)
    assert type(error) is kind
    assert error.errno == number
    assert "'b'" in str(error)
    assert ("symbolic link" in str(error)) == (number == errno.ELOOP)


# ---- calls that are wrong in themselves -----------------------------------------------------------------------------


def test_writer_without_a_reader(name: str) -> None:
    with pytest.raises(BufferNotFoundError) as caught:
        Writer(name)
    assert (caught.value.code, caught.value.name) == ("not_found", name)
    assert "timeout" in caught.value.hint


def test_writer_waits_for_a_reader_as_long_as_it_is_told(name: str) -> None:
    begin = time.monotonic()
    with pytest.raises(BufferNotFoundError):
        Writer(name, timeout=0.05)
    assert time.monotonic() - begin >= 0.05


@pytest.mark.parametrize("size", [0, 1009, 5000])
def test_impossible_frame_sizes(pair: tuple[Reader, Writer], size: int, name: str) -> None:
    expected = InvalidFrameSizeError if size == 0 else FrameTooLargeError
    before = Fields.of(name)
    with pytest.raises(expected) as caught:
        pair[1].write_frame(bytes(size), 5)
    assert isinstance(caught.value, ValueError)
    if size:
        assert (caught.value.size, caught.value.largest, caught.value.always_fits) == (size, 1008, 496)
    else:
        assert (caught.value.value, caught.value.limit) == (0, 1008)
    assert Fields.of(name) == before


def test_largest_frame_fits_the_empty_ring(pair: tuple[Reader, Writer]) -> None:
    reader, writer = pair
    for sequence in range(1, 5):
        writer.write_frame(frame(1008, sequence), 0)
        assert writer.free_bytes == 0
        with reader.read_frame(0) as got:
            assert bytes(got.data) == frame(1008, sequence)


def test_hopeless_position_is_told_at_once_even_with_no_timeout(pair: tuple[Reader, Writer]) -> None:
    reader, writer = pair
    writer.write_frame(bytes(600))
    reader.read_frame(0).release()
    with pytest.raises(FrameUnwritableError) as caught:
        writer.write_frame(bytes(700), None)
    error = caught.value
    assert (error.code, error.size, error.fits_now, error.always_fits) == ("frame_unwritable", 700, 600, 496)
    assert not isinstance(error, FrameTimeoutError)
    writer.write_frame(bytes(error.fits_now), 0)
    reader.read_frame(0).release()


def test_hopeless_position_is_told_even_while_the_ring_is_full(pair: tuple[Reader, Writer]) -> None:
    pair[1].write_frame(bytes(600))
    with pytest.raises(FrameUnwritableError):
        pair[1].write_frame(bytes(700), None)


@pytest.mark.parametrize("wrong", ["text", 5, None, [1, 2]])
def test_what_is_no_buffer_is_a_type_error(pair: tuple[Reader, Writer], wrong: object) -> None:
    for attempt in (pair[1].write_frame, pair[1].set_metadata):
        with pytest.raises(TypeError):
            attempt(wrong)  # type: ignore[arg-type]


def test_any_contiguous_buffer_is_written(pair: tuple[Reader, Writer]) -> None:
    reader, writer = pair
    grid = np.arange(12, dtype="<f4").reshape(3, 4)
    for data in (b"x", bytearray(b"xy"), memoryview(b"abcd")[1:3], grid, np.arange(5, dtype=np.int16), grid.T.copy()):
        writer.write_frame(data, 0)
        with reader.read_frame(0) as got:
            assert bytes(got.data) == np.asarray(data).tobytes()
    with pytest.raises((ValueError, BufferError)):
        writer.write_frame(grid[:, 1])
    assert writer.next_sequence == 7


# ---- timeouts -------------------------------------------------------------------------------------------------------


def test_empty_buffer_times_out(pair: tuple[Reader, Writer]) -> None:
    reader, _ = pair
    begin = time.monotonic()
    with pytest.raises(FrameTimeoutError) as caught:
        reader.read_frame(timeout=0.05)
    assert time.monotonic() - begin >= 0.05
    assert (caught.value.code, caught.value.seconds) == ("timeout", 0.05)
    assert isinstance(caught.value, TimeoutError)
    with pytest.raises(FrameTimeoutError):
        reader.read_frame(0)
    with pytest.raises(FrameTimeoutError):
        reader.read_frames(5, timeout=0.01)


def test_no_writer_yet_is_a_plain_timeout(name: str) -> None:
    with Reader(name, CONFIG) as reader:
        assert reader.writer_state == "absent"
        with pytest.raises(FrameTimeoutError) as caught:
            reader.read_frame(0.02)
        assert caught.value.code == "timeout"


def test_full_buffer_times_out_with_its_own_code(pair: tuple[Reader, Writer]) -> None:
    _, writer = pair
    writer.write_frame(bytes(400))
    begin = time.monotonic()
    with pytest.raises(BufferFullError) as caught:
        writer.write_frame(bytes(592), timeout=0.05)
        writer.write_frame(bytes(1), timeout=0.05)
    assert time.monotonic() - begin >= 0.05
    assert caught.value.code == "buffer_full"
    assert caught.value.needed > caught.value.free
    assert isinstance(caught.value, TimeoutError)


@pytest.mark.parametrize("timeout", [-1, -0.001, math.nan, -math.inf])
def test_timeout_that_is_none_is_refused(pair: tuple[Reader, Writer], timeout: float) -> None:
    reader, writer = pair
    calls: list[Callable[[], object]] = [
        lambda: reader.read_frame(timeout),
        lambda: reader.read_frames(1, timeout),
        lambda: writer.write_frame(b"x", timeout=timeout),
        lambda: writer.write_frames([b"x"], timeout),
        lambda: writer.acquire(1, timeout),
    ]
    for call in calls:
        with pytest.raises(ValueError, match="timeout must be"):
            call()
    assert writer.next_sequence == 1


def test_wrong_arguments_are_type_errors(pair: tuple[Reader, Writer]) -> None:
    reader, writer = pair
    calls: list[Callable[[], object]] = [
        lambda: reader.read_frame("soon"),  # type: ignore[arg-type]
        lambda: reader.read_frame(1, 2),  # type: ignore[call-arg]
        lambda: reader.read_frame(patience=1),  # type: ignore[call-arg]
        writer.write_frame,  # type: ignore[call-arg]
        lambda: writer.write_frame(data=b"x"),
        lambda: writer.acquire(1, 2, 3),  # type: ignore[call-arg]
    ]
    for call in calls:
        with pytest.raises(TypeError):
            call()


@pytest.mark.parametrize("timeout", [None, math.inf, 1e12, 5])
def test_long_timeouts_are_no_trouble(pair: tuple[Reader, Writer], timeout: float | None) -> None:
    reader, writer = pair
    writer.write_frame(b"x", timeout)
    reader.read_frame(timeout).release()


# ---- closed ---------------------------------------------------------------------------------------------------------


def test_closed_reader_refuses_everything(name: str) -> None:
    reader = Reader(name, CONFIG)
    reader.close()
    reader.close()
    assert reader.closed
    assert repr(reader) == f"<Reader {name!r} closed>"
    calls: list[Callable[[], object]] = [
        lambda: reader.read_frame(0),
        lambda: reader.read_frames(1, 0),
        reader.get_metadata,
        lambda: reader.writer_state,
        lambda: reader.wait_for_writer(0),
        lambda: reader._wait(0),
    ]
    for call in calls:
        with pytest.raises(ClosedError) as caught:
            call()
        assert (caught.value.code, caught.value.what) == ("closed", "reader")
    assert reader.held_frames == 0


def test_closed_writer_refuses_everything(name: str) -> None:
    with Reader(name, CONFIG) as reader:
        writer = Writer(name)
        assert reader.writer_state == "alive"
        assert repr(writer) == f"<Writer {name!r}>"
        writer.close()
        writer.close()
        assert writer.closed
        assert repr(writer) == f"<Writer {name!r} closed>"
        calls: list[Callable[[], object]] = [
            lambda: writer.write_frame(b"x"),
            lambda: writer.write_frames([b"x"]),
            lambda: writer.acquire(1),
            lambda: writer.set_metadata(b"x"),
            lambda: writer.free_bytes,
            writer.check_reader,
            lambda: writer._wait_space(1, 0),
        ]
        for call in calls:
            with pytest.raises(ClosedError) as caught:
                call()
            assert (caught.value.code, caught.value.what) == ("closed", "writer")
        with pytest.raises(WriterDeadError) as dead:
            reader.read_frame(5)
        assert dead.value.reason == "closed"


@pytest.mark.parametrize("kind", ["reader", "writer"])
def test_never_closed_is_noticed_and_cleaned(name: str, kind: str) -> None:
    def forget() -> None:
        _ = Reader(name, CONFIG) if kind == "reader" else Writer(f"{name}-other")
        del _
        gc.collect()

    with Reader(f"{name}-other", CONFIG), pytest.warns(ResourceWarning, match=f"{kind} of buffer .* never closed"):
        forget()


@pytest.mark.parametrize("spin", [-1, 1.5, math.nan])
def test_spin_out_of_bounds_is_refused(name: str, spin: float) -> None:
    with pytest.raises(ValueError, match="spin"):
        Reader(name, CONFIG, spin=spin)
    with Reader(name, CONFIG), pytest.raises(ValueError, match="spin"):
        Writer(name, spin=spin)


@pytest.mark.parametrize("spin", [0, 1e-6, 0.001])
def test_spin_changes_nothing_that_can_be_seen(name: str, spin: float) -> None:
    with Reader(name, CONFIG, spin=spin) as reader, Writer(name, spin=spin) as writer:
        for sequence in range(1, 50):
            writer.write_frame(frame(100, sequence), 0)
            with reader.read_frame(0.001) as got:
                assert bytes(got.data) == frame(100, sequence)
            with pytest.raises(FrameTimeoutError):
                reader.read_frame(0.0001)


# ---- the other side -------------------------------------------------------------------------------------------------


def test_writer_learns_at_once_that_its_reader_closed(pair: tuple[Reader, Writer]) -> None:
    reader, writer = pair
    reader.close()
    calls: list[Callable[[], object]] = [
        lambda: writer.write_frame(b"x", 0),
        lambda: writer.write_frames([b"x"], 0),
        lambda: writer.acquire(1, 0),
        lambda: writer.set_metadata(b"x"),
        writer.check_reader,
    ]
    for call in calls:
        with pytest.raises(ReaderDeadError) as caught:
            call()
        assert (caught.value.code, caught.value.reason) == ("reader_dead", "closed")


def test_missing_frame_is_a_sequence_error(pair: tuple[Reader, Writer], name: str) -> None:
    reader, writer = pair
    for sequence in range(1, 4):
        writer.write_frame(frame(10, sequence))
    reader.read_frame(0).release()
    poke_u64(name, 128 + 64 + 26 + 8, 7)
    with pytest.raises(SequenceError) as caught:
        reader.read_frame(0)
    assert (caught.value.code, caught.value.expected, caught.value.seen) == ("sequence_error", 2, 7)


def test_restart_without_another_writer_is_a_sequence_error(pair: tuple[Reader, Writer], name: str) -> None:
    reader, writer = pair
    for sequence in range(1, 4):
        writer.write_frame(frame(10, sequence))
    reader.read_frame(0).release()
    poke_u64(name, 128 + 64 + 26 + 8, 1)
    with pytest.raises(SequenceError) as caught:
        reader.read_frame(0)
    assert (caught.value.expected, caught.value.seen) == (2, 1)


def test_name_error_tells_the_limit() -> None:
    with pytest.raises(InvalidNameError) as caught:
        Reader("")
    assert caught.value.longest == 245
    assert isinstance(caught.value, ValueError)
