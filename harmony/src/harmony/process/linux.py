"""The form for Linux: /proc, pidfd and waitid. No other module of harmony uses what is Linux's own."""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import signal as signals
import subprocess
import sys
from pathlib import Path
from typing import Final

from harmony.process.descriptors import readable
from harmony.process.system import ChildWatch, System, Watch

assert sys.platform == "linux"  # noqa: S101 - type checkers leave out the rest for other systems

_PASSES: Final = 10
_SET_CHILD_SUBREAPER: Final = 36
"""PR_SET_CHILD_SUBREAPER of <sys/prctl.h>."""


class _PidWatch(Watch):
    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.descriptor = os.pidfd_open(pid)

    def ended(self, timeout: float) -> bool:
        return readable(self.descriptor, timeout)

    def signal(self, number: signals.Signals) -> None:
        signals.pidfd_send_signal(self.descriptor, number)

    def close(self) -> None:
        os.close(self.descriptor)


class _LinuxChild(_PidWatch, ChildWatch):
    def __init__(self, child: subprocess.Popen[bytes]) -> None:
        super().__init__(child.pid)
        self._child = child

    def status(self) -> int:
        """Read the exit status without reaping, so that the group's number stays ours."""
        if self._child.returncode is not None:
            return self._child.returncode
        try:
            info = os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG)
        except ChildProcessError:
            # Another thread has reaped it since we looked, and is about to note the status.
            return self._child.wait(1.0)
        if info is None:
            return 0
        return info.si_status if info.si_code == os.CLD_EXITED else -info.si_status

    def signal_group(self, number: signals.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)


class LinuxSystem(System):
    """Linux keeps every promise."""

    name = "linux"
    lacks = frozenset()
    max_socket_path = 107

    def processes(self) -> dict[int, float]:
        found = {}
        for name in os.listdir("/proc"):  # noqa: PTH208 - the names are numbers
            if name.isdigit():
                with contextlib.suppress(OSError):
                    found[int(name)] = os.stat(f"/proc/{name}").st_ctime  # noqa: PTH116 - several hundred times per cell
        return found

    def variable(self, pid: int, name: str) -> str | None:
        try:
            environment = Path(f"/proc/{pid}/environ").read_bytes()
            memory = Path(f"/proc/{pid}/statm").read_bytes()
        except OSError:
            return ""
        if environment:
            prefix = os.fsencode(f"{name}=")
            variables = environment.split(b"\0")
            return next((os.fsdecode(one[len(prefix) :]) for one in variables if one.startswith(prefix)), "")
        # A zombie and a kernel thread have no memory either.
        return "" if memory.startswith(b"0 ") else None

    def adopt(self, wanted: bool) -> None:
        ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, int(wanted), 0, 0, 0)

    def children(self, pid: int) -> list[int]:
        found: list[int] = []
        with contextlib.suppress(OSError):
            for task in os.listdir(f"/proc/{pid}/task"):  # noqa: PTH208 - the names are numbers
                found += map(int, _read(Path(f"/proc/{pid}/task/{task}/children")).split())
        return found

    def watch(self, pid: int) -> Watch:
        return _PidWatch(pid)

    def watch_child(self, child: subprocess.Popen[bytes]) -> ChildWatch:
        return _LinuxChild(child)

    def stacks(self, pid: int) -> str:
        """State and waiting place of each thread: the user's stack stays dark, but hanging and spinning differ."""
        lines = []
        with contextlib.suppress(OSError):
            for task in sorted(Path(f"/proc/{pid}/task").iterdir()):
                status = _read(task / "status").splitlines()
                state = next((line.partition(":")[2].strip() for line in status if line[:6] == "State:"), "?")
                parts = [f"thread {task.name} ({_read(task / 'comm')}): {state}"]
                parts += [
                    f"{what} {text}" for what in ("wchan", "syscall") if (text := _read(task / what)) not in {"", "0"}
                ]
                lines.append(", ".join(parts))
                lines += [f"    {line}" for line in _read(task / "stack").splitlines()]
        return "\n".join(lines)

    def descriptors(self) -> dict[int, str]:
        found = {}
        for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 - the names are numbers, not files to work with
            with contextlib.suppress(OSError):
                found[int(name)] = os.readlink(f"/proc/self/fd/{name}")  # noqa: PTH115 - a name, not a path
        looking = f"/proc/{os.getpid()}/fd"
        return {number: target for number, target in found.items() if not target.startswith(looking)}

    def cores(self) -> list[int]:
        return sorted(os.sched_getaffinity(0))

    def hold(self, pid: int, core: int) -> None:
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
                    os.sched_setaffinity(int(thread), {core})
            held |= threads

    def siblings(self, core: int) -> str:
        return _read(Path(f"/sys/devices/system/cpu/cpu{core}/topology/thread_siblings_list")) or str(core)

    def processor(self) -> str:
        lines = _read(Path("/proc/cpuinfo")).splitlines()
        models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
        return next(models, platform.machine())


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace").strip()
    except OSError:
        return ""
