"""The machine: which cores to use, how to hold a process to one, and the facts that belong beside each number."""

from __future__ import annotations

import contextlib
import os
import platform
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_CPUS: Final = Path("/sys/devices/system/cpu")
_BUSY: Final = 0.25
_PASSES: Final = 10


@dataclass(frozen=True, slots=True)
class Machine:
    """Where the numbers come from.

    Attributes:
        cpu: Its model.
        cores: How many this process may use.
        kernel: Its release.
        load: How many processes wanted a core before the run, on average over a minute.
        pinned: The core of each of the two drivers; none if they may run anywhere.
    """

    cpu: str
    cores: int
    kernel: str
    load: float
    pinned: tuple[int, int] | None

    @property
    def warnings(self) -> list[str]:
        """What makes the numbers doubtful."""
        found = []
        if self.load > _BUSY * self.cores:
            found.append(f"the load is {self.load:.2f} on {self.cores} cores: others are at work, numbers will scatter")
        if self.cores < 2:
            found.append("there is one core only: both drivers share it")
        return found

    @property
    def facts(self) -> dict[str, str]:
        """What a reader should know, as text."""
        where = "no" if self.pinned is None else f"first role cpu{self.pinned[0]}, second role cpu{self.pinned[1]}"
        return {
            "machine": f"{self.cpu}, {self.cores} cores",
            "kernel": self.kernel,
            "load before": f"{self.load:.2f}",
            "pinned": where,
        }


def look(*, pin: bool) -> Machine:
    """Return what this machine is like now."""
    allowed = sorted(os.sched_getaffinity(0))
    cores = two_cores(allowed) if pin else None
    return Machine(_model(), len(allowed), platform.release(), os.getloadavg()[0], cores)


def two_cores(allowed: Iterable[int]) -> tuple[int, int] | None:
    """Return two cores to use, of different physical ones where there are such; none if there is one only."""
    first, *others = sorted(allowed)
    if not others:
        return None
    return first, next((cpu for cpu in others if _siblings(cpu) != _siblings(first)), others[0])


def hold(pid: int, cpu: int) -> None:
    """Hold all threads of a process to a core; threads that it starts later inherit that."""
    held: set[str] = set()
    for _ in range(_PASSES):
        try:
            threads = set(os.listdir(f"/proc/{pid}/task"))  # noqa: PTH208 - the names are numbers
        except OSError:
            return
        # A thread that was not held yet may have started another one meanwhile.
        if threads <= held:
            return
        for thread in threads - held:
            with contextlib.suppress(OSError):
                os.sched_setaffinity(int(thread), {cpu})
        held |= threads


def _siblings(cpu: int) -> str:
    try:
        return (_CPUS / f"cpu{cpu}/topology/thread_siblings_list").read_text(encoding="utf-8").strip()
    except OSError:
        return str(cpu)


def _model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.machine()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())
