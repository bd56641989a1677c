"""The processes of a soak: an agent of ours in Python, the drivers of the other languages. All are reaped.

The conversation is harmony's. The process is not: harmony ends a process together with all that it has forked. Here a
forked child must outlive its parent, because a peer must notice the parent's death all the same.
"""

import asyncio
import contextlib
import itertools
import mmap
import os
import select
import signal
import struct
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from benchmarks.soak.seen import ViolationError, Wrong
from harmony import load_project, stacks_of
from harmony.perf import Partner, available_partners
from harmony.wire import DRIVER_ERROR, link

PATIENCE = 5.0
"""Seconds for each call that need not wait for anybody's start; for one that hangs, as much again."""

PYTHON = "python"
AGENT = "benchmarks.soak.agent"
_START_PATIENCE = 30.0
_DUMP_PATIENCE = 0.5
_ROOT = Path(__file__).resolve().parent.parent.parent
_LAST_LOOK = 1.0
_LOG_TAIL = 2000


class RefusedError(Exception):
    """A call ended in an error."""

    def __init__(self, refusal: link.RefusedError) -> None:
        super().__init__(refusal.reason)
        known = refusal.rpc_code == DRIVER_ERROR and isinstance(refusal.data, Mapping)
        self.code = str(refusal.data["code"]) if known else "broken"


class GoneError(Exception):
    """The process has ended."""


@cache
def partners() -> dict[str, Partner]:
    """Languages whose driver is built and can be started here, and how."""
    found, _ = available_partners(load_project(_ROOT).settings.platforms, _ROOT)
    return found


class Agent:
    """A process that has, or may have, one endpoint."""

    def __init__(self, language: str, process: subprocess.Popen[bytes], counter: mmap.mmap, log: Path) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self.language = language
        self.expected = False
        self._process = process
        self._counter = counter
        self._log = log
        self._over = asyncio.Event()
        self._pidfd = os.pidfd_open(process.pid)
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._pidfd, self._reap)
        pipes = contextlib.ExitStack()
        source, target = pipes.enter_context(process.stdout), pipes.enter_context(process.stdin)
        self._link = link.Link(language, source.fileno(), target.fileno(), on_close=pipes.close)

    @classmethod
    def start(cls, language: str, directory: Path, number: int) -> "Agent":
        """Starts the process for a language."""
        spec = partners()[language].spec
        counter = os.memfd_create("soak")
        os.ftruncate(counter, mmap.PAGESIZE)
        command = (sys.executable, "-m", AGENT, str(counter)) if language == PYTHON else spec.command
        log = directory / f"{language}-{number}.log"
        environment = {**os.environ, **spec.env, "ZEROBUFFER_LOCK_DIR": str(directory / "locks")}
        try:
            with log.open("wb") as errors:
                process = subprocess.Popen(
                    command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=errors,
                    bufsize=0,
                    cwd=spec.cwd,
                    env=environment,
                    pass_fds=(counter,),
                    start_new_session=True,
                )
            return cls(language, process, mmap.mmap(counter, mmap.PAGESIZE), log)
        finally:
            os.close(counter)

    def _reap(self) -> None:
        self._loop.remove_reader(self._pidfd)
        self._process.wait()
        self._over.set()

    @property
    def counted(self) -> int:
        """How many writes are known to have returned; 0 for a driver, which does not count."""
        return int(struct.unpack_from("<Q", self._counter, 0)[0])

    @property
    def alive(self) -> bool:
        """Whether it has not ended."""
        return self._process.returncode is None

    @property
    def end(self) -> str:
        """How it ended, with the end of what it has said to stderr."""
        return f"exit code {self._process.returncode}{self._said()}"

    def _said(self) -> str:
        said = self._log.read_text(encoding="utf-8", errors="replace")[-_LOG_TAIL:].strip()
        return f"\n{said}" if said else ""

    async def _scene(self) -> str:
        """Where a process that hangs stands, as far as it and the kernel tell."""
        if self.language == PYTHON:
            self.signal(signal.SIGUSR2)
            await asyncio.sleep(_DUMP_PATIENCE)
        stacks = await asyncio.to_thread(stacks_of, self._process.pid)
        return f"\n{stacks}{self._said()}"

    async def call(self, verb: str, *, timeout: float = PATIENCE, **params: Any) -> Any:
        """Has a verb done.

        Raises:
            RefusedError: It ended in an error.
            GoneError: The process ended, as was expected.
            ViolationError: It did not end, or the process ended unexpectedly.
        """
        try:
            return await self._link.ask(verb, {"timeout": timeout, **params}, timeout=timeout + PATIENCE)
        except link.RefusedError as error:
            raise RefusedError(error) from None
        except link.NoAnswerError:
            if self.expected:
                raise GoneError from None
            text = f"{verb} in {self.language} did not return{await self._scene()}"
            raise ViolationError(Wrong.HANG, text) from None
        except link.PeerGoneError:
            await self.ended()
            if self.expected:
                raise GoneError from None
            text = f"a process in {self.language} ended by itself: {self.end}"
            raise ViolationError(Wrong.CRASH, text) from None
        except link.LinkError as error:
            raise ViolationError(Wrong.ERROR, f"{verb} in {self.language}: {error}") from None

    def signal(self, number: int) -> bool:
        """Sends a signal, if the process is there."""
        if not self.alive:
            return False
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._pidfd, number)
        return True

    async def wait(self) -> None:
        """Waits for its end without a deadline; for those who have one."""
        await self._over.wait()

    async def ended(self) -> int:
        """Waits for its end; returns the exit code."""
        try:
            await asyncio.wait_for(self._over.wait(), PATIENCE)
        except TimeoutError:
            # The kernel has the last word: where this process itself stood still, the loop hears of an end too late.
            if not (await asyncio.to_thread(select.select, [self._pidfd], [], [], _LAST_LOOK))[0]:
                text = f"a process in {self.language} did not end{await self._scene()}"
                raise ViolationError(Wrong.HANG, text) from None
        return self._process.wait()

    async def discard(self) -> None:
        """Ends it, whatever it is at."""
        self.expected = True
        self.signal(signal.SIGKILL)
        await self._over.wait()
        self._link.close()
        self._counter.close()
        os.close(self._pidfd)


class Crew:
    """All agents: those that are at work, and those that wait for it."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._numbers = itertools.count()
        self._idle: list[Agent] = []
        self._all: set[Agent] = set()

    async def prepare(self, wanted: Counter[str]) -> None:
        """Starts the missing agents, so that no start delays a round."""
        missing = wanted - Counter(agent.language for agent in self._idle)
        self._idle += await asyncio.gather(*(self._start(language) for language in missing.elements()))

    async def _start(self, language: str) -> Agent:
        agent = Agent.start(language, self._directory, next(self._numbers))
        self._all.add(agent)
        await agent.call("health", timeout=_START_PATIENCE)
        return agent

    async def take(self, language: str) -> Agent:
        """Hands out an agent without an endpoint."""
        for agent in self._idle:
            if agent.language == language:
                self._idle.remove(agent)
                return agent
        return await self._start(language)

    async def give_back(self, agent: Agent) -> None:
        """Takes an agent back: one that has closed its endpoint goes on, one that has ended is let go."""
        if agent.alive and not agent.expected:
            self._idle.append(agent)
        else:
            await self.dismiss(agent)

    async def dismiss(self, agent: Agent) -> None:
        """Ends an agent."""
        self._all.discard(agent)
        await agent.discard()

    async def close(self) -> None:
        """Ends everybody."""
        for agent in list(self._all):
            await self.dismiss(agent)
