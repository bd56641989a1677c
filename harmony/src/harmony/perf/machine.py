"""The machine: which cores to use, and the facts that belong beside each number."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from harmony.process.system import Promise
from harmony.process.this_system import SYSTEM

_BUSY: Final = 0.25


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


def inspect_machine(*, pin: bool) -> Machine:
    """Return what this machine is like now."""
    allowed = SYSTEM.cores()
    cores = two_cores(allowed) if pin and Promise.CORES not in SYSTEM.lacks else None
    return Machine(SYSTEM.processor(), len(allowed), platform.release(), os.getloadavg()[0], cores)


def two_cores(allowed: Iterable[int]) -> tuple[int, int] | None:
    """Return two cores to use, of different physical ones where there are such; none if there is one only."""
    first, *others = sorted(allowed)
    if not others:
        return None
    return first, next((cpu for cpu in others if SYSTEM.siblings(cpu) != SYSTEM.siblings(first)), others[0])
