"""The library under test, as its user would write it."""

import contextlib
import gc
import itertools
import time
from array import array
from typing import Any, ClassVar

import zerobuffer
from benchmarks.peers.base import Channel
from benchmarks.plan import BATCH, Job, Kind, Wait

_SPIN: dict[Wait, dict[str, float]] = {Wait.DEFAULT: {}, Wait.BLOCK: {"spin": 0.0}, Wait.SPIN: {"spin": 1.0}}


def _reader_of(channel: Channel) -> Any:
    return channel.reader if isinstance(channel, PeerChannel) else None


class PeerChannel(Channel):
    """Frame by frame; each frame is released before the next is asked for."""

    kinds: ClassVar[frozenset[Kind]] = frozenset(Kind)
    reader: Any = None
    _writer: Any = None

    def open_receiver(self) -> None:
        """Creates the buffer."""
        config = zerobuffer.BufferConfig(metadata_size=0, payload_size=self.job.capacity)
        self.reader = zerobuffer.Reader(self.name, config, **_SPIN[self.job.wait])
        read_frame = self.reader.read_frame

        def receive() -> int:
            frame = read_frame()
            seen = int(frame[0] + frame[-1])
            frame.release()
            return seen

        self.receive = receive

    def open_sender(self) -> None:
        """Connects."""
        self._writer = zerobuffer.Writer(self.name, **_SPIN[self.job.wait])
        self.send = self._writer.write_frame

    def produce(self, payload: bytes, count: int) -> None:
        """See `Channel.produce`."""
        write_frame = self._writer.write_frame
        for _ in range(count):
            write_frame(payload)

    def consume(self, count: int) -> int:
        """See `Channel.consume`."""
        read_frame, checksum = self.reader.read_frame, 0
        for _ in range(count):
            frame = read_frame()
            checksum += frame[0] + frame[-1]
            frame.release()
        return checksum

    def copy_out(self, target: memoryview) -> None:
        """See `Channel.copy_out`."""
        frame = self.reader.read_frame()
        target[:] = frame.data
        frame.release()

    def ping(self, back: Channel, payload: bytes, samples: "array[int]") -> int:
        """As one loop, like that of the bare semaphores which it is judged against."""
        write_frame, read_frame, clock = self._writer.write_frame, _reader_of(back).read_frame, time.perf_counter_ns
        checksum = 0
        for index in range(len(samples)):
            begin = clock()
            write_frame(payload)
            frame = read_frame()
            checksum += frame[0] + frame[-1]
            frame.release()
            samples[index] = clock() - begin
        return checksum

    def echo(self, back: Channel, payload: bytes, count: int) -> None:
        """See `ping`."""
        read_frame, write_frame = self.reader.read_frame, back.send
        for _ in range(count):
            frame = read_frame()
            _ = frame[0] + frame[-1]
            frame.release()
            write_frame(payload)

    def produce_batches(self, payload: bytes, batches: int) -> None:
        """See `Channel.produce_batches`."""
        write_frames, batch = self._writer.write_frames, [payload] * BATCH
        for _ in range(batches):
            write_frames(batch)

    def consume_batches(self, count: int) -> int:
        """See `Channel.consume_batches`."""
        read_frames, checksum, seen = self.reader.read_frames, 0, 0
        while seen < count:
            frames = read_frames(BATCH)
            seen += len(frames)
            for frame in frames:
                checksum += frame[0] + frame[-1]
                frame.release()
        return checksum

    def wait_idle(self, seconds: float) -> None:
        """Waits for a frame that never comes."""
        with contextlib.suppress(TimeoutError, zerobuffer.ZeroBufferError):
            self.reader.read_frame(timeout=seconds)

    def close(self) -> None:
        """Closes the end that this process opened."""
        for end in (self._writer, self.reader):
            if end is not None:
                end.close()


def grow(job: Job) -> list[float]:
    """CPU time per frame (written and read in one process) in ns, one value per slice of ``job.count`` frames.

    What grows is ``job.parameter``: the bytes of the buffer, the number of open buffers, or the frames passed before.
    """
    by_capacity = job.kind is Kind.GROWTH_CAPACITY
    capacity = job.parameter if by_capacity else job.capacity
    others = job.parameter - 1 if job.kind is Kind.GROWTH_BUFFERS else 0
    # Each page of the ring has been touched twice before the clock starts, and as many frames have passed as asked for.
    passed = max(2 * capacity // job.size, job.parameter if job.kind is Kind.GROWTH_FRAMES else 0)
    payload = bytes(job.size)
    with contextlib.ExitStack() as stack:
        names = (f"{job.name}-{index}" for index in itertools.count())
        for name in itertools.islice(names, others):
            other = stack.enter_context(zerobuffer.Reader(name, zerobuffer.BufferConfig(0, 4096)))
            writer = stack.enter_context(zerobuffer.Writer(name))
            _pass_frames(writer, other, payload, 10)
        reader = stack.enter_context(zerobuffer.Reader(next(names), zerobuffer.BufferConfig(0, capacity)))
        writer = stack.enter_context(zerobuffer.Writer(reader.name))
        _pass_frames(writer, reader, payload, passed)
        gc.collect()
        slices = []
        for _ in range(5):
            begin = time.process_time_ns()
            _pass_frames(writer, reader, payload, job.count)
            slices.append((time.process_time_ns() - begin) / job.count)
        return slices


def _pass_frames(writer: Any, reader: Any, payload: bytes, count: int) -> None:
    write_frame, read_frame = writer.write_frame, reader.read_frame
    for _ in range(count):
        write_frame(payload)
        with read_frame() as frame:
            _ = frame[0]
