"""The processes of a soak: an agent of ours in Python, the drivers of the other languages. All are reaped."""

import asyncio
import contextlib
import itertools
import json
import mmap
import os
import select
import shutil
import signal
import struct
import sys
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.soak.seen import ViolationError, Wrong
from harmony.wire.framing import encode

PATIENCE = 5.0
"""Seconds for each call that need not wait for anybody's start; for one that hangs, as much again."""

PYTHON = "python"
AGENT = "benchmarks.soak.agent"
_START_PATIENCE = 30.0
_DUMP_PATIENCE = 0.5
_ROOT = Path(__file__).resolve().parent.parent.parent
_DRIVER_ERROR = -32000
_LAST_LOOK = 1.0
_LOG_TAIL = 2000
_STATE = ("State:", "Threads:", "SigPnd:", "ShdPnd:")


class RefusedError(Exception):
    """A call ended in an error."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class GoneError(Exception):
    """The process has ended."""


def platforms() -> dict[str, dict[str, Any]]:
    """Platforms of harmony.toml, by name."""
    found: dict[str, dict[str, Any]] = tomllib.loads((_ROOT / "harmony.toml").read_text(encoding="utf-8"))["platforms"]
    return found


def built() -> list[str]:
    """Languages whose driver is built and can be started here."""
    return [
        name
        for name, platform in platforms().items()
        if name == PYTHON
        or (shutil.which(_program(platform["command"])[0]) and (_ROOT / platform["command"][-1]).is_file())
    ]


def _program(command: list[str]) -> list[str]:
    return [str(_ROOT / word) if "/" in word else word for word in command]


class Agent:
    """A process that has, or may have, one endpoint."""

    def __init__(self, language: str, process: asyncio.subprocess.Process, counter: int, log: Path) -> None:
        self.language = language
        self.pid = process.pid
        self.expected = False
        self._process = process
        self._log = log
        self._pidfd = os.pidfd_open(process.pid)
        self._counter = mmap.mmap(counter, mmap.PAGESIZE)
        self._numbers = itertools.count(1)
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._listener = asyncio.create_task(self._listen())

    @classmethod
    async def start(cls, language: str, directory: Path, number: int) -> "Agent":
        """Starts the process for a language."""
        platform = platforms()[language]
        counter = os.memfd_create("soak")
        os.ftruncate(counter, mmap.PAGESIZE)
        ours = [sys.executable, "-m", AGENT, str(counter)]
        log = directory / f"{language}-{number}.log"
        environment = {**os.environ, **platform.get("environment", {}), "ZEROBUFFER_LOCK_DIR": str(directory / "locks")}
        try:
            with log.open("wb") as errors:
                process = await asyncio.create_subprocess_exec(
                    *(ours if language == PYTHON else _program(platform["command"])),
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    stderr=errors,
                    cwd=_ROOT,
                    env=environment,
                    pass_fds=(counter,),
                    start_new_session=True,
                )
            return cls(language, process, counter, log)
        finally:
            os.close(counter)

    @property
    def counted(self) -> int:
        """How many writes are known to have returned; 0 where nobody counts."""
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
        return f"{self._state()}{self._said()}"

    def _state(self) -> str:
        try:
            status = Path(f"/proc/{self.pid}/status").read_text(encoding="utf-8")
        except OSError:
            return ""
        return f" ({', '.join(line for line in status.splitlines() if line.startswith(_STATE))})".replace("\t", " ")

    async def call(self, verb: str, *, timeout: float = PATIENCE, **params: Any) -> Any:
        """Has a verb done.

        Raises:
            RefusedError: It ended in an error.
            GoneError: The process ended, as was expected.
            ViolationError: It did not end, or the process did, which nobody expected.
        """
        if self._listener.done():
            raise await self._gone()
        number = next(self._numbers)
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._answers[number] = answer
        request = {"jsonrpc": "2.0", "id": number, "method": verb, "params": [{"timeout": timeout, **params}]}
        stdin = self._process.stdin
        assert stdin is not None
        stdin.write(encode(json.dumps(request).encode()))
        try:
            return await asyncio.wait_for(answer, timeout + PATIENCE)
        except TimeoutError:
            if not self.expected:
                text = f"{verb} in {self.language} did not return{await self._scene()}"
                raise ViolationError(Wrong.HANG, text) from None
            raise GoneError from None
        except GoneError:
            raise (await self._gone()) from None
        finally:
            del self._answers[number]

    async def _gone(self) -> Exception:
        await self.ended()
        if self.expected:
            return GoneError()
        return ViolationError(Wrong.CRASH, f"a process in {self.language} ended by itself: {self.end}")

    async def _listen(self) -> None:
        stdout = self._process.stdout
        assert stdout is not None
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                header = await stdout.readuntil(b"\r\n\r\n")
                message = json.loads(await stdout.readexactly(int(header.partition(b":")[2])))
                answer = self._answers.get(message["id"])
                if answer is None or answer.done():
                    continue
                error = message.get("error")
                if error is None:
                    answer.set_result(message["result"])
                else:
                    code = error["data"]["code"] if error["code"] == _DRIVER_ERROR else "broken"
                    answer.set_exception(RefusedError(code, error["message"]))
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(GoneError())

    def signal(self, number: int) -> bool:
        """Sends a signal, if the process is there."""
        if not self.alive:
            return False
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._pidfd, number)
        return True

    async def wait(self) -> int:
        """Waits for its end without a deadline; for those who have one."""
        return await self._process.wait()

    async def ended(self) -> int:
        """Waits for its end, and reaps it; returns the exit code."""
        try:
            return await asyncio.wait_for(self._process.wait(), PATIENCE)
        except TimeoutError:
            # The kernel has the last word: where this process itself stood still, the loop hears of an end too late.
            if not (await asyncio.to_thread(select.select, [self._pidfd], [], [], _LAST_LOOK))[0]:
                text = f"a process in {self.language} did not end{await self._scene()}"
                raise ViolationError(Wrong.HANG, text) from None
            return await self._process.wait()

    async def discard(self) -> None:
        """Ends it, whatever it is at."""
        self.expected = True
        self.signal(signal.SIGKILL)
        await self._process.wait()
        await self._listener
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
        """Starts what is missing, so that nobody need wait for a start in the middle of a round."""
        missing = wanted - Counter(agent.language for agent in self._idle)
        self._idle += await asyncio.gather(*(self._start(language) for language in missing.elements()))

    async def _start(self, language: str) -> Agent:
        agent = await Agent.start(language, self._directory, next(self._numbers))
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
