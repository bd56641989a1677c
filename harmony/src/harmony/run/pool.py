"""Workers of all platforms, started when first needed.

All that play in a cell must make the same names, from two numbers that no other cell has. A worker may take them from
its environment alone, so it plays one scenario and is told them there. Only a platform that says so is asked to play
for the whole session: it finds no numbers in its environment, and each `initialize` tells it new ones. One that
crashed, hung or was killed is not used again. Of a driver's platform, an actor plays on and its processes do where the
platform says so.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import sys
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Protocol

from harmony.errors import ConfigurationError, CrashedError, HarmonyError
from harmony.platform_settings import Platform
from harmony.process.child import ProcessSpec
from harmony.process.transcript import StderrRule, Written
from harmony.run import building
from harmony.run.actor import Actor
from harmony.run.driver_actor import DriverActor
from harmony.run.run_id import RunId
from harmony.run.scenario_run import HARMONY
from harmony.run.step_actor import StepActor
from harmony.run.step_worker import StepWorker, WorkerTimeouts
from harmony.steps.library import StepLibrary
from harmony.steps.naming import FEATURE_ID_VARIABLE, HOST_PID_VARIABLE, SEED_VARIABLE
from harmony.verdict.events import Subscriber
from harmony.wire.link import Observer

STEP_TIMEOUT_VARIABLE: Final = "HARMONY_TIMEOUTS__STEP"


class PooledActor(Actor, Protocol):
    """An actor that may play again."""

    @property
    def reusable(self) -> bool:
        """Whether another scenario may be given to it."""

    @property
    def killed(self) -> Collection[int]:
        """The processes that its scenario has killed on purpose."""

    def check_leftovers(self) -> None:
        """Check between two scenarios that nothing of the last one runs on; raises `HarmonyError` if it does."""

    async def stacks(self) -> dict[str, Any]:
        """Return where its threads stand, as `stack`; nothing if nobody can tell. Never raises."""

    def observe(self, tell: Subscriber, observer: Observer | None) -> None:
        """Have somebody hear of its processes and of every message; nobody, where there is no observer."""

    def crash(self) -> str:
        """Say how its process crashed; empty if it did not."""

    def take_stderr(self) -> Written:
        """Return what its processes have written on stderr since this was asked last."""

    def stderr_tail(self, count: int) -> list[str]:
        """Return the last lines of that, which stay where they are."""

    async def kill(self) -> None:
        """End it without asking it."""


@dataclass(frozen=True, slots=True)
class Launch:
    """What a launcher needs to know.

    Attributes:
        spec: Its command, filled in.
        timeouts: How long it may take.
        library: The project's steps, for a platform that has none of its own.
        tell: Hears of its processes.
        keeps: Whether one of its processes plays one scenario after the other.
    """

    spec: ProcessSpec
    timeouts: WorkerTimeouts
    library: Callable[[], StepLibrary]
    tell: Subscriber
    keeps: bool


async def _launch_step_worker(launch: Launch) -> PooledActor:
    return await StepWorker.launch(launch.spec, launch.timeouts, launch.tell)


async def _make_driver_actor(launch: Launch) -> PooledActor:
    return DriverActor(launch.library(), launch.spec, patience=launch.timeouts.start, keeps=launch.keeps)


LAUNCHERS: Final[dict[str, Callable[[Launch], Awaitable[PooledActor]]]] = {
    "steps": _launch_step_worker,
    "driver": _make_driver_actor,
}
"""How a process is started, by the contract that it speaks."""


def endpoint_variable(platform: str) -> str:
    """Return the variable that names the socket of a platform's worker that runs already."""
    word = re.sub(r"\W", "_", platform.upper())
    return f"HARMONY_{word}_ENDPOINT"


def endpoint_of(platform: str, environment: Mapping[str, str] | None = None) -> Path | None:
    """Return where a worker of the platform runs already; none if it is to be started."""
    text = (os.environ if environment is None else environment).get(endpoint_variable(platform), "")
    return Path(text.removeprefix("unix:")) if text else None


