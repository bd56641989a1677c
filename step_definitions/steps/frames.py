"""Sentences of features/16-frames.feature."""

from __future__ import annotations

from random import Random

from harmony import expect_equal, step, then
from step_definitions import foreign_peer
from step_definitions.observer import HEADER, Part
from step_definitions.patterns import Pattern, Payload, ramp
from step_definitions.port import Driver
from step_definitions.role import Role
from step_definitions.sentences import acting, stating


class FrameSteps:
    """Frames held, released, foreign, random."""

    def __init__(self, role: Role, driver: Driver, random: Random) -> None:
        self._role = role
        self._driver = driver
        self._random = random

    @step(acting(r"holds '(?P<count>\d+)' frames"))
    async def hold(self, count: int) -> None:
        """Read frames and release none."""
        for _ in range(count):
            await self._role.read(hold=True)

    @step(acting(r"tries to hold one more frame"))
    async def try_hold(self) -> None:
        """Read a frame and release none of those held, or learn why there is none."""
        timeout = self._role.settings.attempt_timeout
        await self._role.operations.attempt(self._role.read(timeout=timeout, hold=True), patience=timeout)

    @step(acting(r"releases held frame '(?P<number>\d+)'"))
    async def release(self, number: int) -> None:
        """Release one of the held frames."""
        await self._driver.release(self._role.history.frames[number - 1].frame)

    @then(acting(r"should find held frame '(?P<number>\d+)' unharmed"))
    async def unharmed(self, number: int) -> None:
        """Read the bytes of a held frame again and compare each with its pattern."""
        frame = self._role.history.frames[number - 1]
        seen = await self._driver.peek(frame.frame, offset=0, length=frame.size)
        expect_equal(ramp(frame.size, frame.sequence), seen, f"bytes of held frame {number}")

    @step(acting(r"tries to look at held frame '(?P<number>\d+)'"))
    async def try_look(self, number: int) -> None:
        """Look at a frame, or learn why not."""
        await self._role.operations.attempt(
            self._driver.peek(self._role.history.frames[number - 1].frame, offset=0, length=1)
        )

    @step(
        acting(
            r"writes '(?P<count>\d+)' frames of random sizes from '(?P<least>\d+)' to '(?P<most>\d+)' "
            r"as fast as possible"
        )
    )
    async def write_random(self, count: int, least: int, most: int) -> None:
        """Begin to write frames whose sizes depend on the seed of the run."""
        sizes = [self._random.randint(least, most) for _ in range(count)]
        recipe = Payload(Pattern.FRAME, sizes[0])
        timeout = self._role.settings.bulk_timeout
        work = self._driver.write(self._role.endpoints.writer(), recipe, count=count, sizes=sizes, timeout=timeout)
        self._role.operations.start(work)

    @then(
        stating(
            r"the (?P<part>data|space) semaphore of buffer '(?P<base>[^']+)' should stand at '(?P<most>\d+)' or less"
        )
    )
    def semaphore_below(self, part: str, base: str, most: int) -> None:
        """Look at a semaphore that must not grow without end."""
        seen = self._role.view(base).semaphore(Part(f"{part} semaphore"))
        if seen > most:
            raise AssertionError(f"the {part} semaphore stands at {seen}, at most {most} expected")

    @step(
        stating(
            r"another implementation wrote frames of '(?P<first>\d+)' and '(?P<second>\d+)' bytes into buffer "
            r"'(?P<base>[^']+)'"
        )
    )
    def foreign_frames(self, first: int, second: int, base: str) -> None:
        """Write two frames into memory as a writer does that leaves no marker, and signal them."""
        for sequence, size in enumerate((first, second), 1):
            foreign_peer.write(self._role.view(base), size, sequence)

    @step(
        stating(
            r"another implementation wrote a frame of '(?P<size>\d+)' bytes at the start of buffer '(?P<base>[^']+)', "
            r"without a marker"
        )
    )
    def foreign_wrap(self, size: int, base: str) -> None:
        """Go on at the start of the ring, leaving a tail without room for a marker, and signal it."""
        view = self._role.view(base)
        tail = view.field("payload_size") - view.field("payload_write_pos")
        if not 0 < tail < HEADER.size:
            raise AssertionError(f"the tail has {tail} bytes: a marker would have room")
        foreign_peer.write(view, size, 3)
