"""Closing in the middle of a call: from a signal handler, or from Python code that the call itself runs."""

from __future__ import annotations

import contextlib
import signal
import threading
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.library import children
from tests.library.data import frame
from tests.library.processes import Child
from zerobuffer import BufferConfig, ClosedError, Reader, Writer, ZeroBufferError

CONFIG = BufferConfig(metadata_size=64, payload_size=4096)


@pytest.mark.parametrize("rounds", [30])
@pytest.mark.parametrize("call", sorted(children.INTERRUPTED))
def test_a_handler_of_sigterm_closes_what_the_main_thread_uses(name: str, call: str, rounds: int) -> None:
    """Found: exit status 139, and the objects left behind."""
    with Child(children.closed_by_signal, name=name, call=call, rounds=rounds) as child:
        for _ in range(rounds):
            child.hear("ready")
            child.kill(signal.SIGTERM)
            child.hear("closed", "gone")
        assert child.wait() == 0


@contextlib.contextmanager
def closing(name: str) -> Iterator[tuple[Reader, Writer]]:
    with Reader(name, CONFIG) as reader, Writer(name) as writer:
        yield reader, writer


class Closing:
    """An argument whose conversion closes the object that wants it."""

    def __init__(self, endpoint: Reader | Writer) -> None:
        self._endpoint = endpoint

    def __index__(self) -> int:
        self._endpoint.close()
        return 10

    def __float__(self) -> float:
        self._endpoint.close()
        return 1.0


def generator_that_closes(writer: Writer) -> Iterator[bytes]:
    yield frame(10, 1)
    writer.close()
    yield frame(10, 2)


CALLS: dict[str, Callable[[Reader, Writer], Any]] = {
    "acquire(size)": lambda _, writer: writer.acquire(Closing(writer)),
    "acquire(timeout)": lambda _, writer: writer.acquire(10, timeout=Closing(writer)),
    "write_frame(timeout)": lambda _, writer: writer.write_frame(b"x", timeout=Closing(writer)),
    "write_frames(generator)": lambda _, writer: writer.write_frames(generator_that_closes(writer)),
    "read_frames(maximum)": lambda reader, _: reader.read_frames(Closing(reader)),
    "read_frame(timeout)": lambda reader, _: reader.read_frame(timeout=Closing(reader)),
    "_wait_space(size)": lambda _, writer: writer._wait_space(Closing(writer)),
}


@pytest.mark.parametrize("call", CALLS)
def test_an_argument_closes_what_wants_it(name: str, call: str) -> None:
    with closing(name) as (reader, writer), pytest.raises(ClosedError):
        CALLS[call](reader, writer)


def test_the_end_of_a_view_closes_its_writer(name: str) -> None:
    with closing(name) as (_, writer):
        slot = writer.acquire(10)
        view = slot.data
        weakref.finalize(view, writer.close)
        del view
        with pytest.raises(ClosedError):
            slot.commit()


def test_a_slot_whose_writer_was_closed_says_so(name: str) -> None:
    with closing(name) as (_, writer), pytest.raises(ClosedError), writer.acquire(10) as view:
        writer.close()
        view[:] = bytes(10)


def test_another_thread_closes_while_a_batch_is_made(name: str) -> None:
    with closing(name) as (_, writer):
        begun, closed = threading.Event(), threading.Event()

        def items() -> Iterator[bytes]:
            yield frame(10, 1)
            begun.set()
            assert closed.wait(20)
            yield frame(10, 2)

        def close() -> None:
            assert begun.wait(20)
            writer.close()
            closed.set()

        thread = threading.Thread(target=close)
        thread.start()
        with pytest.raises(ClosedError):
            writer.write_frames(items())
        thread.join()


def test_what_a_generator_gave_before_it_raised_is_written(name: str) -> None:
    def items() -> Iterator[bytes]:
        yield frame(10, 1)
        yield frame(20, 2)
        msg = "no more"
        raise LookupError(msg)

    with closing(name) as (reader, writer):
        with pytest.raises(LookupError, match="no more") as caught:
            writer.write_frames(items())
        assert getattr(caught.value, "written", None) == 2
        for sequence, size in ((1, 10), (2, 20)):
            with reader.read_frame(1) as got:
                assert bytes(got.data) == frame(size, sequence)


def test_a_buffer_of_objects_is_refused(name: str) -> None:
    class Objects:
        """A buffer of Python objects, as an array of dtype object is."""

    numpy = pytest.importorskip("numpy")
    with closing(name) as (reader, writer):
        for write in (writer.write_frame, writer.set_metadata, lambda data: writer.write_frames([data])):
            with pytest.raises(TypeError, match="addresses"):
                write(numpy.array([Objects(), []], dtype=object))
        writer.write_frame(numpy.arange(4, dtype=numpy.int32))
        with reader.read_frame(1) as got:
            assert bytes(got.data) == numpy.arange(4, dtype=numpy.int32).tobytes()


def test_errors_of_closed_objects_are_ours(name: str) -> None:
    with closing(name) as (reader, writer):
        reader.close()
        writer.close()
        for use in (reader.read_frame, reader.get_metadata, writer.check_reader, lambda: writer.write_frame(b"x")):
            with pytest.raises(ZeroBufferError):
                use()
