"""What the tests of every driver stand on: its processes, a name for its buffers, and a look at what is left."""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from typing import ClassVar, Final

import psutil
import pytest

from harmony import own_helper
from step_definitions.child_driver import ChildDriver
from step_definitions.observer import SHARED_MEMORY, objects_of_run
from step_definitions.port import Handle
from tests.drivers.language import Language

PATIENCE: Final = 10.0  # no measure of anything: what takes longer hangs

_numbers = itertools.count(80_000)


class Stage:
    """The processes of one test, and a name for its buffers."""

    def __init__(self, language: Language, name: str, stack: AsyncExitStack) -> None:
        self._language = language
        self._stack = stack
        self.name = name

    async def start(self, who: str = "driver") -> ChildDriver:
        """Start the driver or Python, which ends with the test."""
        python = who == "python"
        driver = await (ChildDriver.start("zerobuffer") if python else ChildDriver.launch(self._language.words))
        self._stack.push_async_callback(self._end, driver)
        return driver

    async def pair(
        self, reading: str, writing: str, payload: int, metadata: int = 0
    ) -> tuple[ChildDriver, Handle, ChildDriver, Handle]:
        """Start who reads and who writes, and connect them; return each with its end."""
        reader, writer = await self.start(reading), await self.start(writing)
        source = await reader.create(self.name, metadata=metadata, payload=payload)
        return reader, source, writer, await writer.connect(self.name)

    @staticmethod
    async def _end(driver: ChildDriver) -> None:
        await (driver.end() if driver.alive else driver.kill())
        assert list(SHARED_MEMORY.glob(f"*.{driver.pid}")) == [], "what runs the driver has left something of its own"


def children() -> set[psutil.Process]:
    """The processes below this one, but for harmony's own."""
    ours, _ = own_helper() or (0, 0)
    return {process for process in psutil.Process().children(recursive=True) if process.pid != ours}


Scene = Callable[[Stage], Awaitable[None]]
Play = Callable[[Scene], None]


class Subject:
    """Tests of one driver. After each, nothing of its name may be left, nor any process."""

    language: ClassVar[Language]

    @pytest.fixture(autouse=True)
    def built(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Skip, visibly, where the driver was not built; otherwise have it find what it wants in the environment."""
        if reason := self.language.obstacle():
            pytest.skip(reason)
        for variable, value in self.language.environment.items():
            monkeypatch.setenv(variable, value)

    @pytest.fixture
    def name(self, built: None) -> Iterator[str]:
        """A name for buffers that no other test has."""
        suffix = f"_{os.getpid()}_{next(_numbers)}"
        before = children()
        yield f"{self.language.name}{suffix}"
        assert objects_of_run(suffix) == []
        assert psutil.wait_procs(children() - before, timeout=PATIENCE)[1] == []

    @pytest.fixture
    def play(self, name: str) -> Play:
        """Play a scene with drivers."""
        return playing(self.language, name)


def playing(language: Language, name: str) -> Play:
    """Have scenes played with the driver of a language."""

    async def run(scene: Scene) -> None:
        async with AsyncExitStack() as stack:
            await scene(Stage(language, name, stack))

    return lambda scene: asyncio.run(run(scene))
