"""Descriptors to wait for, wherever POSIX is."""

from __future__ import annotations

import os
import select
import time


def readable(descriptor: int, timeout: float) -> bool:
    """Return whether there is something to read, or the end, within the time."""
    poller = select.poll()
    poller.register(descriptor, select.POLLIN)
    deadline = time.monotonic() + timeout
    while True:
        if poller.poll(max(0.0, deadline - time.monotonic()) * 1000):
            return True
        if time.monotonic() >= deadline:
            return False


def nonblocking_pipe() -> tuple[int, int]:
    """Return both ends of a pipe that never blocks and that no program inherits."""
    ends = os.pipe()
    for end in ends:
        os.set_blocking(end, False)
    return ends
