"""The driver of rumqttd: a program that is the library and no more, with the limits that its own configuration has."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from drivers.program import Program

from harmony.driver_kit import Refused, serve

_PROGRAM: Final = Path(__file__).parent / "target" / "debug" / "broker"
_CONFIGURATION: Final = """\
id = 0

[router]
id = 0
max_connections = 10010
max_outgoing_packet_count = 200
max_segment_size = 104857600
max_segment_count = 10

[v4.1]
name = "v4-1"
listen = "127.0.0.1:{port}"
next_connection_delay_ms = 1

[v4.1.connections]
connection_timeout_ms = 60000
max_payload_size = 20480
max_inflight_count = 100
dynamic_filters = true
"""


class Verbs:
    """What rumqttd can do. It listens for each version at a port of its own: here for 3.1.1."""

    capabilities = ("qos2",)

    def __init__(self) -> None:
        self._program = Program("rumqttd")

    def close_all(self) -> None:
        """End the broker."""
        self._program.end(5.0)

    def reset(self, *, timeout: float) -> None:
        """End the broker."""
        self._program.end(timeout)

    def serve(self, *, port: int, directory: str, durable: bool, timeout: float) -> None:
        """Start the broker; return when it listens."""
        if durable:
            raise Refused("invalid", "rumqttd has no store: its sessions and its messages are in memory")
        file = Path(directory) / "rumqttd.toml"
        file.write_text(_CONFIGURATION.format(port=port), "utf-8")
        self._program.start([str(_PROGRAM), str(file)], port, timeout)

    def stop(self, *, timeout: float) -> None:
        """End it: it has no order of its own to do so."""
        self._program.end(timeout)


if __name__ == "__main__":
    serve(Verbs(), name="rumqttd", protocol="1.0")
