"""Sentences of features/04-edge-cases.feature."""

from __future__ import annotations

import asyncio
from collections import Counter

from harmony import ByteSize, expect_equal, step, then
from step_definitions.observer import Part
from step_definitions.patterns import Pattern, Payload
from step_definitions.port import Driver, DriverError
from step_definitions.role import Role
from step_definitions.sentences import acting, stating
from step_definitions.verification import verify_series


class EdgeCaseSteps:
    """Series of frames, things that block, races, and what the header shows meanwhile."""

    def __init__(self, role: Role, driver: Driver) -> None:
        self._role = role
        self._driver = driver
        self._races: list[Counter[str]] = []

    @step(acting(r"writes '(?P<count>[^']+)' frames with sizes '(?P<sizes>[^']+)' as fast as possible"))
    async def write_sizes(self, count: int, sizes: list[ByteSize]) -> None:
        """Begin to write frames of these sizes in turn."""
        await self._begin_writing(count, sizes)

    @step(acting(r"writes '(?P<count>[^']+)' frames of size '(?P<size>[^']+)' in a row"))
    async def write_row(self, count: int, size: ByteSize) -> None:
        """Write frames that find room at once."""
        await self._driver.write(self._role.endpoints.writer(), Payload(Pattern.FRAME, size), count=count)

    @step(acting(r"reads '(?P<count>[^']+)' frames in a row"))
    async def read_row(self, count: int) -> None:
        """Read exactly so many frames, releasing each."""
        done = await self._role.read_many(count)
        expect_equal(count, done.frames, "number of frames read")

    @then(acting(r"should verify the content of all frames"))
    def verify_content(self) -> None:
        """Compare every byte of every series read with the pattern of the frames' sizes and numbers."""
        if not self._role.history.transfers:
            raise AssertionError("no series of frames has been read")
        for done in self._role.history.transfers:
            verify_series(done)

    @then(acting(r"should find no further frame"))
    async def no_further_frame(self) -> None:
        """Wait a moment for a frame that must not come."""
        operations = self._role.operations
        await operations.attempt(self._role.read(timeout=self._role.settings.quiet_timeout))
        await operations.error(["timeout"], self._role.settings.read_timeout)

    @step(stating(r"the (?P<part>data|space) semaphore of buffer '(?P<base>[^']+)' should stand at '(?P<value>\d+)'"))
    def semaphore_stands(self, part: str, base: str, value: int) -> None:
        """Look at a semaphore."""
        seen = self._role.view(base).semaphore(Part(f"{part} semaphore"))
        expect_equal(value, seen, f"value of the {part} semaphore")

    @step(stating(r"the header of buffer '(?P<base>[^']+)' should show:"))
    def header_shows(self, base: str, datatable: list[dict[str, str]]) -> None:
        """Compare fields of the control block in memory."""
        header = self._role.view(base).header()
        expected = {row["field"]: int(row["value"]) for row in datatable}
        expect_equal(expected, {name: header.get(name) for name in expected}, "fields of the header")

    @step(acting(r"starts writing frame with size '(?P<size>[^']+)'"))
    async def start_writing(self, size: ByteSize) -> None:
        """Begin a write that has to wait."""
        await self._watch("reader_pid")
        recipe = Payload(Pattern.FRAME, size)
        self._role.operations.start(self._role.write(recipe, timeout=self._role.settings.bulk_timeout))

    @step(acting(r"starts waiting for a frame"))
    async def start_waiting(self) -> None:
        """Begin a read that has to wait."""
        await self._watch("writer_pid")
        self._role.operations.start(self._role.read(timeout=self._role.settings.bulk_timeout))

    @then(acting(r"should be blocked"))
    async def blocked(self) -> None:
        """What was started must not come back by itself."""
        if not await self._role.operations.still_running(self._role.settings.blocked_for):
            outcome = await self._role.operations.finished(0)
            raise AssertionError(f"it came back after {outcome.seconds * 1000:.0f} ms: {outcome.error or 'done'}")

    @then(acting(r"should finish what it started"))
    async def finish(self) -> None:
        """What was started comes back now, without an error."""
        outcome = await self._role.operations.finished(self._role.settings.read_timeout)
        if outcome.error is not None:
            raise outcome.error

    @step(acting(r"races a second creator for buffer '(?P<base>[^']+)' '(?P<times>\d+)' times"))
    async def race(self, base: str, times: int) -> None:
        """Have two processes create one name at the same moment, again and again."""
        rivals = (self._driver, await self._role.sibling())
        name = self._role.view(base).name

        async def create(driver: Driver) -> str:
            try:
                handle = await driver.create(name, metadata=64, payload=1024)
            except DriverError as error:
                return error.code
            both_tried.release()
            await asyncio.wait_for(loser_seen.wait(), self._role.settings.read_timeout)
            await driver.close(handle)
            return "won"

        for _ in range(times):
            both_tried, loser_seen = asyncio.Semaphore(0), asyncio.Event()
            tasks = [asyncio.create_task(create(driver)) for driver in rivals]
            await asyncio.wait_for(both_tried.acquire(), self._role.settings.read_timeout)
            patience = self._role.settings.read_timeout
            await asyncio.wait(tasks, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
            header = self._role.view(base).header()
            expect_equal(
                (128, 64, 1024), (header["oieb_size"], header["metadata_size"], header["payload_size"]), "header"
            )
            loser_seen.set()
            self._races.append(Counter(await asyncio.gather(*tasks)))

    @then(acting(r"should have exactly one winner and one '(?P<code>[^']+)' in every race"))
    def one_winner(self, code: str) -> None:
        """Count who won and why the other lost."""
        wrong = [dict(race) for race in self._races if race != Counter({"won": 1, code: 1})]
        expect_equal([], wrong, f"races of {len(self._races)} that ended otherwise")

    @step(stating(r"no object of buffer '(?P<base>[^']+)' should exist"))
    def nothing_left(self, base: str) -> None:
        """Look for segment, semaphores and lock file."""
        expect_equal([], self._role.view(base).existing(), "objects of the buffer")

    async def _begin_writing(self, count: int, sizes: list[ByteSize]) -> None:
        recipe = Payload(Pattern.FRAME, sizes[0])
        timeout = self._role.settings.bulk_timeout
        self._role.operations.start(
            self._driver.write(self._role.endpoints.writer(), recipe, count=count, sizes=list(sizes), timeout=timeout)
        )

    async def _watch(self, owner: str) -> None:
        await self._role.watch_peer(self._role.current_view.field(owner))
