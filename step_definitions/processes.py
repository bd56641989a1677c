"""What the harness sees of processes and does to them from outside: it halts, limits and watches them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final, cast

_STOP_PATIENCE: Final = 10.0


class Bystander:
    """A process that does nothing. It has a number, and runs when this returns."""

    def __init__(self) -> None:
        command = [sys.executable, "-S", "-c", "import sys; print(flush=True); sys.stdin.read()"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        cast("IO[bytes]", self._process.stdout).readline()

    @property
    def number(self) -> int:
        """What the system calls it."""
        return self._process.pid

    def end(self, *, reaped: bool = True) -> None:
        """End it. One that is not reaped is a zombie until the next call."""
        self._process.kill()
        if reaped:
            with self._process:
                pass
        else:
            os.waitid(os.P_PID, self.number, os.WEXITED | os.WNOWAIT)


@contextlib.contextmanager
def bystander() -> Iterator[int]:
    """Start a process that does nothing, wait until it runs, and give its number."""
    process = Bystander()
    try:
        yield process.number
    finally:
        process.end()


def dead_number() -> int:
    """Return the number of a process that has ended."""
    with bystander() as number:
        pass
    return number


def state(number: int) -> str:
    """Return the kernel's letter for the state of a process; empty if there is no such process."""
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return ""


class DeathWatch:
    """Notes the moment at which a process ends, from the kernel's own notice."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.moment: float | None = None
        self._loop = asyncio.get_running_loop()
        self._descriptor: int | None = os.pidfd_open(number)
        self._loop.add_reader(self._descriptor, self._note)

    def _note(self) -> None:
        self.moment = time.monotonic()
        self.close()

    def close(self) -> None:
        """Stop watching."""
        if self._descriptor is not None:
            self._loop.remove_reader(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = None


def processor_seconds(number: int) -> float:
    """Return the processor time that all threads of a process have used."""
    clock = (~number << 3) | 2  # how Linux names the processor-time clock of another process
    return time.clock_gettime(clock)


@dataclass(frozen=True, slots=True)
class Activity:
    """What a thread has done: seconds of processor time, and how often it has gone to sleep."""

    seconds: float = 0.0
    sleeps: int = 0


def activities(number: int) -> dict[str, Activity]:
    """Return what each thread of a process has done since it began."""
    seen = {}
    for thread in Path(f"/proc/{number}/task").iterdir():
        with contextlib.suppress(OSError):  # it may just have ended
            nanoseconds = int((thread / "schedstat").read_text().split()[0])
            sleeps = (thread / "status").read_text().partition("\nvoluntary_ctxt_switches:")[2].split()[0]
            seen[thread.name] = Activity(nanoseconds / 1e9, int(sleeps))
    return seen


@dataclass(frozen=True, slots=True)
class Holdings:
    """What a process holds.

    Attributes:
        descriptors: Open ones.
        mappings: Of shared memory.
        threads: Running ones.
    """

    descriptors: int
    mappings: int
    threads: int

    @classmethod
    def of(cls, number: int) -> Holdings:
        """Count what a process holds now."""
        root = Path(f"/proc/{number}")
        mappings = sum("/dev/shm/" in line for line in (root / "maps").read_text().splitlines())  # noqa: S108 - as above
        return cls(len(list((root / "fd").iterdir())), mappings, len(list((root / "task").iterdir())))


def limit(number: int, kind: int, value: int) -> tuple[int, int]:
    """Set the soft limit of a process and return what both limits were."""
    soft, hard = resource.prlimit(number, kind)
    resource.prlimit(number, kind, (value if hard == resource.RLIM_INFINITY else min(value, hard), hard))
    return soft, hard


def address_space(number: int) -> int:
    """Return the bytes of address space that a process uses."""
    pages = int(Path(f"/proc/{number}/statm").read_text().split()[0])
    return pages * resource.getpagesize()


def first_free_descriptor(number: int) -> int:
    """Return the lowest number that no descriptor of a process has."""
    used = {int(path.name) for path in Path(f"/proc/{number}/fd").iterdir()}
    return next(candidate for candidate in range(len(used) + 1) if candidate not in used)


def inherited_descriptors(number: int, paths: Collection[str]) -> list[tuple[str, bool]]:
    """Return which of some files a process has open, and whether a program that it starts inherits each."""
    found: list[tuple[str, bool]] = []
    for one in Path(f"/proc/{number}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # what is closed meanwhile is not inherited
            path = str(one.readlink())
            if path in paths:
                facts = dict(
                    line.split(":", 1) for line in Path(f"/proc/{number}/fdinfo/{one.name}").read_text().splitlines()
                )
                found.append((path, not int(facts["flags"], 8) & os.O_CLOEXEC))
    return found


def halt(number: int) -> None:
    """Stop a process; return when it stands."""
    os.kill(number, signal.SIGSTOP)
    deadline = time.monotonic() + _STOP_PATIENCE
    while time.monotonic() < deadline:
        if state(number) == "T":
            return
        time.sleep(0.001)  # the kernel gives no notice of a stop to anybody but the parent
    raise TimeoutError(f"process {number} did not stop")


async def stands(number: int, deed: asyncio.Future[Any]) -> bool:
    """Wait until a process has stopped in the middle of a deed.

    Args:
        number: Of the process.
        deed: What it is in the middle of. If this ends first, the process has not stopped.
    """
    deadline = time.monotonic() + _STOP_PATIENCE
    while not deed.done() and time.monotonic() < deadline:
        if state(number) == "T":
            return True
        await asyncio.sleep(0.001)  # as above
    return state(number) == "T"


def go_on(number: int) -> None:
    """Let a stopped process go on, if it is still there."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(number, signal.SIGCONT)
