"""Where a role connects on its way to another one: a port of this machine's loopback."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable
from typing import Final

from harmony.network.trace import NetworkError
from harmony.process import ports

HOST: Final = "127.0.0.1"
_BACKLOG: Final = 128


class Door:
    """Listens on a port that stays the same, whether it is open or shut.

    Args:
        owner: Whose port it is.
        entered: Takes each connection.

    Raises:
        NoPortError: None is free.
    """

    def __init__(self, owner: str, entered: Callable[[socket.socket], None]) -> None:
        self._port = ports.hold(owner)
        self._entered = entered
        self._socket: socket.socket | None = None

    @property
    def port(self) -> int:
        """Its number."""
        return self._port.number

    def open(self) -> None:
        """Listen.

        Raises:
            NetworkError: Somebody else does.
        """
        if self._socket is not None:
            return
        here = socket.socket(socket.AF_INET)
        try:
            here.setblocking(False)
            here.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            here.bind((HOST, self.port))
            here.listen(_BACKLOG)
        except OSError as error:
            here.close()
            raise NetworkError(
                f"the harness cannot listen on {HOST}:{self.port}: {error.strerror or error}",
                hint="end what listens there, or run again: the next run takes another port",
            ) from error
        self._socket = here
        asyncio.get_running_loop().add_reader(here, self._accept, here)

    def shut(self) -> None:
        """Have connections refused."""
        here, self._socket = self._socket, None
        if here is not None:
            asyncio.get_running_loop().remove_reader(here)
            here.close()

    def close(self) -> None:
        """Shut it, and give the port back."""
        self.shut()
        self._port.give_back()

    def _accept(self, here: socket.socket) -> None:
        with contextlib.suppress(BlockingIOError, ConnectionError):  # who came was gone before
            entered, _ = here.accept()
            entered.setblocking(False)
            self._entered(entered)
