"""Where a process stands that does not answer: by py-spy where it is installed, else by what the system tells."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable
from typing import Any

from harmony.process.this_system import SYSTEM

_TIMEOUT = 5.0


def stacks_of(pid: int) -> str:
    """Return the stacks of a process as far as the platform offers them; never raises."""
    return _by_py_spy(pid) or SYSTEM.stacks(pid)


def scene_of(stack: str, begun: Iterable[tuple[float, str]]) -> dict[str, Any]:
    """Return what is told of who hangs: `stack`, `verb`, which is under way the longest, and `since`, its beginning.

    Args:
        stack: Where it stands; nothing is told of who does not say.
        begun: By the monotonic clock, when what began.
    """
    since, verb = min(begun, default=(0.0, ""))
    longest = {"since": since, "verb": verb} if verb else {}
    return {"stack": stack, **longest} if stack else {}


def _by_py_spy(pid: int) -> str:
    program = shutil.which("py-spy")
    if program is None:
        return ""
    try:
        done = subprocess.run(
            [program, "dump", "--pid", str(pid)], capture_output=True, text=True, timeout=_TIMEOUT, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
