"""Sentences of features/01-basic-communication.feature, most of which other implementations know word by word."""

from __future__ import annotations

import contextlib
import time
from typing import Final

from harmony import ByteSize, expect_equal, performance_critical, step, then
from step_definitions.patterns import Pattern, Payload
from step_definitions.port import CONTRACT, Driver, DriverError, Transfer
from step_definitions.role import Role
from step_definitions.sentences import acting
from step_definitions.verification import verify_frame

FRAME_SIZE = ByteSize(1024)
DEFAULT_METADATA = 1024
DEFAULT_PAYLOAD = 10240
_AT_ONCE: Final = 100
"""Milliseconds that a write takes at most which finds room."""
_PERIOD: Final = 256
"""Bytes after which the pattern of a frame begins anew."""


class BasicCommunicationSteps:
    """Create, connect, write, read, validate, release."""

    def __init__(self, role: Role, driver: Driver) -> None:
        self._role = role
        self._driver = driver
        self._slot = 0

    @step("the test environment is initialized")
    async def test_environment_initialized(self) -> None:
        """Check that the implementation claims what the scenario's tags ask for, before anything is made."""
        await self._role.require_capabilities()

    @step("all processes are ready")
    async def all_processes_ready(self) -> None:
        """Ask the implementation who it is, and compare its contract and layout with ours."""
        identity = await self._role.identity()
        CONTRACT.check_identity(identity)
        self._role.logger.info("ready", language=identity.language, version=identity.version, pid=identity.pid)

    @step(
        acting(
            r"creates buffer '(?P<base>[^']+)' with metadata size '(?P<metadata>[^']+)' "
            r"and payload size '(?P<payload>[^']+)'"
        )
    )
    async def create_buffer(self, base: str, metadata: ByteSize, payload: ByteSize) -> None:
        """Create a buffer and become its reader."""
        await self._role.create(base, metadata, payload)

    @step(acting(r"creates buffer '(?P<base>[^']+)' with default config"))
    async def create_default_buffer(self, base: str) -> None:
        """Create a buffer of 1024 bytes of metadata and 10240 of payload."""
        await self._role.create(base, DEFAULT_METADATA, DEFAULT_PAYLOAD)

    @step(acting(r"connects to buffer '(?P<base>[^']+)'"))
    async def connect(self, base: str) -> None:
        """Become the writer of a buffer."""
        await self._role.connect(base)

    @step(acting(r"writes metadata with size '(?P<size>[^']+)'"))
    async def write_metadata(self, size: ByteSize) -> None:
        """Write metadata of the simple pattern."""
        await self._driver.write_metadata(self._role.endpoints.writer(), Payload(Pattern.SIMPLE, size))

    @step(acting(r"writes frame with size '(?P<size>[^']+)' and sequence '(?P<sequence>[^']+)'"))
    async def write_frame(self, size: ByteSize, sequence: int) -> None:
        """Write one frame; the implementation must give it this number."""
        got = await self._role.write(Payload(Pattern.FRAME, size, sequence))
        expect_equal(sequence, got, "sequence of the frame written")

    @step(acting(r"writes frame with sequence '(?P<sequence>[^']+)'"))
    async def write_numbered_frame(self, sequence: int) -> None:
        """Write one frame of 1024 bytes."""
        await self.write_frame(FRAME_SIZE, sequence)

    @step(acting(r"writes frame with size '(?P<size>[^']+)'"))
    async def write_sized_frame(self, size: ByteSize) -> None:
        """Write one frame of the simple pattern, whatever its number."""
        await self._role.write(Payload(Pattern.SIMPLE, size))

    @step(acting(r"writes frame with data '(?P<text>[^']+)'(?: to buffer '(?P<base>[^']+)')?"))
    async def write_text(self, text: str, base: str | None = None) -> None:
        """Write a text as one frame."""
        await self._role.write(Payload.of_text(text), base)

    @step(acting(r"should read frame with sequence '(?P<sequence>[^']+)' and size '(?P<size>[^']+)'"))
    async def read_frame(self, sequence: int, size: ByteSize) -> None:
        """Read one frame and compare its header; it stays held."""
        frame = await self._role.read()
        expect_equal((sequence, size), (frame.sequence, frame.size), "(sequence, size) of the frame read")

    @step(acting(r"should read frame with sequence '(?P<sequence>[^']+)'"))
    async def read_numbered_frame(self, sequence: int) -> None:
        """Read one frame of whatever size and compare its number."""
        frame = await self._role.read()
        expect_equal(sequence, frame.sequence, "sequence of the frame read")

    @step(acting(r"should read frame with size '(?P<size>[^']+)'"))
    async def read_sized_frame(self, size: ByteSize) -> None:
        """Read one frame and compare its size."""
        frame = await self._role.read()
        expect_equal(size, frame.size, "size of the frame read")

    @step(acting(r"should read frame with data '(?P<text>[^']+)'(?: from buffer '(?P<base>[^']+)')?"))
    async def read_text(self, text: str, base: str | None = None) -> None:
        """Read one frame and compare it with a text."""
        frame = await self._role.read(base)
        await verify_frame(self._driver, frame, Payload.of_text(text))

    @step(acting(r"should read (?P<count>[0-9]+) frames with sizes '(?P<sizes>[^']+)' in order"))
    async def read_sizes(self, count: int, sizes: list[ByteSize]) -> None:
        """Read frames one after the other, and compare their sizes and every byte with the simple pattern."""
        expect_equal(count, len(sizes), "number of sizes in the sentence")
        for size in sizes:
            await verify_frame(self._driver, await self._role.read(), Payload(Pattern.SIMPLE, size))

    @step(acting(r"should validate frame data"))
    @step(acting(r"should verify frame data matches test pattern"))
    async def validate_frame(self) -> None:
        """Compare every byte of the last frame with the pattern of its size and sequence."""
        frame = self._role.history.frames[-1]
        await verify_frame(self._driver, frame, Payload(Pattern.FRAME, frame.size, frame.sequence))

    @step(acting(r"signals space available"))
    async def signal_space(self) -> None:
        """Release what is held; there must be something."""
        if not await self._role.release_all():
            raise AssertionError("no frame is held whose space could be given back")

    @step(acting(r"reads one frame"))
    async def read_one(self) -> None:
        """Read one frame, whatever it is, and hold it."""
        await self._role.read()

    @then(acting(r"should verify all frames maintain sequential order"))
    def verify_order(self) -> None:
        """Check that the numbers of all frames read follow each other."""
        first, last, breaks = self._role.history.sequences()
        if not last:
            raise AssertionError("no frame has been read")
        expect_equal(0, breaks, f"breaks in the sequence of frames {first} to {last}")

    @then(acting(r"should verify all frames have sequential sequence numbers starting from '(?P<start>[^']+)'"))
    def verify_order_from(self, start: int) -> None:
        """Check that the numbers of all frames read follow each other from a given one."""
        self.verify_order()
        expect_equal(start, self._role.history.sequences()[0], "first sequence read")

    @step("no sequence errors should have occurred")
    def no_sequence_errors(self) -> None:
        """Check that no number was missing or came twice."""
        self.verify_order()

    @step(acting(r"writes frames until buffer is full"))
    @step(acting(r"fills buffer completely"))
    async def fill(self) -> None:
        """Write frames of 1024 bytes until one finds no room."""
        recipe = Payload(Pattern.FRAME, FRAME_SIZE)
        done = await self._driver.fill(self._role.endpoints.writer(), recipe, patience=self._role.settings.full_timeout)
        if not done.frames:
            raise AssertionError("not one frame found room")

    @step(acting(r"should experience timeout on next write"))
    async def write_times_out(self) -> None:
        """Write one more frame, which must find no room."""
        recipe, timeout = Payload(Pattern.FRAME, FRAME_SIZE), self._role.settings.full_timeout
        await self._role.operations.attempt(self._role.write(recipe, timeout=timeout), patience=timeout)
        await self._role.operations.error(["buffer_full"], self._role.settings.read_timeout)

    @step(acting(r"should write successfully immediately"))
    @performance_critical(threshold_ms=_AT_ONCE)
    async def write_at_once(self) -> None:
        """Write one more frame, which must find room, and not wait for it."""
        began = time.monotonic()
        await self._role.write(Payload(Pattern.FRAME, FRAME_SIZE), timeout=self._role.settings.attempt_timeout)
        self._role.expect_within(time.monotonic() - began, _AT_ONCE, "the write began")

    @step(acting(r"requests zero-copy frame of size '(?P<size>[^']+)'"))
    async def acquire(self, size: ByteSize) -> None:
        """Get a place in the ring."""
        self._slot = await self._driver.acquire(self._role.endpoints.writer(), size)
        self._size = size

    @step(acting(r"fills zero-copy buffer with test pattern"))
    async def fill_slot(self) -> None:
        """Write the pattern of size and sequence into the place, in two pieces, the later one first."""
        begun = (self._size - 1) // _PERIOD * _PERIOD
        await self._driver.put(self._slot, Payload(Pattern.FRAME, self._size - begun), offset=begun)
        if begun:
            await self._driver.put(self._slot, Payload(Pattern.FRAME, begun))

    @step(acting(r"commits zero-copy frame"))
    async def commit(self) -> None:
        """Publish the frame."""
        await self._driver.commit(self._slot)

    @step(acting(r"abandons zero-copy frame"))
    async def abandon(self) -> None:
        """Give the place up."""
        await self._driver.abandon(self._slot)

    @step(acting(r"should learn of '(?P<code>[^']+)' when it commits or on its next write"))
    async def learn_on_commit(self, code: str) -> None:
        """Commit, and if that succeeds write once more: one of the two must fail with this code."""
        operations, driver = self._role.operations, self._driver
        outcome = await operations.attempt(driver.commit(self._slot))
        if outcome.error is None:
            timeout = self._role.settings.attempt_timeout
            work = self._role.write(Payload(Pattern.FRAME, FRAME_SIZE), timeout=timeout)
            await operations.attempt(work, patience=timeout)
        await operations.error([code], self._role.settings.read_timeout)

    @step(acting(r"writes '(?P<count>[^']+)' frames of size '(?P<size>[^']+)' as fast as possible"))
    async def write_fast(self, count: int, size: ByteSize) -> None:
        """Begin to write many frames; it goes on while other roles act, and closes the writer after the last one."""
        self._role.operations.start(self._write_and_leave(count, size))

    @step(acting(r"reads frames with '(?P<milliseconds>[^']+)' ms delay between each read"))
    async def read_slowly(self, milliseconds: int) -> None:
        """Read until no frame comes for a while."""
        await self._role.read_many(delay=milliseconds / 1000)

    @then(acting(r"should have read '(?P<count>[^']+)' frames"))
    async def count_frames(self, count: int) -> None:
        """Compare the number of frames read with what was written, after what a slow writer has still to write."""
        if (missing := count - self._frames_read()) > 0:
            with contextlib.suppress(DriverError):
                await self._role.read_many(missing, timeout=self._role.settings.read_timeout)
        expect_equal(count, self._frames_read(), "number of frames read")

    async def _write_and_leave(self, count: int, size: int) -> Transfer:
        """Close once all is read: peers that read slowly end on that, and some lose what is not read by then."""
        role, handle, view = self._role, self._role.endpoints.writer(), self._role.written_view
        done = await self._driver.write(
            handle, Payload(Pattern.FRAME, size), count=count, timeout=role.settings.bulk_timeout
        )
        with contextlib.suppress(AssertionError, OSError):
            await role.poll(
                lambda: view.field("payload_free_bytes") == view.field("payload_size"),
                "empty",
                timeout=role.settings.leave_timeout,
            )
        await self._driver.close(handle)
        role.endpoints.forget_writer(handle)
        return done

    def _frames_read(self) -> int:
        return sum(done.frames for done in self._role.history.transfers) + len(self._role.history.frames)
