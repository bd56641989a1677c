"""Several threads of one process: nothing crashes, nothing is torn, and nobody keeps the others from running."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from tests.library.data import frame
from zerobuffer import BufferConfig, BufferFullError, BusyError, ClosedError, Reader, ReaderDeadError, Writer

CONFIG = BufferConfig(metadata_size=0, payload_size=4096)
PATIENCE = 30.0


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as executor:
        yield executor


def blocked(pool: ThreadPoolExecutor, call: Callable[[], object]) -> Future[object]:
    """Start a call that blocks, and return when its thread sleeps in it."""
    begun = threading.Event()

    def run() -> object:
        begun.set()
        return call()

    future = pool.submit(run)
    assert begun.wait(PATIENCE)
    return future


@pytest.mark.parametrize("call", ["read_frame", "read_frames", "_wait"])
@pytest.mark.parametrize("timeout", [None, 60.0])
def test_closing_ends_a_blocked_read(name: str, pool: ThreadPoolExecutor, call: str, timeout: float | None) -> None:
    with Reader(name, CONFIG) as reader, Writer(name):
        arguments = (5, timeout) if call == "read_frames" else (timeout,)
        future = blocked(pool, lambda: getattr(reader, call)(*arguments))
        reader.close()
        with pytest.raises(ClosedError) as caught:
            future.result(PATIENCE)
        assert caught.value.code == "closed"


@pytest.mark.parametrize("call", ["write_frame", "acquire", "write_frames"])
def test_closing_ends_a_blocked_write(name: str, pool: ThreadPoolExecutor, call: str) -> None:
    with Reader(name, CONFIG), Writer(name) as writer:
        writer.write_frame(bytes(4080))
        argument = {"write_frame": b"x", "acquire": 1, "write_frames": [b"x"]}[call]
        future = blocked(pool, lambda: getattr(writer, call)(argument, None))
        writer.close()
        with pytest.raises(ClosedError):
            future.result(PATIENCE)


def test_closing_the_reader_ends_a_blocked_write(name: str, pool: ThreadPoolExecutor) -> None:
    with Reader(name, CONFIG) as reader, Writer(name) as writer:
        writer.write_frame(bytes(4080))
        future = blocked(pool, lambda: writer.write_frame(b"x", None))
        reader.close()
        with pytest.raises(ReaderDeadError) as caught:
            future.result(PATIENCE)
        assert caught.value.reason == "closed"


def test_writer_is_busy_while_another_thread_waits_in_it(name: str, pool: ThreadPoolExecutor) -> None:
    with Reader(name, CONFIG) as reader, Writer(name) as writer:
        writer.write_frame(bytes(4080))
        future = blocked(pool, lambda: writer.write_frame(b"second", PATIENCE))
        deadline = time.monotonic() + PATIENCE
        with pytest.raises(BusyError, match="another thread"):
            while time.monotonic() < deadline:
                with contextlib.suppress(BufferFullError):  # the other thread is not in it yet
                    writer.write_frame(b"third", 0)
        reader.read_frame(0).release()
        future.result(PATIENCE)
        with reader.read_frame(PATIENCE) as got:
            assert bytes(got.data) == b"second"


@pytest.mark.parametrize("size", [100, 40_000])
def test_two_threads_writing_tear_nothing(name: str, pool: ThreadPoolExecutor, size: int) -> None:
    count = 300
    with Reader(name, BufferConfig(0, 8 * (size + 16))) as reader, Writer(name) as writer:

        def write(mark: int) -> int:
            refused = 0
            for number in range(count):
                while True:
                    try:
                        writer.write_frame(bytes([mark, number % 256]) * (size // 2), PATIENCE)
                        break
                    except BusyError:
                        refused += 1
            return refused

        threads = [pool.submit(write, mark) for mark in (1, 2)]
        seen: dict[int, int] = {1: 0, 2: 0}
        for sequence in range(1, 2 * count + 1):
            with reader.read_frame(PATIENCE) as got:
                mark = got.data[0]
                assert got.sequence == sequence
                assert bytes(got.data) == bytes([mark, seen[mark] % 256]) * (size // 2)
                seen[mark] += 1
        for thread in threads:
            thread.result(PATIENCE)
        assert seen == {1: count, 2: count}


def test_frames_released_by_many_threads(name: str, pool: ThreadPoolExecutor) -> None:
    with Reader(name, CONFIG) as reader, Writer(name) as writer:
        for _ in range(20):
            writer.write_frames([frame(100, i) for i in range(30)])
            held = [reader.read_frame(0) for _ in range(30)]
            list(pool.map(lambda item: item.release(), held))
            assert writer.free_bytes == 4096


def test_reader_and_writer_in_two_threads(name: str, pool: ThreadPoolExecutor) -> None:
    sizes = [1 + (i * 977) % 2000 for i in range(3000)]
    with Reader(name, CONFIG) as reader, Writer(name) as writer:

        def write() -> None:
            for sequence, size in enumerate(sizes, start=1):
                writer.write_frame(frame(size, sequence), PATIENCE)

        future = pool.submit(write)
        for sequence, size in enumerate(sizes, start=1):
            with reader.read_frame(PATIENCE) as got:
                assert bytes(got.data) == frame(size, sequence)
        future.result(PATIENCE)


def runs_beside(call: Callable[[], object]) -> bool:
    """Say whether another thread ran in the middle of the call."""
    ticks: list[float] = []
    stop = threading.Event()
    ready = threading.Event()

    def tick() -> None:
        while not stop.is_set():
            ticks.append(time.monotonic())
            ready.set()

    thread = threading.Thread(target=tick)
    thread.start()
    try:
        assert ready.wait(PATIENCE)
        begin = time.monotonic()
        call()
        end = time.monotonic()
    finally:
        stop.set()
        thread.join()
    third = (end - begin) / 3
    return any(begin + third < moment < end - third for moment in ticks)


def timed_out(call: Callable[[], object]) -> None:
    with pytest.raises(TimeoutError):
        call()


def test_measure_of_running_beside_can_fail() -> None:
    held = bytearray(200_000_000)
    # It holds the GIL all the time; but giving that back may take long on a busy machine, and counts as well.
    assert not all(runs_beside(lambda: held.count(b"x")) for _ in range(20))


def test_others_run_during_a_wait(name: str) -> None:
    with Reader(name, CONFIG) as reader, Writer(name) as writer:
        assert any(runs_beside(lambda: timed_out(lambda: reader.read_frame(0.05))) for _ in range(20))
        writer.write_frame(bytes(4080))
        assert any(runs_beside(lambda: timed_out(lambda: writer.write_frame(b"x", 0.05))) for _ in range(20))


def test_others_run_during_a_large_copy(name: str) -> None:
    size = 48 << 20
    data = bytes(size)
    with Reader(name, BufferConfig(0, size + 64)) as reader, Writer(name) as writer:
        for _ in range(20):
            found = runs_beside(lambda: writer.write_frame(data))
            reader.read_frame(0).release()
            if found:
                return
    pytest.fail("no other thread ever ran while a large frame was copied in")


def test_closing_during_a_large_copy_is_no_crash(name: str, pool: ThreadPoolExecutor) -> None:
    size = 32 << 20
    data = bytes(size)
    for _ in range(3):
        with Reader(name, BufferConfig(0, size + 64)), Writer(name) as writer:
            future = blocked(pool, lambda writer=writer: writer.write_frame(data))  # type: ignore[misc]
            writer.close()
            error = future.exception(PATIENCE)
            assert error is None or isinstance(error, ClosedError)
