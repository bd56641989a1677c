"""What a process holds of the system's things."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True)
class Remains:
    """A look at everything that a careless test could leave."""

    shared_memory: frozenset[str]
    locks: frozenset[str]
    descriptors: tuple[str, ...]
    mappings: tuple[str, ...]
    threads: frozenset[str]
    children: frozenset[int]

    @classmethod
    def now(cls, lock_directory: Path) -> Remains:
        """Look."""
        own = f"t{os.getpid()}-"  # names of this worker's tests; other workers run beside it
        return cls(
            shared_memory=frozenset(path.name for path in Path("/dev/shm").iterdir() if own in path.name),
            locks=frozenset(path.name for path in lock_directory.iterdir()),
            descriptors=tuple(sorted(_descriptors())),
            mappings=tuple(sorted(_mappings())),
            threads=frozenset(thread.name for thread in threading.enumerate()),
            children=frozenset(child.pid for child in psutil.Process().children()),
        )

    def check(self, after: Remains, threads: Iterable[threading.Thread]) -> None:
        """Fail with a list of what was not there before."""
        del threads
        left = {
            field: sorted(set(getattr(after, field)) - set(getattr(self, field)))
            for field in ("shared_memory", "locks", "mappings", "threads", "children")
        }
        extra = len(after.descriptors) - len(self.descriptors)
        if extra > 0:
            left["descriptors"] = sorted(set(after.descriptors) - set(self.descriptors)) or [f"{extra} more"]
        left = {field: items for field, items in left.items() if items}
        assert not left, f"left behind: {left}"


def _descriptors() -> list[str]:
    found = []
    for entry in list(Path("/proc/self/fd").iterdir()):
        try:
            target = str(entry.readlink())
        except OSError:
            continue
        if "/proc/" not in target:
            found.append(f"{entry.name} -> {target}")
    return found


def _mappings() -> list[str]:
    lines = Path("/proc/self/maps").read_text().splitlines()
    return [line.split()[-1] for line in lines if f"/dev/shm/t{os.getpid()}-" in line or "/dev/shm/sem." in line]
