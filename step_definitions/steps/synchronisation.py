"""Sentences of features/06-synchronisation.feature: the writer is held to the pace of the reader."""

from __future__ import annotations

import asyncio
from typing import Final

from harmony import expect_equal, step, then
from step_definitions.observer import HEADER
from step_definitions.patterns import Pattern, Payload, digest
from step_definitions.port import Driver, DriverError, Transfer
from step_definitions.role import Role
from step_definitions.sentences import acting, stating

_SIZE: Final = 100


class SynchronisationSteps:
    """A writer without pause, a reader with one after each frame, and what they made of it.

    The frames of such a writer begin with their number from 0, as a little-endian integer of 32 bits, and are zero
    behind it: foreign readers compare that.
    """

    def __init__(self, role: Role, driver: Driver) -> None:
        self._role = role
        self._driver = driver
        self._begun = False
        self._enough: int | None = None
        self._written = 0
        self._waits = 0
        self._bulk: Transfer | None = None

    @step(acting(r"writes continuously at high speed"))
    async def write_on(self) -> None:
        """Begin to write frame after frame, until the scenario ends or has enough."""
        self._begun = True
        self._role.operations.start(self._write_on(), endless=True)

    @step(acting(r"reads with '(?P<milliseconds>\d+)' ms delay per frame"))
    async def read_on(self, milliseconds: int) -> None:
        """Begin to read frame after frame and to hold each for a while, until the scenario ends or has enough."""
        self._role.operations.start(self._read_on(milliseconds / 1000), endless=True)

    @step(acting(r"the test runs for '(?P<frames>\d+)' frames"))
    async def run_for(self, frames: int) -> None:
        """Let this role read or write so many frames, and no more."""
        self._enough = frames
        await self._role.poll(
            lambda: self._done >= frames or not self._role.operations.pending,
            f"{frames} frames",
            timeout=self._role.settings.bulk_timeout,
        )
        if self._done < frames and (outcome := await self._role.operations.finished(0)).error is not None:
            raise outcome.error

    @then(acting(r"should receive all frames without loss"))
    def received_all(self) -> None:
        """Compare number, size and every byte of each frame read with what is written."""
        frames = self._role.history.frames
        if not self._enough or len(frames) < self._enough:
            raise AssertionError(f"{len(frames)} frames have been read, {self._enough or 'some'} expected")
        contents = [_numbered(number) for number in range(len(frames))]
        expected = [(number, len(one), digest(one)) for number, one in enumerate(contents, start=1)]
        seen = [(one.sequence, one.size, one.digest) for one in frames]
        expect_equal(expected, seen, "(sequence, size, digest) of the frames read")

    @then(acting(r"should block appropriately"))
    def blocked(self) -> None:
        """The buffer was found full when the next frame was to be written."""
        if not self._waits:
            raise AssertionError(f"room was found at once for each of {self._written} frames")

    @then(acting(r"flow control should work correctly"))
    @then(stating(r"flow control should work correctly"))
    async def flowed(self) -> None:
        """The writer got more through than there is room for, so it was let go on each time it waited."""
        if self._begun:
            self.blocked()
            written, taken = self._written, self._written * (HEADER.size + _SIZE)
        else:
            bulk = self._bulk or await self._bulk_done()
            written, taken = bulk.frames, bulk.frames * HEADER.size + bulk.bytes
        room = self._role.written_view.field("payload_size")
        if taken <= room:
            raise AssertionError(f"{written} frames take {taken} bytes: all of them have room in {room}")

    @then(acting(r"should have needed at least '(?P<milliseconds>\d+)' ms for its frames"))
    async def needed_at_least(self, milliseconds: int) -> None:
        """What was written in the background took its time: the reader's pace is what held it."""
        done = await self._bulk_done()
        if done.seconds * 1000 < milliseconds:
            raise AssertionError(
                f"{done.frames} frames took {done.seconds * 1000:.0f} ms, at least {milliseconds} expected"
            )

    async def _bulk_done(self) -> Transfer:
        outcome = await self._role.operations.finished(self._role.settings.bulk_timeout)
        if outcome.error is not None:
            raise outcome.error
        done: Transfer = outcome.result
        self._bulk = done
        return done

    @property
    def _done(self) -> int:
        return self._written if self._begun else len(self._role.history.frames)

    @property
    def _goes_on(self) -> bool:
        return self._enough is None or self._done < self._enough

    async def _write_on(self) -> None:
        writer = self._role.endpoints.writer()
        while self._goes_on:
            slot = await self._acquire(writer)
            await self._driver.put(slot, Payload.of_text("\0" * _SIZE))
            for offset, value in enumerate(_numbered(self._written)[:4]):
                if value:
                    await self._driver.put(slot, Payload(Pattern.FRAME, 1, value), offset=offset)
            await self._driver.commit(slot)
            self._written += 1

    async def _acquire(self, writer: int) -> int:
        try:
            return await self._driver.acquire(writer, _SIZE, timeout=0)
        except DriverError as error:
            if error.code != "buffer_full":
                raise
        self._waits += 1
        return await self._driver.acquire(writer, _SIZE, timeout=self._role.settings.bulk_timeout)

    async def _read_on(self, delay: float) -> None:
        while self._goes_on:
            await self._role.read(timeout=self._role.settings.bulk_timeout)
            await asyncio.sleep(delay)


def _numbered(number: int) -> bytes:
    return number.to_bytes(4, "little").ljust(_SIZE, b"\0")