def filled_in(command: tuple[str, ...], root: Path, **more: str) -> list[str]:
    """Return a command with `{python}`, `{root}` and what else is given in their places."""
    values = {"python": sys.executable, "root": str(root), **more}
    filled = []
    for word in command:
        text = word
        for name, value in values.items():
            text = text.replace("{" + name + "}", value)
        filled.append(text)
    return filled


def unavailable(name: str, platform: Platform, root: Path) -> str:
    """Say why a platform cannot be started here; empty if it can."""
    if endpoint_of(name) is not None:
        return ""
    if platform.contract not in LAUNCHERS:
        return f"its contract {platform.contract!r} is not supported"
    if not (root / platform.directory).is_dir():
        return f"there is no directory {platform.directory}"
    return next(filter(None, (_lacking(name, platform, root, one) for one in platform.commands)), "")


def _lacking(name: str, platform: Platform, root: Path, command: tuple[str, ...]) -> str:
    """Say why a command of a platform cannot be started here; empty if it can."""
    directory = root / platform.directory
    words = filled_in(command, root)
    # What is built may be an argument of what runs it: `mono bin/driver.exe`.
    relative = [word for word in words if "/" in word and not word.startswith(("/", "-"))]
    absent = [word for word in relative if not (directory / word).exists()]
    if not absent and shutil.which(str(directory / words[0]) if words[0] in relative else words[0]) is None:
        absent = [words[0]]
    missing = building.missing_tools(platform) if absent else {}
    remedy = f"run `harmony build {name}`"
    if absent and platform.build:
        return f"not built: {building.how_to_get(missing)}, then {remedy}" if missing else f"not built: {remedy}"
    if absent:
        return f"there is no program {absent[0]}" + (f": {building.how_to_get(missing)}" if missing else "")
    if any(building.stale(name, platform, root, directory / word) for word in relative):
        return f"built from other sources than these: {remedy}"
    return ""


