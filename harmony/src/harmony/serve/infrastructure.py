"""Workers as an infrastructure of their own: started once, found through the environment, ended together.

`up` starts a listening worker for each platform, waits until it is healthy, and writes two files: the environment for
those who want to attach, and the state for `down`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shlex
import subprocess
import tempfile
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from harmony.errors import ConfigurationError, ExitCode, HarmonyError
from harmony.platform_settings import Platform
from harmony.process.marks import RUN_VARIABLE
from harmony.process.reaper import end_processes
from harmony.process.this_system import SYSTEM
from harmony.run.pool import endpoint_variable, filled_in
from harmony.run.step_worker import StepWorker, WorkerTimeouts
from harmony.state import read_whole
from harmony.wire.link import LinkError

UP_VARIABLE: Final = "HARMONY_UP"
ENVIRONMENT_FILE: Final = "endpoints.env"
STATE_FILE: Final = "up.json"
_SLICE: Final = 0.05


class InfrastructureError(HarmonyError):
    """Workers cannot be started, are up already, or do not become healthy.

    Way out: `harmony down` ends those that are up; of one that is not healthy, the end of its log is shown.
    """

    code = "infrastructure"
    exit_code = ExitCode.CONFIGURATION


@dataclass(frozen=True, slots=True)
class Running:
    """A worker that is up.

    Attributes:
        platform: Whose it is.
        pid: Its process.
        socket: Where it listens.
        mark: What it and all that it starts carry in their environment.
    """

    platform: str
    pid: int
    socket: str
    mark: str


def up(platforms: Mapping[str, Platform], root: Path, directory: Path) -> list[Running]:
    """Start a worker for each platform and return when all are healthy; if one is not, none stays.

    Args:
        platforms: Those that are to be up; each needs a `listen` command.
        root: Directory of the project file.
        directory: Where the files go.

    Raises:
        InfrastructureError: One cannot listen, or does not become healthy.
    """
    if running(directory):
        raise InfrastructureError(f"workers are up already, see {directory / STATE_FILE}", hint="harmony down")
    lacking = sorted(name for name, platform in platforms.items() if not platform.listen)
    if lacking or not platforms:
        hint = 'add listen = [...] with "{socket}" to its entry in the project file'
        raise InfrastructureError(f"cannot listen: {', '.join(lacking) or 'no platform at all'}", hint=hint)
    directory.mkdir(parents=True, exist_ok=True)
    # A socket's path has to be short, so it stands in a directory of its own.
    sockets = Path(tempfile.mkdtemp(prefix="harmony-"))
    started: list[Running] = []
    try:
        for name, platform in sorted(platforms.items()):
            started.append(_start(name, platform, root, sockets / f"{name}.sock", directory))
            _write_state(directory, started)
        for one in started:
            _await_health(one, platforms[one.platform].start_timeout, directory)
    except BaseException:
        _write_state(directory, started)
        down(directory)
        with contextlib.suppress(OSError):  # gone with the last socket, if there was one
            sockets.rmdir()
        raise
    (directory / ENVIRONMENT_FILE).write_text(environment_text(started), encoding="utf-8")
    return started


def down(directory: Path, grace: float = 2.0) -> list[Running]:
    """End all workers that are up and remove their files; return those that were."""
    state = running(directory)
    for one in state:
        _end(one, grace)
        with contextlib.suppress(OSError):
            Path(one.socket).unlink(missing_ok=True)
            Path(one.socket).parent.rmdir()
    for name in (STATE_FILE, ENVIRONMENT_FILE):
        (directory / name).unlink(missing_ok=True)
    return state


def running(directory: Path) -> list[Running]:
    """Return what is up according to the state file; nothing if there is none."""
    file = directory / STATE_FILE
    try:
        return [Running(**entry) for entry in json.loads(read_whole(file))]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, TypeError) as error:
        raise InfrastructureError(
            f"{file} cannot be read: {error}", hint="end the workers by hand, remove it"
        ) from error


def endpoints(state: Iterable[Running]) -> dict[str, str]:
    """Return the variables by which others find the workers."""
    return {endpoint_variable(one.platform): f"unix:{one.socket}" for one in state}


def environment_text(state: Iterable[Running]) -> str:
    """Return a file that a shell and CI systems can read."""
    return "".join(f"{name}={shlex.quote(value)}\n" for name, value in endpoints(state).items())


def select_platforms(platforms: Mapping[str, Platform], names: Iterable[str]) -> dict[str, Platform]:
    """Return the platforms of some names; all that can listen if there are none.

    Raises:
        ConfigurationError: A name is unknown.
    """
    wanted = list(names)
    for name in wanted:
        if name not in platforms:
            raise ConfigurationError(
                f"there is no platform {name!r}", hint=f"known are: {', '.join(sorted(platforms))}"
            )
    return {name: one for name, one in platforms.items() if (name in wanted if wanted else bool(one.listen))}


def _start(name: str, platform: Platform, root: Path, socket: Path, directory: Path) -> Running:
    mark = f"{name}-{os.getpid()}-{time.time_ns()}"
    # Without the mark of this run: these are to outlive whoever starts them.
    env = {key: value for key, value in os.environ.items() if key not in {RUN_VARIABLE, "HARMONY_HOST_PID"}}
    command = filled_in(platform.listen, root, socket=str(socket))
    with (directory / f"{name}.log").open("wb") as log:
        try:
            process = subprocess.Popen(
                command,
                cwd=root / platform.directory,
                env={**env, **platform.environment, UP_VARIABLE: mark},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        except OSError as error:
            hint = "check `listen` and `directory` of this platform"
            raise InfrastructureError(f"cannot start {name} ({' '.join(command)}): {error}", hint=hint) from error
    # It is not ours to reap: whoever calls `down` finds it by its mark.
    process.returncode = 0
    return Running(name, process.pid, str(socket), mark)


def _await_health(one: Running, timeout: float, directory: Path) -> None:
    deadline = time.monotonic() + timeout
    with contextlib.ExitStack() as stack:
        watch = stack.enter_context(contextlib.closing(SYSTEM.watch(one.pid)))
        while True:
            left = deadline - time.monotonic()
            if left > 0 and asyncio.run(_healthy(one, left)):
                return
            ended = watch.ended(_SLICE)
            if ended or left <= 0:
                log = (directory / f"{one.platform}.log").read_text("utf-8", "replace")[-2000:]
                reason = "ended" if ended else f"is not healthy after {timeout:g} s"
                raise InfrastructureError(f"{one.platform} {reason}; its log ends with:\n{log}")


async def _healthy(one: Running, timeout: float) -> bool:
    if not Path(one.socket).is_socket():  # noqa: ASYNC240 - no disk is touched
        return False
    try:
        worker = await StepWorker.attach(one.platform, Path(one.socket), WorkerTimeouts(start=timeout, setup=timeout))
    except LinkError:
        return False
    await worker.close()
    return True


def _end(one: Running, grace: float) -> None:
    """TERM, then KILL, whoever carries the mark: a number alone could be someone else's by now."""
    end_processes(UP_VARIABLE, one.mark, grace)
    with contextlib.suppress(ChildProcessError):
        os.waitpid(one.pid, os.WNOHANG)  # a child of this process, or nobody of ours to reap


def _write_state(directory: Path, state: Iterable[Running]) -> None:
    (directory / STATE_FILE).write_text(json.dumps([asdict(one) for one in state], indent=2), encoding="utf-8")
