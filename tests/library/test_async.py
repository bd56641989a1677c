"""The asyncio counterparts: the loop goes on, and a cancelled call loses nothing."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import TypeVar

import pytest

from tests.library.data import frame
from zerobuffer import (
    BufferConfig,
    BufferFullError,
    ClosedError,
    FrameTimeoutError,
    FrameTooLargeError,
    Reader,
    ReaderDeadError,
    Writer,
    WriterDeadError,
)

CONFIG = BufferConfig(metadata_size=0, payload_size=4096)
PATIENCE = 30.0

Result = TypeVar("Result")


def run(main: Coroutine[object, object, Result]) -> Result:
    """Run with a bound on a hang."""

    async def bounded() -> Result:
        return await asyncio.wait_for(main, PATIENCE * 2)

    return asyncio.run(bounded())


async def started(*coroutines: Coroutine[object, object, object]) -> list[asyncio.Task[object]]:
    """Start tasks and let each come to its first wait."""
    tasks = [asyncio.ensure_future(coroutine) for coroutine in coroutines]
    for _ in range(5):
        await asyncio.sleep(0)
    return tasks


def test_frame_that_is_there_and_one_that_comes(name: str) -> None:
    async def main() -> None:
        with Reader(name, CONFIG) as reader, Writer(name) as writer:
            writer.write_frame(b"there")
            with await reader.read_frame_async() as got:
                assert bytes(got.data) == b"there"
            (task,) = await started(reader.read_frame_async(PATIENCE))
            assert not task.done()
            writer.write_frame(b"comes")
            with await task as got:  # type: ignore[attr-defined]
                assert bytes(got.data) == b"comes"

    run(main())


def test_loop_goes_on_while_a_read_waits(name: str) -> None:
    async def main() -> int:
        ticks = 0
        with Reader(name, CONFIG) as reader, Writer(name) as writer:
            (task,) = await started(reader.read_frame_async(PATIENCE))
            for _ in range(200):
                await asyncio.sleep(0)
                ticks += not task.done()
            writer.write_frame(b"x")
            (await task).release()  # type: ignore[attr-defined]
        return ticks

    assert run(main()) == 200


@pytest.mark.parametrize("timeout", [0, 0.05])
def test_read_times_out_with_its_timeout(name: str, timeout: float) -> None:
    async def main() -> None:
        with Reader(name, CONFIG) as reader, Writer(name) as writer:
            for call in (reader.read_frame_async(timeout), reader.read_frames_async(3, timeout)):
                begin = asyncio.get_running_loop().time()
                with pytest.raises(FrameTimeoutError) as caught:
                    await call
                assert asyncio.get_running_loop().time() - begin >= timeout
                assert (caught.value.code, caught.value.seconds) == ("timeout", timeout)
            writer.write_frame(bytes(4080))
            with pytest.raises(BufferFullError) as full:
                await writer.write_frame_async(b"x", timeout)
            assert (full.value.code, full.value.seconds, full.value.size) == ("buffer_full", timeout, 1)
            with pytest.raises(BufferFullError):
                await writer.acquire_async(1, timeout)

    run(main())


def test_cancelled_read_loses_no_frame(name: str) -> None:
    async def main() -> None:
        with Reader(name, CONFIG) as reader, Writer(name) as writer:
            for sequence, delay in enumerate((0, 0, 1, 2, 5, 20) * 10, start=1):
                (task,) = await started(reader.read_frame_async(PATIENCE))
                task.cancel()
                for _ in range(delay):
                    await asyncio.sleep(0)
                writer.write_frame(frame(10, sequence))
                with contextlib.suppress(asyncio.CancelledError):
                    (await task).release()  # type: ignore[attr-defined]
                    pytest.fail("a cancelled read went on")
                with reader.read_frame(PATIENCE) as got:
                    assert (got.sequence, bytes(got.data)) == (sequence, frame(10, sequence))
            with pytest.raises(FrameTimeoutError):
                reader.read_frame(0)

    run(main())


def test_frame_that_comes_with_the_cancellation_is_kept(name: str) -> None:
    async def main() -> None:
        with Reader(name, CONFIG) as reader, Writer(name) as writer:
            for sequence in range(1, 60):
                (task,) = await started(reader.read_frame_async(PATIENCE))
                writer.write_frame(frame(10, sequence))
                for _ in range(sequence % 4):
                    await asyncio.sleep(0)
                task.cancel()
                try:
                    got = await task
                except asyncio.CancelledError:
                    got = await reader.read_frame_async(PATIENCE)
                with got:  # type: ignore[attr-defined]
                    assert got.sequence == sequence  # type: ignore[attr-defined]

    run(main())


def test_wait_for_cancels_cleanly(name: str) -> None:
    async def main() -> None:
        with Reader(name, CONFIG) as reader, Writer(name) as writer:
            for _ in range(3):
                with pytest.raises(TimeoutError):
                    await asyncio.wait_for(reader.read_frame_async(None), 0.02)
            writer.write_frame(b"x")
            (await reader.read_frame_async(PATIENCE)).release()

    run(main())


def test_cancelled_twice(name: str) -> None:
    async def main() -> None:
        with Reader(name, CONFIG) as reader, Writer(name) as writer:
            (task,) = await started(reader.read_frame_async(None))
            task.cancel()
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            writer.write_frame(b"x")
            (await reader.read_frame_async(PATIENCE)).release()

    run(main())


def test_cancelled_write_has_written_nothing(name: str) -> None:
    async def main() -> None:
        with Reader(name, CONFIG) as reader, Writer(name) as writer:
            writer.write_frame(frame(4000, 1))
            (task,) = await started(writer.write_frame_async(frame(500, 2), None))
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert writer.next_sequence == 2
            reader.read_frame(0).release()
            with pytest.raises(FrameTimeoutError):
                reader.read_frame(0)
            await writer.write_frame_async(frame(500, 2), PATIENCE)
            with reader.read_frame(0) as got:
                assert (got.sequence, bytes(got.data)) == (2, frame(500, 2))

    run(main())


def test_write_waits_for_space_without_blocking_the_reader_in_the_same_loop(name: str) -> None:
    sizes = [1 + (i * 977) % 2000 for i in range(400)]

    async def write(writer: Writer) -> None:
        for sequence, size in enumerate(sizes, start=1):
            if sequence % 3:
                await writer.write_frame_async(frame(size, sequence), PATIENCE)
            else:
                with await writer.acquire_async(size, PATIENCE) as view:
                    view[:] = frame(size, sequence)

    async def read(reader: Reader) -> None:
        for sequence, size in enumerate(sizes, start=1):
            with await reader.read_frame_async(PATIENCE) as got:
                assert (got.sequence, bytes(got.data)) == (sequence, frame(size, sequence))

    async def main() -> None:
        with Reader(name, CONFIG) as reader, Writer(name) as writer:
            await asyncio.gather(write(writer), read(reader))

    run(main())


def test_many_readers_of_one_loop(name: str) -> None:
    async def main() -> None:
        with contextlib.ExitStack() as stack:
            readers = [stack.enter_context(Reader(f"{name}-{i}", CONFIG)) for i in range(12)]
            writers = [stack.enter_context(Writer(f"{name}-{i}")) for i in range(12)]
            tasks = await started(*(reader.read_frame_async(PATIENCE) for reader in readers))
            for index in reversed(range(12)):
                writers[index].write_frame(bytes([index]))
            for index, task in enumerate(tasks):
                with await task as got:  # type: ignore[attr-defined]
                    assert bytes(got.data) == bytes([index])

    run(main())


def test_calls_of_one_reader_take_turns(name: str) -> None:
    async def main() -> None:
        with Reader(name, CONFIG) as reader, Writer(name) as writer:
            tasks = await started(*(reader.read_frame_async(PATIENCE) for _ in range(5)))
            for sequence in range(1, 6):
                writer.write_frame(frame(5, sequence))
            got = await asyncio.gather(*tasks)
            assert [item.sequence for item in got] == [1, 2, 3, 4, 5]  # type: ignore[attr-defined]
            for item in got:
                item.release()  # type: ignore[attr-defined]

    run(main())


def test_batch_comes_as_one(name: str) -> None:
    async def main() -> None:
        with Reader(name, CONFIG) as reader, Writer(name) as writer:
            writer.write_frames([b"a", b"b", b"c"])
            with await reader.read_frames_async(2, PATIENCE) as batch:
                assert batch.tobytes() == [b"a", b"b"]
            with await reader.read_frames_async(2, PATIENCE) as batch:
                assert batch.tobytes() == [b"c"]

    run(main())


def test_other_side_goes_while_waiting(name: str) -> None:
    async def main() -> None:
        with Reader(name, CONFIG) as reader:
            with Writer(name) as writer:
                (task,) = await started(reader.read_frame_async(None))
                writer.close()
                with pytest.raises(WriterDeadError):
                    await task
            with Writer(name) as writer:
                writer.write_frame(bytes(4080))
                (task,) = await started(writer.write_frame_async(b"x", None))
                reader.close()
                with pytest.raises(ReaderDeadError):
                    await task

    run(main())


@pytest.mark.parametrize("side", ["reader", "writer"])
def test_closing_ends_a_waiting_call(name: str, side: str) -> None:
    async def main() -> None:
        with Reader(name, CONFIG) as reader, Writer(name) as writer:
            writer.write_frame(bytes(4080))
            if side == "reader":
                reader.read_frame(0).release()
                (task,) = await started(reader.read_frame_async(None))
                reader.close()
            else:
                (task,) = await started(writer.write_frame_async(b"x", None))
                writer.close()
            with pytest.raises(ClosedError):
                await task

    run(main())


def test_errors_come_at_once(name: str) -> None:
    async def main() -> None:
        with Reader(name, CONFIG), Writer(name) as writer:
            with pytest.raises(FrameTooLargeError):
                await writer.write_frame_async(bytes(5000), None)
            with pytest.raises(TypeError):
                await writer.write_frame_async("text", None)  # type: ignore[arg-type]

    run(main())


def test_one_reader_in_two_loops_after_each_other(name: str) -> None:
    with Reader(name, CONFIG) as reader, Writer(name) as writer:

        async def once() -> None:
            (task,) = await started(reader.read_frame_async(PATIENCE))
            writer.write_frame(b"x")
            (await task).release()  # type: ignore[attr-defined]

        for _ in range(3):
            run(once())
