"""Sentences of features/04-edge-cases.feature."""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from typing import Final

from harmony import ByteSize, expect_equal, step, then
from step_definitions.observer import HEADER, Part
from step_definitions.patterns import Pattern, Payload, digest
from step_definitions.port import Driver, DriverError
from step_definitions.role import Role
from step_definitions.sentences import acting, stating
from step_definitions.verification import verify_series

_KILOBYTE: Final = 1024


def _rapid(number: int) -> Payload:
    return Payload.of_text(f"rapid_frame_{number}")


class EdgeCaseSteps:
    """Series of frames, things that block, races, and what the header shows meanwhile."""

    def __init__(self, role: Role, driver: Driver) -> None:
        self._role = role
        self._driver = driver
        self._races: list[Counter[str]] = []
        self._large = 0
        self._rapid = 0
        self._before: dict[str, int] = {}
        self._memory = b""
        self._waiting: asyncio.Future[int] | None = None

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
        operations, timeout = self._role.operations, self._role.settings.quiet_timeout
        await operations.attempt(self._role.read(timeout=timeout), patience=timeout)
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

    @step(acting(r"creates buffer '(?P<base>[^']+)' with minimum viable size '(?P<payload>[^']+)'"))
    async def create_tiny(self, base: str, payload: ByteSize) -> None:
        """Create a buffer without metadata and become its reader."""
        await self._role.create(base, 0, payload)

    @step(acting(r"writes single byte frame"))
    async def write_byte(self) -> None:
        """Write one frame of one byte."""
        await self._role.write_noted(Payload.of_text("B"))

    @then(acting(r"should verify (?:frame )?write succeeded"))
    def write_succeeded(self) -> None:
        """Look into the memory for the frame that was written: size, number and every byte."""
        written, view = self._role.history.written, self._role.written_view
        if written is None:
            raise AssertionError("this role has written no frame whose place was noted")
        content = written.payload.content(written.sequence)
        seen = view.frame_header(written.position)
        expect_equal((len(content), written.sequence), seen, "(size, sequence) in memory")
        expect_equal(content, view.payload(written.position + HEADER.size, len(content)), "bytes in memory")

    @step(acting(r"writes large frame using '(?P<percent>\d+)%?' of buffer"))
    async def write_large(self, percent: int) -> None:
        """Write one frame that takes this part of the buffer, its header included."""
        self._large = self._role.written_view.field("payload_size") * percent // 100 - HEADER.size
        await self._role.write(Payload(Pattern.SIMPLE, self._large))

    @step(acting(r"writes small frame of '(?P<size>\d+)' bytes?"))
    async def write_small(self, size: int) -> None:
        """Write one small frame."""
        await self._role.write(Payload(Pattern.SIMPLE, ByteSize(size)))

    @step(acting(r"attempts to write large frame again"))
    async def write_large_again(self) -> None:
        """Begin to write a frame as large as the one before, which waits as long as it has no room."""
        self._begin_waiting(Payload(Pattern.FRAME, self._large))

    @then(acting(r"proper wrap-around handling should occur"))
    async def wraps(self) -> None:
        """While the frame waits nothing in memory has changed; once written it stands at the start, behind a marker."""
        view, before, memory = self._role.written_view, self._before, self._memory
        if self._waiting is None:
            raise AssertionError("no frame has been begun that would have to wrap")
        if not self._waiting.done() and await self._role.operations.still_running(self._role.settings.blocked_for):
            position = view.field("payload_write_pos")
            expect_equal(before["payload_write_pos"], position, "place of the next frame while it waits")
            if view.payload(0, before["payload_size"]) != memory:
                raise AssertionError("the payload block was written to while the frame had no room")
            return
        sequence, position = await self._waiting, before["payload_write_pos"]
        if before["payload_size"] - position >= HEADER.size:
            expect_equal((0, 0), view.frame_header(position), f"marker at {position}")
        expect_equal((self._large, sequence), view.frame_header(0), "(size, sequence) at the start")

    @then(acting(r"no deadlocks should happen"))
    async def no_deadlock(self) -> None:
        """What waits for room may wait as long as frames await the reader. Then it comes to its end."""
        view = self._role.written_view
        if view.semaphore(Part.DATA) and await self._role.operations.still_running(self._role.settings.blocked_for):
            return
        await self.finish()

    @step(acting(r"(?:fills|continues filling) buffer to '(?P<percent>\d+)%?'(?: capacity)?"))
    async def fill_to(self, percent: int) -> None:
        """Write frames of about a kilobyte until exactly this part of the buffer is taken."""
        view, writer = self._role.written_view, self._role.endpoints.writer()
        header = view.header()
        free = header["payload_size"] - header["payload_size"] * percent // 100
        missing = header["payload_free_bytes"] - free
        count = math.ceil(missing / (_KILOBYTE + HEADER.size))
        totals = [missing // count + (number < missing % count) for number in range(count)]
        sizes = [total - HEADER.size for total in totals]
        await self._driver.write(writer, Payload(Pattern.FRAME, sizes[0]), count=count, sizes=sizes)
        expect_equal(free, view.field("payload_free_bytes"), "free bytes")

    @then(acting(r"should block waiting for space"))
    async def blocks(self) -> None:
        """Begin to write a frame for which there is no room, and see it wait."""
        self._begin_waiting(Payload(Pattern.FRAME, ByteSize(100)))
        await self.blocked()

    @step(acting(r"writes '(?P<count>\d+)' frames rapidly without reader consuming"))
    async def write_rapidly(self, count: int) -> None:
        """Write frames, each with its own text."""
        for number in range(count):
            await self._role.write(_rapid(number))
        self._rapid = count

    @then(acting(r"the semaphore count should represent pending frames"))
    def semaphore_counts(self) -> None:
        """As many tokens as frames were written and not read."""
        expect_equal(self._rapid, self._role.written_view.semaphore(Part.DATA), "value of the data semaphore")

    @step(acting(r"wakes and processes all frames"))
    async def read_all(self) -> None:
        """Read frame after frame until none comes for a moment; their numbers follow each other."""
        frames = self._role.history.frames
        before = len(frames)
        try:
            while True:
                await self._role.read(timeout=self._role.settings.quiet_timeout)
        except DriverError as error:
            if error.code not in {"timeout", "writer_dead"}:
                raise
        await self._role.release_all()
        if len(frames) == before:
            raise AssertionError("not one frame was there")
        expect_equal(0, self._role.history.sequences()[2], "breaks in the sequence of the frames")

    @then(acting(r"all frames should be read correctly"))
    def read_correctly(self) -> None:
        """As many frames as the header says were written, each with its own text."""
        written = self._role.current_view.field("payload_written_count")
        contents = [_rapid(number).content() for number in range(written)]
        expected = [(number, len(one), digest(one)) for number, one in enumerate(contents, start=1)]
        seen = [(one.sequence, one.size, one.digest) for one in self._role.history.frames]
        expect_equal(expected, seen, "(sequence, size, digest) of the frames read")

    @then(acting(r"the coalesced signals should be handled properly"))
    async def signals_used_up(self) -> None:
        """No token is left, and no frame comes of one that was counted twice."""
        expect_equal(0, self._role.current_view.semaphore(Part.DATA), "value of the data semaphore")
        await self.no_further_frame()

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

    def _begin_waiting(self, payload: Payload) -> None:
        view, operations = self._role.written_view, self._role.operations
        self._before = view.header()
        self._memory = view.payload(0, self._before["payload_size"])
        self._waiting = asyncio.ensure_future(self._role.write(payload, timeout=self._role.settings.bulk_timeout))
        operations.start(self._waiting, endless=True)

    async def _watch(self, owner: str) -> None:
        await self._role.watch_peer(self._role.current_view.field(owner))
