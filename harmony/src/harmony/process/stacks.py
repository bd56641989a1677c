"""Where a process stands that does not answer: by py-spy where it is installed, else by what the kernel tells."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from pathlib import Path

_TIMEOUT = 5.0


def stacks_of(pid: int) -> str:
    """Return the stacks of a process as far as the platform offers them; never raises."""
    return _by_py_spy(pid) or _by_kernel(pid)


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


def _by_kernel(pid: int) -> str:
    """Name, state and waiting place of each thread. The user's stack stays dark, but hanging and spinning differ."""
    lines = []
    with contextlib.suppress(OSError):
        for task in sorted(Path(f"/proc/{pid}/task").iterdir()):
            status = _read(task / "status")
            state = next((line.partition(":")[2].strip() for line in status.splitlines() if line[:6] == "State:"), "?")
            parts = [f"thread {task.name} ({_read(task / 'comm')}): {state}"]
            parts += [
                f"{what} {text}" for what in ("wchan", "syscall") if (text := _read(task / what)) not in {"", "0"}
            ]
            lines.append(", ".join(parts))
            lines += [f"    {line}" for line in _read(task / "stack").splitlines()]
    return "\n".join(lines)


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace").strip()
    except OSError:
        return ""
