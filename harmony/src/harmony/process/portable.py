"""The portable form: psutil and the standard library, for macOS and other systems with POSIX."""

from __future__ import annotations

import contextlib
import os
import platform
import stat
import subprocess
import threading
import time
from collections.abc import Iterator
from signal import Signals
from typing import Final

import psutil

from harmony.process.descriptors import readable
from harmony.process.system import ChildWatch, Promise, System, Watch

_LONGEST_PAUSE: Final = 0.02
_KINDS: Final = {
    stat.S_IFREG: "file",
    stat.S_IFDIR: "directory",
    stat.S_IFCHR: "device",
    stat.S_IFBLK: "block device",
    stat.S_IFIFO: "pipe",
    stat.S_IFSOCK: "socket",
}


class _PolledWatch(Watch):
    """psutil knows a process by its number and its start; that it has ended is looked for again and again."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        with _errors_of_the_system():
            self._process = psutil.Process(pid)

    def ended(self, timeout: float) -> bool:
        deadline = time.monotonic() + timeout
        pause = 0.001
        while self._lives():
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            time.sleep(min(pause, left))
            pause = min(2 * pause, _LONGEST_PAUSE)
        return True

    def signal(self, number: Signals) -> None:
        with _errors_of_the_system():
            self._process.send_signal(number)

    def close(self) -> None:
        pass

    def _lives(self) -> bool:
        try:
            return self._process.is_running() and self._process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False


class _PortableChild(ChildWatch):
    """A thread waits for the child and reaps it."""

    def __init__(self, child: subprocess.Popen[bytes]) -> None:
        self.pid = child.pid
        self._child = child
        self.descriptor, self._end = os.pipe()
        self._thread = threading.Thread(target=self._await_end, name=f"end of {child.pid}", daemon=True)
        self._thread.start()

    def ended(self, timeout: float) -> bool:
        return readable(self.descriptor, timeout)

    def signal(self, number: Signals) -> None:
        self._child.send_signal(number)

    def status(self) -> int:
        return self._child.wait(1.0)

    def signal_group(self, number: Signals) -> None:
        # Once its leader is reaped, the number of an empty group may be given out again.
        if self._child.returncode is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, number)

    def close(self) -> None:
        self._thread.join(1.0)
        if not self._thread.is_alive():
            os.close(self.descriptor)

    def _await_end(self) -> None:
        self._child.wait()
        # A byte, because a forked process may hold the other end open for longer.
        os.write(self._end, b".")
        os.close(self._end)


class PortableSystem(System):
    """POSIX; docs/systems.md says what holds instead of each promise that it does not give."""

    name = "portable"
    lacks = frozenset(Promise)
    max_socket_path = 103
    """As on macOS, which has the shortest."""

    def processes(self) -> dict[int, float]:
        found = {}
        for pid in psutil.pids():
            with contextlib.suppress(psutil.Error):
                found[pid] = psutil.Process(pid).create_time()
        return found

    def variable(self, pid: int, name: str) -> str | None:
        try:
            process = psutil.Process(pid)
            try:
                environment = process.environ()
            except psutil.AccessDenied:
                # On macOS a process of our own denies it, too, in the middle of exec.
                return None if process.uids().real == os.getuid() else ""
            if environment:
                return environment.get(name, "")
            return None if process.memory_info().rss else ""
        except psutil.Error:
            return ""

    def adopt(self, wanted: bool) -> None:
        """Do nothing: see `Promise.DAEMONS`."""

    def children(self, pid: int) -> list[int]:
        with contextlib.suppress(psutil.Error):
            return [child.pid for child in psutil.Process(pid).children()]
        return []

    def watch(self, pid: int) -> Watch:
        return _PolledWatch(pid)

    def watch_child(self, child: subprocess.Popen[bytes]) -> ChildWatch:
        return _PortableChild(child)

    def stacks(self, pid: int) -> str:
        """State and processor time of the process: hanging and spinning differ."""
        try:
            process = psutil.Process(pid)
            times = process.cpu_times()
            used = f"{times.user + times.system:.2f} s of processor time"
            return f"process {pid} ({process.name()}): {process.status()}, {process.num_threads()} threads, {used}"
        except psutil.Error:
            return ""

    def descriptors(self) -> dict[int, str]:
        paths: dict[int, str] = {}
        with contextlib.suppress(psutil.Error):
            paths = {file.fd: file.path for file in psutil.Process().open_files()}
        found = {}
        for name in os.listdir("/dev/fd"):  # noqa: PTH208 - the names are numbers, not files to work with
            # The descriptor of the list itself is closed by now.
            with contextlib.suppress(OSError):
                kind = _KINDS.get(stat.S_IFMT(os.fstat(int(name)).st_mode), "something else")
                found[int(name)] = paths.get(int(name), kind)
        return found

    def cores(self) -> list[int]:
        return list(range(psutil.cpu_count() or 1))

    def hold(self, pid: int, core: int) -> None:
        """Do nothing: see `Promise.CORES`."""

    def siblings(self, core: int) -> str:
        return str(core)

    def processor(self) -> str:
        return platform.processor() or platform.machine()


@contextlib.contextmanager
def _errors_of_the_system() -> Iterator[None]:
    try:
        yield
    except psutil.NoSuchProcess as error:
        raise ProcessLookupError(str(error)) from error
    except psutil.AccessDenied as error:
        raise PermissionError(str(error)) from error
