"""The machine: which cores to use, and the facts that belong beside each number."""

import os
import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.plan import Placement

_CPU_ROOT = Path("/sys/devices/system/cpu")


@dataclass(frozen=True)
class Cores:
    """Two cores to pin to; the same one twice on a machine that has only one.

    Attributes:
        first: Where producers run, and both ends in `Placement.ONE_CORE`.
        second: Where consumers run.
        siblings: Whether the two are hardware threads of one physical core.
    """

    first: int
    second: int
    siblings: bool

    def of(self, placement: Placement) -> tuple[int, int]:
        """The cores of producer and consumer; -1 for unpinned."""
        match placement:
            case Placement.TWO_CORES:
                return self.first, self.second
            case Placement.ONE_CORE:
                return self.first, self.first
            case Placement.UNPINNED:
                return -1, -1

    def text(self, placement: Placement) -> str:
        """The placement with its core numbers, as it stands beside each number."""
        producer, consumer = self.of(placement)
        return "unpinned" if producer < 0 else f"cpu{producer}->cpu{consumer}"


def _siblings(cpu: int) -> str:
    try:
        return (_CPU_ROOT / f"cpu{cpu}/topology/thread_siblings_list").read_text().strip()
    except OSError:
        return str(cpu)


def choose_cores() -> Cores:
    """Two cores this process may use, of different physical cores where there are such."""
    allowed = sorted(os.sched_getaffinity(0))
    first = allowed[0]
    strangers = [cpu for cpu in allowed[1:] if _siblings(cpu) != _siblings(first)]
    second = (strangers or allowed[1:] or [first])[0]
    return Cores(first, second, siblings=second != first and not strangers)


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next(
        (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.processor()
    )


def facts(cores: Cores) -> dict[str, Any]:
    """What a reader needs to judge the numbers."""
    return {
        "cpu": _cpu_model(),
        "cpus": len(os.sched_getaffinity(0)),
        "producer_core": cores.first,
        "consumer_core": cores.second,
        "hardware_threads_of_one_core": cores.siblings,
        "kernel": platform.release(),
        "python": platform.python_version(),
        "load_average": os.getloadavg()[0],
    }
