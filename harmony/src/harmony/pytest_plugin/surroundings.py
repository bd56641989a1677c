"""Where a run takes place: the machine, and the commit of the project."""

from __future__ import annotations

import os
import platform
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from harmony.process.this_system import SYSTEM
from harmony.text import several

_DEADLINE: Final = 5.0


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a reader must know to compare two runs.

    Attributes:
        machine: Processor, cores and system.
        commit: What git calls the state of the project; nothing where git or a repository is missing.
    """

    machine: str
    commit: str

    @classmethod
    def of(cls, home: Path) -> Surroundings:
        """Look at this machine, and at the repository that a project lies in."""
        cores = len(SYSTEM.cores())
        system = f"{platform.system()} {platform.release()}"
        return cls(f"{SYSTEM.processor()}, {several(cores, 'core')}, {system}", _commit(home))


def _commit(home: Path) -> str:
    words = ["git", "describe", "--always", "--dirty", "--exclude=*", "--abbrev=12"]
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0"}
    try:
        done = subprocess.run(
            words, cwd=home, env=environment, capture_output=True, timeout=_DEADLINE, check=False, errors="replace"
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
