"""How cells end, for all workers of pytest-xdist: the controller says it to each, on whatever machine it is.

So all of them stop the same platforms, and lose patience with the same ones. It goes the way of pytest-xdist's own
commands, of which a worker ignores those that it does not know.
"""

from __future__ import annotations

import contextlib
import queue
from typing import Any, Final

import pytest

from harmony.verdict.events import CellFinished, Event, Subscriber, decode_event, encode_event

_COMMAND: Final = "harmony_end"


class Feed:
    """Says how cells end to the workers that it knows."""

    def __init__(self) -> None:
        self._nodes: list[Any] = []

    def add(self, node: Any) -> None:
        """Know a worker from now on."""
        self._nodes.append(node)

    def __call__(self, event: Event) -> None:
        """Say it, if it is the end of a cell."""
        if not isinstance(event, CellFinished):
            return
        line = encode_event(event.model_copy(update={"report": ""}))
        for node in self._nodes:
            with contextlib.suppress(OSError):  # that worker has ended
                node.sendcommand(_COMMAND, line=line)


class Follower:
    """Passes on what other workers have seen.

    Args:
        hear: Hears it; what this worker has seen itself comes again.
    """

    def __init__(self, hear: Subscriber) -> None:
        self._hear = hear
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()

    def follow(self, config: pytest.Config) -> None:
        """Listen to the controller of a worker, before pytest-xdist does."""
        for plugin in config.pluginmanager.get_plugins():
            if hasattr(plugin, "handle_command"):
                plugin.handle_command = self._listener(plugin.handle_command)

    def catch_up(self) -> None:
        """Pass on what has been said since."""
        with contextlib.suppress(queue.Empty):
            while True:
                self._hear(decode_event(self._lines.get_nowait()))

    def _listener(self, otherwise: Any) -> Any:
        def handle(command: Any) -> None:
            if isinstance(command, tuple) and command[0] == _COMMAND:
                self._lines.put(command[1]["line"])
            else:
                otherwise(command)

        return handle
