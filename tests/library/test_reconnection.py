"""Writers that come one after the other: each stream starts at 1, and the reader takes every one whole."""

from __future__ import annotations

import asyncio
import itertools
import signal

import posix_ipc
import pytest

from tests.library import children, cores
from tests.library.data import frame
from tests.library.processes import Child
from zerobuffer import BufferConfig, FrameTimeoutError, Reader, Writer, WriterDeadError, WriterExistsError, names

CONFIG = BufferConfig(metadata_size=64, payload_size=4096)
PATIENCE = 20.0


def take(reader: Reader, sequences: range) -> None:
    for sequence in sequences:
        with reader.read_frame(5) as got:
            assert (got.sequence, bytes(got.data)) == (sequence, frame(got.size, sequence))


@pytest.mark.parametrize("other_process", [False, True])
@pytest.mark.parametrize("noticed", [False, True])
@pytest.mark.parametrize("counts", [(3, 4), (1, 1), (5, 1, 2), (1, 1, 1, 1)])
def test_streams_follow_each_other(name: str, counts: tuple[int, ...], noticed: bool, other_process: bool) -> None:
    with Reader(name, CONFIG) as reader:
        for count in counts:
            if other_process:
                with Child(children.write, name=name, sizes=[100] * count) as writing:
                    assert writing.wait() == 0
            else:
                with Writer(name) as writer:
                    for sequence in range(1, count + 1):
                        writer.write_frame(frame(100, sequence))
            if noticed:
                take(reader, range(1, count + 1))
                with pytest.raises(WriterDeadError):
                    reader.read_frame(5)
        if not noticed:
            for count in counts:
                take(reader, range(1, count + 1))
        with pytest.raises(WriterDeadError):
            reader.read_frame(5)


@pytest.mark.parametrize("read_before", range(4))
@pytest.mark.parametrize("last_lives", [False, True])
def test_restart_while_frames_of_the_old_stream_are_pending(name: str, read_before: int, last_lives: bool) -> None:
    with Reader(name, CONFIG) as reader:
        with Writer(name) as first:
            for sequence in range(1, 4):
                first.write_frame(frame(50, sequence))
            take(reader, range(1, read_before + 1))
        second = Writer(name)
        for sequence in range(1, 4):
            second.write_frame(frame(60, sequence))
        if not last_lives:
            second.close()
        take(reader, range(read_before + 1, 4))
        take(reader, range(1, 4))
        if last_lives:
            with pytest.raises(FrameTimeoutError) as caught:
                reader.read_frame(0)
            assert caught.value.code == "timeout"
        second.close()


@pytest.mark.parametrize("sizes", [[50, 60, 70], [4080]], ids=["some frames", "whole ring"])
def test_old_frames_are_read_while_the_next_writer_has_written_nothing_yet(name: str, sizes: list[int]) -> None:
    with Reader(name, CONFIG) as reader:
        with Writer(name) as first:
            for sequence, size in enumerate(sizes, start=1):
                first.write_frame(frame(size, sequence))
        with Writer(name) as second:
            take(reader, range(1, len(sizes) + 1))
            second.write_frame(frame(80, 1))
            take(reader, range(1, 2))


def test_writers_that_write_nothing_leave_no_trace(name: str) -> None:
    with Reader(name, CONFIG) as reader:
        for _ in range(3):
            Writer(name).close()
        with Writer(name) as writer:
            writer.write_frame(frame(10, 1))
            take(reader, range(1, 2))
            assert writer.free_bytes == 4096


def test_frames_held_across_a_change_of_writers(name: str) -> None:
    with Reader(name, CONFIG) as reader:
        with Writer(name) as first:
            first.write_frame(frame(1000, 1))
            held = reader.read_frame(0)
        with Writer(name) as second:
            assert second.free_bytes == 4096 - 1016
            for sequence in range(1, 4):
                second.write_frame(frame(1000, sequence), 0)
            with pytest.raises(FrameTimeoutError):
                second.write_frame(frame(100, 4), 0)
            assert bytes(held.data) == frame(1000, 1)
            held.release()
            second.write_frame(frame(100, 4), 0)
            take(reader, range(1, 5))


def test_wait_for_writer(name: str) -> None:
    with Reader(name, CONFIG) as reader:
        assert reader.writer_state == "absent"
        with pytest.raises(FrameTimeoutError):
            reader.wait_for_writer(0.02)
        with Child(children.hold_writer, name=name, timeout=5) as writer:
            reader.wait_for_writer(20)
            assert reader.writer_state == "alive"
            writer.hear("ready")
            writer.kill()
            assert reader.writer_state == "died"
            with pytest.raises(WriterDeadError) as caught:
                reader.read_frame(5)
            assert (caught.value.reason, caught.value.pid) == ("died", writer.pid)
        Writer(name).close()
        assert reader.writer_state == "closed"


@pytest.mark.parametrize("other_process", [False, True])
def test_second_writer_is_refused_and_the_first_unharmed(name: str, other_process: bool) -> None:
    with Reader(name, CONFIG) as reader:
        if other_process:
            with Child(children.hold_writer, name=name) as first:
                first.hear("ready")
                with pytest.raises(WriterExistsError) as caught:
                    Writer(name)
                assert (caught.value.code, caught.value.pid) == ("writer_exists", first.pid)
                first.say([[10, 1]])
                first.hear("written")
                take(reader, range(1, 2))
        with Writer(name) as writer:
            with pytest.raises(WriterExistsError):
                Writer(name)
            writer.write_frame(frame(10, 1))
            take(reader, range(1, 2))


