"""A run that is asked to end (SIGTERM) ends as on Ctrl-C: what scenarios and tests hold is released."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from typing import Any

import pytest


@pytest.hookimpl(wrapper=True)
def pytest_runtestloop() -> Iterator[None]:
    """Let SIGTERM interrupt the tests, and give it back its meaning after them."""
    if threading.current_thread() is not threading.main_thread():
        return (yield)  # no other thread may say what a signal does
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        return (yield)
    finally:
        signal.signal(signal.SIGTERM, before)


def _interrupt(*_: Any) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # once is enough: the release must not be cut short
    if callable(signal.getsignal(signal.SIGINT)):
        signal.raise_signal(signal.SIGINT)  # asyncio ends its tasks in order on this one
    else:
        raise KeyboardInterrupt
