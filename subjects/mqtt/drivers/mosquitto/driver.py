"""The driver of mosquitto: Debian's own program, with a configuration that says no more than the contract asks."""

from __future__ import annotations

import ctypes
import getpass
import shutil
import signal
import socket
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from harmony.driver_kit import Refused, serve

_SET_DEATH_SIGNAL: Final = 1
_PAUSE: Final = 0.01
_SAME_FOR_ALL: Final = """\
listener {port} 127.0.0.1
allow_anonymous true
log_dest stderr
user {user}
"""
# It keeps what has changed after each change, so that one that is killed has it.
_DURABLE: Final = """\
persistence true
persistence_location {directory}/
autosave_on_changes true
autosave_interval 1
"""
_libc: Final = ctypes.CDLL(None)


def _die_with_parent() -> None:
    """Have the kernel kill the broker when this process ends, however it does."""
    _libc.prctl(_SET_DEATH_SIGNAL, signal.SIGKILL)


def _start(program: str, file: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [program, "-c", str(file)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        preexec_fn=_die_with_parent,  # noqa: PLW1509 - it calls the kernel and nothing else
    )


class Verbs:
    """What mosquitto can do."""

    capabilities = ("durable", "qos2", "v5")

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        # The kernel takes the end of the thread that starts a process for that of its parent: this one lives on.
        self._starter = ThreadPoolExecutor(1)

    def close_all(self) -> None:
        """End the broker."""
        self._end(5.0)

    def serve(self, *, port: int, directory: str, durable: bool, timeout: float) -> None:
        """Start the broker; return when it listens."""
        program = shutil.which("mosquitto", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin:/opt/homebrew/sbin")
        if program is None:
            raise Refused("invalid", "there is no program mosquitto: install it (Debian: apt-get install mosquitto)")
        file = Path(directory) / "mosquitto.conf"
        text = _SAME_FOR_ALL + (_DURABLE if durable else "")
        file.write_text(text.format(port=port, directory=directory, user=getpass.getuser()), "utf-8")
        self._process = self._starter.submit(_start, program, file).result(timeout)
        self._wait_until_it_listens(self._process, port, timeout)

    def stop(self, *, timeout: float) -> None:
        """Have it save and end, as its manual says of SIGTERM."""
        self._end(timeout)

    def _wait_until_it_listens(self, process: subprocess.Popen[bytes], port: int, timeout: float) -> None:
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            if process.poll() is not None:
                raise Refused("invalid", f"mosquitto ended with code {process.returncode}; its words are on stderr")
            try:
                socket.create_connection(("127.0.0.1", port), _PAUSE).close()
            except OSError:
                time.sleep(_PAUSE)
            else:
                return
        raise Refused("lost", f"mosquitto does not listen on port {port} after {timeout:g} s")

    def _end(self, timeout: float) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(5.0)


if __name__ == "__main__":
    serve(Verbs(), name="mosquitto", protocol="1.0")