def test_reader_recreated_under_the_same_name(name: str) -> None:
    stale: Writer | None = None
    for round_ in itertools.count():
        with Reader(name, CONFIG) as reader, Writer(name) as writer:
            if stale is not None:
                stale.close()
            writer.write_frame(frame(10, 1))
            take(reader, range(1, 2))
            if round_ == 3:
                break
            reader.close()
        stale = writer


def test_a_token_the_reader_holds_is_not_posted_again(name: str) -> None:
    """A token that a wait has seen: a writer that connects meanwhile must not take its frame for unposted."""
    with Reader(name, CONFIG) as reader:
        with Writer(name) as first:
            first.write_frame(frame(10, 1))
        assert reader._wait(5)
        with Writer(name) as second:
            second.write_frame(frame(20, 1))
            take(reader, range(1, 2))
            take(reader, range(1, 2))
            with pytest.raises(FrameTimeoutError):
                reader.read_frame(0)


@pytest.mark.parametrize("pending", [1, 3])
@pytest.mark.parametrize("sizes", [[10, 20, 30], [1000, 1000, 2000]], ids=["some", "full"])
def test_a_token_the_reader_holds_is_not_owed_by_a_killed_writer(name: str, sizes: list[int], pending: int) -> None:
    """As above, but the first writer was killed, and nobody has noticed it: the next one makes up for its posts."""
    with Reader(name, CONFIG) as reader:
        with Child(children.hold_writer, name=name) as first:
            first.hear("ready")
            first.say([[size, sequence] for sequence, size in enumerate(sizes[:pending], start=1)])
            first.hear("written")
            assert reader._wait(5)
            first.kill()
        with Writer(name) as second:
            take(reader, range(1, pending + 1))
            for sequence in range(1, 10):
                second.write_frame(frame(20, sequence))
                take(reader, range(sequence, sequence + 1))
                with pytest.raises(FrameTimeoutError):
                    reader.read_frame(0)


def test_a_read_cancelled_with_its_token_leaves_no_debt_behind_a_killed_writer(name: str) -> None:
    """The same by way of asyncio: the token comes while the cancellation is on its way."""

    async def cancelled_with_a_frame(reader: Reader, first: Child) -> None:
        reading = asyncio.ensure_future(reader.read_frame_async(PATIENCE))
        await asyncio.sleep(0)
        first.say([[10, 1]])
        first.hear("written")
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading

    with Reader(name, CONFIG) as reader:
        with Child(children.hold_writer, name=name) as first:
            first.hear("ready")
            asyncio.run(cancelled_with_a_frame(reader, first))
            first.kill()
        with Writer(name) as second:
            second.write_frame(frame(20, 1))
            take(reader, range(1, 2))
            take(reader, range(1, 2))
            second.write_frame(frame(20, 2))
            take(reader, range(2, 3))
            with pytest.raises(FrameTimeoutError):
                reader.read_frame(0)


@pytest.mark.parametrize("batches", [False, True], ids=["one by one", "in batches"])
@pytest.mark.parametrize("written", [0, 2], ids=["at once", "later"])
@pytest.mark.parametrize("before", [0, 3], ids=["first lap", "before what the first lap left"])
def test_a_reader_that_stood_still_with_a_token_meets_no_frame_twice(
    name: str, before: int, written: int, batches: bool
) -> None:
    """The writer that comes after a killed one finds the frame without its token, and posts one for it."""
    cores.points()
    size = 4096 // 4 - 16
    with Child(children.read_when_asked, name=name, batches=batches) as reader:
        reader.hear("ready")
        with Child(children.hold_writer, name=name) as first:
            first.hear("ready")
            for sequence in range(1, before + 2):
                first.say([[size, sequence]])
                first.hear("written")
                reader.say([5, sequence > before])
                if sequence <= before:
                    assert reader.hear() == [sequence]
            reader.stopped()
            first.kill()
        with Writer(name) as second:
            reader.kill(signal.SIGCONT)
            assert reader.hear() == [before + 1]
            for sequence in range(1, written + 1):
                second.write_frame(frame(size, sequence))
                reader.say([5, False])
                assert reader.hear() == [sequence]
            reader.say([0, False])
            reader.hear("timeout")
            second.write_frame(frame(size, written + 1))
            reader.say([5, False])
            assert reader.hear() == [written + 1]
            # A succession excuses one such token, and no more.
            semaphore = posix_ipc.Semaphore(names.data_semaphore(name))
            semaphore.release()
            semaphore.close()
            reader.say([0, False])
            if before == 0:
                reader.hear("invalid_frame_size", "sequence_error")
        reader.say(None)
        assert reader.wait() == 0


def test_a_writer_takes_no_semaphore_of_another_owner(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The owner dies and is replaced between the moments in which a writer opens the segment and its semaphores."""
    look = Writer._check_formatted
    replaced: list[Reader] = []

    with Child(children.hold_reader, name=name) as owner:
        owner.hear("ready")

        def look_and_be_late(writer: Writer, descriptor: int) -> None:
            look(writer, descriptor)
            if not replaced:
                owner.kill()
                replaced.append(Reader(name, CONFIG))

        monkeypatch.setattr(Writer, "_check_formatted", look_and_be_late)
        with Writer(name, timeout=PATIENCE) as writer, replaced[0] as reader:
            writer.write_frame(frame(100, 1))
            take(reader, range(1, 2))
            with pytest.raises(FrameTimeoutError):
                reader.read_frame(0)
