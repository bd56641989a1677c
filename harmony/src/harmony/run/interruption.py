"""A run is interrupted once: whatever asks again must not cut short what the first one has it release."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Final

PATIENCE: Final = 0.5
"""Seconds for each thing that is done in order when somebody waits for the end of the run; then it is forced."""


@contextlib.contextmanager
def once() -> Iterator[None]:
    """Let the first ^C do what it does, which asyncio has decided before, and ignore all others.

    Raises:
        KeyboardInterrupt: There was one, and what ran has ended all the same.
    """
    inner = signal.getsignal(signal.SIGINT)
    if not callable(inner) or threading.current_thread() is not threading.main_thread():
        yield
        return

    interrupted = False

    def first(number: int, at: FrameType | None) -> None:
        nonlocal interrupted
        interrupted = True
        ignore()
        inner(number, at)

    signal.signal(signal.SIGINT, first)
    try:
        yield
    finally:
        if signal.getsignal(signal.SIGINT) is first:
            signal.signal(signal.SIGINT, inner)
    if interrupted:
        raise KeyboardInterrupt


def ignore() -> None:
    """Ignore every request to end from now on: one is being followed."""
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