class WorkerPool:
    """Gives workers and takes them back.

    Attributes:
        idle: Workers that play nothing at the moment, by platform, and by role where that has a start of its own.

    Args:
        platforms: Entries of the project file.
        root: Its directory.
        seed: Seed of the run, told to the workers.
        step_timeout: The longest time that any step may take; workers of ours keep that deadline.
        timeouts: For set-up and clean-up; start and stop are each platform's own.
        library: Reads the project's steps, when a driver first needs them.
    """

    def __init__(
        self,
        platforms: Mapping[str, Platform],
        root: Path,
        seed: int,
        *,
        step_timeout: float = 30.0,
        timeouts: WorkerTimeouts | None = None,
        library: Callable[[], StepLibrary] | None = None,
    ) -> None:
        self.platforms = platforms
        self._root = root
        self._seed = seed
        self._step_timeout = step_timeout
        self._timeouts = timeouts or WorkerTimeouts()
        self._library = library or _no_library
        self.idle: dict[str, list[PooledActor]] = {}
        self.started = 0
        self.observe: Subscriber = lambda _: None
        self.dismissed: Callable[[PooledActor, str], None] = lambda *_: None
        """Hears of a worker that has ended after it had been taken back, and how it crashed, if it did."""

    def own_actor(self) -> StepActor:
        """Return what performs steps of the project that belong to no platform."""
        return StepActor(self._library(), name=HARMONY)

    async def acquire(self, platform: str, run_id: RunId, role: str = "") -> PooledActor:
        """Return a worker of a platform for a role of a cell.

        Raises:
            ConfigurationError: The platform is unknown, or its contract is.
            HarmonyError: It cannot be started, or does not become ready.
        """
        idle = self.idle.setdefault(self._kind(platform, role), [])
        while idle:
            worker = idle.pop()
            if worker.reusable:
                return worker
            await self._dismissed(worker, worker.kill())
        return await self._start(platform, run_id, role)

    async def release(self, worker: PooledActor, platform: str, role: str = "") -> None:
        """Take a worker back; one that is not to be used again is ended.

        Raises:
            CrashedError: It has ended by itself.
            HarmonyError: It did not end in order.
        """
        try:
            worker.check_leftovers()
        finally:
            if worker.reusable and self._plays_on(platform):
                self.idle.setdefault(self._kind(platform, role), []).append(worker)
            else:
                await self._ended(worker, worker.close())

    async def close(self) -> None:
        """End all idle workers."""
        workers = [worker for idle in self.idle.values() for worker in idle]
        self.idle.clear()
        await asyncio.gather(*(self._dismissed(worker, worker.close()) for worker in workers))

    def _kind(self, name: str, role: str) -> str:
        """Return what workers have in common of which one may play for the other."""
        platform = self.platforms.get(name)
        return name if platform is None or platform.in_role(role) is platform else f"{name} as {role}"

    def _plays_on(self, name: str) -> bool:
        """Whether the workers of a platform play one scenario after the other, whatever their environment says."""
        platform = self.platforms[name]
        return platform.contract == "driver" or platform.lifetime == "session" or endpoint_of(name) is not None

    async def _dismissed(self, worker: PooledActor, ending: Awaitable[None]) -> None:
        """End a worker that plays nothing."""
        worker.observe(self.observe, None)
        crash = ""
        try:
            await self._ended(worker, ending)
        except CrashedError as error:
            crash = error.message
        except HarmonyError:
            pass
        self.dismissed(worker, crash)

    async def _ended(self, worker: PooledActor, ending: Awaitable[None]) -> None:
        """Wait for the end of a worker, and judge it."""
        try:
            await ending
        finally:
            if crash := worker.crash():
                raise CrashedError(crash)

    async def _start(self, name: str, run_id: RunId, role: str) -> PooledActor:
        platform = self.platforms.get(name)
        if platform is None:
            known = ", ".join(sorted(self.platforms)) or "none"
            raise ConfigurationError(f"there is no platform {name!r} in the project file", hint=f"known are: {known}")
        timeouts = replace(self._timeouts, start=platform.start_timeout, stop=platform.stop_timeout)
        endpoint = endpoint_of(name)
        if endpoint is not None:
            return await StepWorker.attach(name, endpoint, timeouts, self.observe)
        reason = unavailable(name, platform, self._root)
        if reason:
            raise ConfigurationError(f"{name} cannot be started: {reason}", hint="see its entry in the project file")
        numbers = {HOST_PID_VARIABLE: str(run_id.host_pid), FEATURE_ID_VARIABLE: str(run_id.feature_id)}
        told = {SEED_VARIABLE: str(self._seed), STEP_TIMEOUT_VARIABLE: str(self._step_timeout)}
        plays_on = self._plays_on(name)
        platform = platform.in_role(role)
        spec = spec_of(name, platform, platform.command, self._root, told if plays_on else told | numbers)
        spec = replace(spec, without=frozenset(numbers) if plays_on else frozenset())
        self.started += 1
        launch = Launch(spec, timeouts, self._library, self.observe, platform.lifetime == "session")
        return await LAUNCHERS[platform.contract](launch)


def spec_of(
    name: str, platform: Platform, command: tuple[str, ...], root: Path, told: Mapping[str, str] | None = None
) -> ProcessSpec:
    """Return how a process of a platform is started, from wherever this one runs.

    Args:
        name: Of the platform.
        platform: Its entry in the project file.
        command: One of the entry's commands.
        root: The directory of the project file.
        told: Variables on top of the entry's.
    """
    directory = root / platform.directory
    program, *words = filled_in(command, root)
    if "/" in program and not program.startswith("/"):
        program = str((directory / program).resolve())
    rule = StderrRule(platform.stderr_patterns, clean=platform.stderr == "clean")
    environment = {**platform.environment, **(told or {})}
    return ProcessSpec(name, [program, *words], directory, environment, stderr=rule)


def _no_library() -> StepLibrary:
    raise ConfigurationError("a driver needs the project's steps", hint="run it within a project")
