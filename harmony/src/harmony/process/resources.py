"""What a scenario leaves behind: descriptors, threads, child processes, memory, and what a project's probes find."""

from __future__ import annotations

import contextlib
import gc
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import psutil

from harmony.config import LeakLimits
from harmony.process import orphans
from harmony.process.child import own_helper
from harmony.process.remains import Excuse, LeakProbe, Remains, look
from harmony.process.this_system import SYSTEM

_PATIENCE: Final = 2.0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The resources of this process at one moment.

    Attributes:
        memory_mb: Resident set size.
        cpu_seconds: User and system time so far.
        descriptors: Open file descriptors and what they are.
        threads: Names of the threads by identity.
        children: Command lines of child processes by pid.
        remains: What the project's probes name.
    """

    memory_mb: float
    cpu_seconds: float
    descriptors: Mapping[int, str]
    threads: Mapping[int, str]
    children: Mapping[int, str]
    remains: Remains = field(default_factory=Remains)


@dataclass(frozen=True, slots=True)
class ResourceUse:
    """What a scenario used, and what it leaked.

    Attributes:
        memory_mb: Growth of the resident set.
        cpu_seconds: Processor time.
        leaks: One line per leak, for a person.
    """

    memory_mb: float
    cpu_seconds: float
    leaks: Sequence[str] = field(default=())


class ResourceMonitor:
    """Compares this process before and after a scenario.

    Args:
        limits: What may be left behind.
        probes: Project-specific looks at what is outside of this process.
    """

    def __init__(self, limits: LeakLimits, probes: Sequence[LeakProbe] = ()) -> None:
        self._limits = limits
        self._probes = tuple(probes)
        self._process = psutil.Process()

    def snapshot(self, run_id: str) -> Snapshot:
        """Look at this process now."""
        times = self._process.cpu_times()
        return Snapshot(
            memory_mb=self._process.memory_info().rss / 2**20,
            cpu_seconds=times.user + times.system,
            descriptors=_descriptors(),
            threads={id(thread): thread.name for thread in threading.enumerate()},
            children=self._children(),
            remains=look(self._probes, run_id),
        )

    def compare(self, before: Snapshot, run_id: str, excuse: Excuse) -> ResourceUse:
        """Look again and say what a scenario used and leaked; what is about to end gets a moment to do so.

        What the probes have found is removed.
        """
        deadline = time.monotonic() + _PATIENCE
        after = self.snapshot(run_id)
        leaks = self._leaks(before, after, excuse)
        over = False
        while leaks and not over:
            over = time.monotonic() >= deadline  # there is always a look after the end
            gc.collect()
            self._wait_for_threads(before)
            time.sleep(0.01)
            after = self.snapshot(run_id)
            leaks = self._leaks(before, after, excuse)
        after.remains.beyond(before.remains).remove()
        return ResourceUse(after.memory_mb - before.memory_mb, after.cpu_seconds - before.cpu_seconds, leaks)

    def _leaks(self, before: Snapshot, after: Snapshot, excuse: Excuse) -> list[str]:
        limits = self._limits
        leaks: list[str] = []
        for kind, allowed, old, new in (
            ("file descriptor", limits.descriptors, before.descriptors, after.descriptors),
            ("thread", limits.threads, before.threads, after.threads),
            ("child process", limits.children, before.children, after.children),
        ):
            more = {key: shown for key, shown in new.items() if key not in old}
            if len(more) > allowed:
                shown = ", ".join(f"{text} ({key})" if kind != "thread" else text for key, text in more.items())
                leaks.append(f"{len(more)} {kind}(s) left: {shown}")
        growth = after.memory_mb - before.memory_mb
        if growth > limits.memory_mb:
            leaks.append(f"memory grew by {growth:.0f} MB, more than {limits.memory_mb:.0f}")
        return [*leaks, *after.remains.beyond(before.remains).told(excuse)]

    def _children(self) -> dict[int, str]:
        children: dict[int, str] = {}
        orphans.adopted()  # what came here only to be reaped is nothing that was left
        ours, _ = own_helper() or (0, 0)
        for child in self._process.children(recursive=True):
            if child.pid == ours:
                continue
            with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                zombie = " (zombie)" if child.status() == psutil.STATUS_ZOMBIE else ""
                children[child.pid] = f"{' '.join(child.cmdline()) or child.name()}{zombie}"
        return children

    def _wait_for_threads(self, before: Snapshot) -> None:
        for thread in threading.enumerate():
            if id(thread) not in before.threads and thread is not threading.current_thread():
                thread.join(0.05)


def _descriptors() -> dict[int, str]:
    _, ours = own_helper() or (0, -1)
    return {number: target for number, target in SYSTEM.descriptors().items() if number != ours}
