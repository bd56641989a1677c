"""The driver of mosquitto: Debian's own program, with a configuration that says no more than the contract asks."""

from __future__ import annotations

import getpass
import shutil
from pathlib import Path
from typing import Final

from drivers.program import Program

from harmony.driver_kit import Refused, serve

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


class Verbs:
    """What mosquitto can do."""

    capabilities = ("durable", "qos2", "v5")

    def __init__(self) -> None:
        self._program = Program("mosquitto")

    def close_all(self) -> None:
        """End the broker."""
        self._program.end(5.0)

    def reset(self, *, timeout: float) -> None:
        """End the broker."""
        self._program.end(timeout)

    def serve(self, *, port: int, directory: str, durable: bool, timeout: float) -> None:
        """Start the broker; return when it listens."""
        program = shutil.which("mosquitto", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin:/opt/homebrew/sbin")
        if program is None:
            raise Refused("invalid", "there is no program mosquitto: install it (Debian: apt-get install mosquitto)")
        file = Path(directory) / "mosquitto.conf"
        text = _SAME_FOR_ALL + (_DURABLE if durable else "")
        file.write_text(text.format(port=port, directory=directory, user=getpass.getuser()), "utf-8")
        self._program.start([program, "-c", str(file)], port, timeout)

    def stop(self, *, timeout: float) -> None:
        """Have it save and end, as its manual says of SIGTERM."""
        self._program.end(timeout)


if __name__ == "__main__":
    serve(Verbs(), name="mosquitto", protocol="1.0")
