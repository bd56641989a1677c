"""A broker that is a program of its own: started with a configuration, waited for until it listens, ended in order."""

from __future__ import annotations

import ctypes
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from harmony.driver_kit import Refused

_SET_DEATH_SIGNAL: Final = 1
_PAUSE: Final = 0.01
_libc: Final = ctypes.CDLL(None)


def _die_with_parent() -> None:
    """Have the kernel kill the broker when this process ends, however it does."""
    _libc.prctl(_SET_DEATH_SIGNAL, signal.SIGKILL)


def _start(command: Sequence[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        preexec_fn=_die_with_parent,  # noqa: PLW1509 - it calls the kernel and nothing else
    )


class Program:
    """One broker.

    Args:
        name: What it is called in an error.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._process: subprocess.Popen[bytes] | None = None
        # The kernel takes the end of the thread that starts a process for that of its parent: this one lives on.
        self._starter = ThreadPoolExecutor(1)

    def start(self, command: Sequence[str], port: int, timeout: float) -> None:
        """Start it; return when it listens."""
        process = self._process = self._starter.submit(_start, command).result(timeout)
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            if process.poll() is not None:
                raise Refused("invalid", f"{self._name} ended with code {process.returncode}; its words are on stderr")
            try:
                socket.create_connection(("127.0.0.1", port), _PAUSE).close()
            except OSError:
                time.sleep(_PAUSE)
            else:
                return
        raise Refused("lost", f"{self._name} does not listen on port {port} after {timeout:g} s")

    def end(self, timeout: float) -> None:
        """Have it end in order, or kill it."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(5.0)
