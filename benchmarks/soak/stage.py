"""Performs a round: what was planned is done to living processes, and what is seen is written down."""

import asyncio
import contextlib
import os
import select
import signal
import time
from collections import Counter
from collections.abc import Coroutine
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.soak.crew import PATIENCE, PYTHON, Agent, Crew, GoneError, RefusedError
from benchmarks.soak.judge import NOTICE
from benchmarks.soak.plan import Deed, Ending, Life, Round, Side, Stream, Trouble
from benchmarks.soak.seen import Call, LifeSeen, RoundSeen, StreamSeen, Violation, ViolationError, Wrong
from step_definitions.port import Transfer

SHARED_MEMORY = Path("/dev/shm")
_ROUND_SECONDS = 60.0
_IDLE = 0.1
_RETRY = 0.001
_NOT_YET = {"not_found", "reader_dead", "writer_exists"}
_FAREWELL = 0.5


class Stage:
    """One round on its way.

    Args:
        plan: What happens.
        name: Of the buffer; nobody else has it.
        crew: Who does it.
        locks: The directory of the lock files.
    """

    def __init__(self, plan: Round, name: str, crew: Crew, locks: Path) -> None:
        self.seen = RoundSeen()
        self._plan = plan
        self._name = name
        self._crew = crew
        self._locks = locks
        self._at_work: dict[Side, Agent] = {}
        self._written = asyncio.Event()
        self._children: list[int] = []

    async def perform(self) -> RoundSeen:
        """Does all that was planned; returns what was seen."""
        await self._crew.prepare(self._wanted())
        tasks = [asyncio.create_task(script) for script in (self._readers(), self._writers())]
        troubles = [asyncio.create_task(self._trouble(trouble)) for trouble in self._plan.troubles]
        try:
            await asyncio.wait(tasks, timeout=_ROUND_SECONDS, return_when=asyncio.FIRST_EXCEPTION)
            for task in tasks:
                if task.done():
                    task.result()
            self.seen.whole = all(task.done() for task in tasks)
            if not self.seen.whole:
                self.seen.incidents.append(Violation(Wrong.HANG, f"no end of the round in {_ROUND_SECONDS:g} s"))
        except ViolationError as error:
            self.seen.incidents.append(error.violation)
        finally:
            for task in (*tasks, *troubles):
                task.cancel()
            await asyncio.gather(*tasks, *troubles, return_exceptions=True)
            for agent in self._at_work.values():
                await self._crew.dismiss(agent)
            await asyncio.to_thread(self._end_children)
            left = self._remains()
        if left and self.seen.whole:
            self.seen.incidents.append(Violation(Wrong.LEFT, ", ".join(left)))
        return self.seen

    def _wanted(self) -> Counter[str]:
        """Agents that are needed at least: one for each language and side, and one more for each death."""
        ends = [*self._plan.lives], [*self._plan.streams]
        wanted: Counter[str] = Counter()
        for side in ends:
            wanted.update({end.language for end in side})
            wanted.update(end.language for end in side[:-1] if end.ending not in {Ending.CLOSE, Ending.DRAIN})
        return wanted

    # The side of the readers.

    async def _readers(self) -> None:
        for life in self._plan.lives:
            async with self._agent(Side.READER, life.language) as agent:
                seen = LifeSeen(life.number, life.language, life.ending, time.monotonic())
                handle = await self._create(agent, life)
                seen.born = time.monotonic()
                self.seen.lives.append(seen)
                await self._live(agent, life, seen, handle)

    async def _create(self, agent: Agent, life: Life) -> int:
        deadline = time.monotonic() + NOTICE
        while True:
            try:
                return int(
                    await agent.call(
                        "create", name=self._name, metadata=0, payload=self._plan.payload, manner=asdict(life.manner)
                    )
                )
            except RefusedError as error:
                if error.code != "buffer_in_use" or time.monotonic() > deadline:
                    raise ViolationError(Wrong.ERROR, f"create in {life.language}: {error.code}: {error}") from None
            await asyncio.sleep(_RETRY)

    async def _live(self, agent: Agent, life: Life, seen: LifeSeen, handle: int) -> None:
        if life.ending in {Ending.DRAIN, Ending.CLOSE}:
            await self._read(agent, life, seen, handle)
            seen.over_from = time.monotonic()
            await agent.call("close", handle=handle)
        else:
            if life.ending is Ending.POINT:
                await self._arm(agent, life.point, life.frames)
            async with _beside(self._read(agent, life, seen, handle)):
                await self._die(agent, Side.READER, life, seen)
        seen.over_by = time.monotonic()

    async def _read(self, agent: Agent, life: Life, seen: LifeSeen, handle: int) -> None:
        how: dict[str, Any] = {"handle": handle, "delay": 0.0, "idle": _IDLE, "look": True}
        try:
            if life.ending is Ending.CLOSE:
                with contextlib.suppress(RefusedError):  # fewer may come: what it has read is then not told
                    answer = await agent.call("read_many", count=life.frames, timeout=0.5, **how)
                    seen.transfers.append(Transfer(**answer))
                return
            frames, written = 1, False
            while frames or not (written and life.ending is Ending.DRAIN):
                written = self._written.is_set()
                answer = await agent.call("read_many", count=None, timeout=_ROUND_SECONDS, **how)
                seen.transfers.append(Transfer(**answer))
                frames = answer["frames"]
                if not frames:
                    await asyncio.sleep(_RETRY)
        except RefusedError as error:
            seen.error, seen.says = error.code, str(error)
        except GoneError:
            return
        else:
            seen.drained, seen.epilogue = True, await self._epilogue(agent, handle)

    @staticmethod
    async def _epilogue(agent: Agent, handle: int) -> str:
        """One more read, when all is read and all writers are gone: how it is answered."""
        try:
            answer = await agent.call("read", handle=handle, timeout=_FAREWELL)
        except RefusedError as error:
            return error.code
        return f"frame {answer['sequence']} of {answer['size']} bytes"

    # The side of the writers.

    async def _writers(self) -> None:
        for stream in self._plan.streams:
            async with self._agent(Side.WRITER, stream.language) as agent:
                handle, seen = await self._connect(agent, stream)
                self.seen.streams.append(seen)
                await self._stream(agent, stream, seen, handle)
                seen.committed = max(agent.counted, sum(call.frames for call in seen.calls))
        self._written.set()

    async def _connect(self, agent: Agent, stream: Stream) -> tuple[int, StreamSeen]:
        deadline = time.monotonic() + 2 * PATIENCE
        while True:
            begun = time.monotonic()
            try:
                handle = await agent.call("connect", name=self._name, manner=asdict(stream.manner))
            except RefusedError as error:
                if error.code not in _NOT_YET:
                    raise ViolationError(Wrong.ERROR, f"connect in {stream.language}: {error.code}: {error}") from None
                if begun > deadline:
                    text = f"{stream.language} could not connect for {2 * PATIENCE:g} s: {error.code}: {error}"
                    raise ViolationError(Wrong.HANG, text) from None
            else:
                seen = StreamSeen(stream.number, stream.language, stream.ending, begun, time.monotonic())
                return int(handle), seen
            await asyncio.sleep(_RETRY)

    async def _stream(self, agent: Agent, stream: Stream, seen: StreamSeen, handle: int) -> None:
        if stream.ending is Ending.CLOSE:
            await self._write(agent, stream, seen, handle)
            with contextlib.suppress(GoneError):
                await agent.call("close", handle=handle)
            return
        if stream.ending is Ending.POINT:
            await self._arm(agent, stream.point, stream.passage)
        async with _beside(self._write(agent, stream, seen, handle)):
            await self._die(agent, Side.WRITER, stream, None)

    async def _write(self, agent: Agent, stream: Stream, seen: StreamSeen, handle: int) -> None:
        payload = {"pattern": "frame", "size": 1, "sequence": 0, "text": "", "mask": 0, "repeat": 1}
        how = {"handle": handle, "payload": payload, "sizes": stream.sizes, "interval": 0.0}
        for count in stream.calls:
            seen.attempted += count
            begun = time.monotonic()
            try:
                await agent.call("write", count=count, timeout=_ROUND_SECONDS, **how)
            except RefusedError as error:
                seen.error, seen.says, seen.error_at = error.code, str(error), time.monotonic()
                return
            except GoneError:
                return
            seen.calls.append(Call(begun, count))

    # Ends and troubles.

    async def _arm(self, agent: Agent, point: str, passage: int) -> None:
        agent.expected = True
        with contextlib.suppress(RefusedError):  # a point that this build does not have: it is killed a moment later
            await agent.call("arm", point=point, passage=passage, then="die")

    async def _die(self, agent: Agent, side: Side, end: Life | Stream, seen: LifeSeen | None) -> None:
        """Ends a process as planned, `after` a while, unless it has died at a point before."""
        if seen is not None:
            # At a point it may die at any moment, and its peer knows of it before we do.
            seen.over_from = seen.born
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(agent.wait(), end.after)
        at_point = end.ending is Ending.POINT and not agent.alive
        if seen is not None and end.ending is not Ending.POINT:
            seen.over_from = time.monotonic()
        agent.expected = True
        last = signal.SIGTERM if end.ending is Ending.TERM else signal.SIGKILL
        agent.signal(last)
        agent.signal(signal.SIGCONT)
        code = await agent.ended()
        if code != (0 if end.ending is Ending.TERM else -last):
            raise ViolationError(Wrong.CRASH, f"{side} in {end.language} ({end.ending}) ended otherwise: {agent.end}")
        kind = end.point if at_point else Ending.KILL if end.ending is Ending.POINT else end.ending
        self.seen.deaths.append((str(side), str(kind), end.language))

    async def _trouble(self, trouble: Trouble) -> None:
        await asyncio.sleep(trouble.at)
        agent = self._at_work.get(trouble.side)
        if agent is None or (agent.language != PYTHON and trouble.deed is not Deed.STOP):
            return
        self.seen.deeds.append(str(trouble.deed))
        if trouble.deed is Deed.STOP:
            agent.signal(signal.SIGSTOP)
            try:
                await asyncio.sleep(trouble.seconds)
            finally:
                agent.signal(signal.SIGCONT)
        elif trouble.deed is Deed.FORK:
            with contextlib.suppress(GoneError, ViolationError):  # the script of this side reports it
                self._children.append(os.pidfd_open(await agent.call("fork")))
        else:
            number = signal.SIGUSR1 if trouble.deed is Deed.SIGNALS else signal.SIGINT
            until = time.monotonic() + trouble.seconds
            # Not a wait, but a rate. An interpreter that ends has no handlers any more.
            while time.monotonic() < until and not agent.expected and agent.signal(number):  # noqa: ASYNC110
                await asyncio.sleep(_RETRY)

    def _end_children(self) -> None:
        """Kills what was forked; it is reaped by the kernel, or by us if its parent has died."""
        for child in self._children:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(child, signal.SIGKILL)
            select.select([child], [], [], PATIENCE)
            with contextlib.suppress(ChildProcessError):
                os.waitid(os.P_PIDFD, child, os.WEXITED | os.WNOHANG)
            os.close(child)

    def _remains(self) -> list[str]:
        """What the round has left; it is gone afterwards."""
        objects = [SHARED_MEMORY / f"{prefix}{self._name}" for prefix in ("", "sem.sem-w-", "sem.sem-r-")]
        left = [path for path in (*objects, self._locks / f"{self._name}.lock") if path.exists()]
        for path in left:
            path.unlink(missing_ok=True)
        return [path.name for path in left]

    @contextlib.asynccontextmanager
    async def _agent(self, side: Side, language: str) -> Any:
        agent = await self._crew.take(language)
        self._at_work[side] = agent
        yield agent
        # Not after an exception: then it stays at work, and is dismissed at the end of the round.
        del self._at_work[side]
        await self._crew.give_back(agent)


@contextlib.asynccontextmanager
async def _beside(script: Coroutine[Any, Any, None]) -> Any:
    """Runs a script beside the block, and waits for its end after the block."""
    task = asyncio.create_task(script)
    try:
        yield
        await task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
