"""What a worker reads from and writes to: its standard streams, or a connection."""

from __future__ import annotations

import io
import os
import select
import socket
import sys
from typing import Protocol

_CHUNK = 64 * 1024


class Wire(Protocol):
    """Two directions of bytes."""

    def read(self) -> bytes:
        """Return some bytes; none at the end."""

    def write(self, data: bytes) -> None:
        """Write all of the bytes."""

    def fileno(self) -> int:
        """Return the descriptor that is read."""

    def hung_up(self) -> bool:
        """Return whether the peer has closed its end, even while unread bytes remain."""


class StandardStreams:
    """Takes stdin and stdout away from everyone else in this process.

    From here on descriptor 1 is stderr and descriptor 0 is empty, so that neither a step nor a child of a step can
    write into the protocol or read from it. To be made before any code of a project is imported.

    Attributes:
        parent: The process that started this one.
    """

    def __init__(self) -> None:
        self.parent = os.getppid()
        sys.stdout.flush()
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(line_buffering=True)
        self._in, self._out = os.dup(0), os.dup(1)
        os.dup2(2, 1)
        empty = os.open(os.devnull, os.O_RDONLY)
        os.dup2(empty, 0)
        os.close(empty)

    def read(self) -> bytes:
        """Return some bytes; none at the end."""
        return os.read(self._in, _CHUNK)

    def write(self, data: bytes) -> None:
        """Write all of the bytes."""
        view = memoryview(data)
        while view:
            view = view[os.write(self._out, view) :]

    def fileno(self) -> int:
        """Return the descriptor that is read."""
        return self._in

    def hung_up(self) -> bool:
        """Return whether the peer has closed its end."""
        return _hung_up(self._in)


class SocketWire:
    """One connection."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def read(self) -> bytes:
        """Return some bytes; none at the end."""
        return self._connection.recv(_CHUNK)

    def write(self, data: bytes) -> None:
        """Write all of the bytes."""
        self._connection.sendall(data)

    def fileno(self) -> int:
        """Return the descriptor that is read."""
        return self._connection.fileno()

    def hung_up(self) -> bool:
        """Return whether the peer has closed its end."""
        return _hung_up(self._connection.fileno())


def _hung_up(descriptor: int) -> bool:
    poller = select.poll()
    poller.register(descriptor, select.POLLIN)
    return any(events & select.POLLHUP for _, events in poller.poll(0))
