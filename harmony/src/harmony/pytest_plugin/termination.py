"""A run that is asked to end, by ^C or SIGTERM, ends at once, and releases what scenarios and tests hold.

Asked again, it goes on with that.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from harmony.run.interruption import ignore


class Termination:
    """What signals mean while tests run.

    Args:
        config: Of the session.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._brief = not config.getoption("fulltrace")
        self._workers: list[int] = []
        self._before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Remember a worker of pytest-xdist on this machine."""
        if node.gateway.spec.popen:
            self._workers.append(node.gateway._rinfo().pid)  # noqa: SLF001 - pytest-xdist has asked for it already

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self) -> Iterator[None]:
        """Let SIGTERM interrupt the tests, and give it back its meaning after them."""
        if threading.current_thread() is not threading.main_thread():
            return (yield)  # no other thread may say what a signal does
        signal.signal(signal.SIGTERM, _interrupt)
        try:
            return (yield)
        except KeyboardInterrupt:
            ignore()
            raise
        finally:
            if signal.getsignal(signal.SIGTERM) is _interrupt:
                signal.signal(signal.SIGTERM, self._before[signal.SIGTERM])

    @pytest.hookimpl(tryfirst=True)
    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Ask the workers, too: not every signal reaches them, and execnet waits for five seconds before it asks."""
        if excinfo.type is not KeyboardInterrupt:
            return  # pytest-xdist stops after a failure: its workers have ended
        ignore()
        for pid in self._workers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        if self._brief:
            # pytest reads the source of the whole way, which takes seconds on a busy machine, and shows the end of it.
            excinfo.traceback = excinfo.traceback[-1:]
            excinfo.value.__suppress_context__ = True

    @pytest.hookimpl
    def pytest_unconfigure(self) -> None:
        """Give the signals back their meaning."""
        if threading.current_thread() is threading.main_thread():
            for number, meaning in self._before.items():
                if signal.getsignal(number) is signal.SIG_IGN:
                    signal.signal(number, meaning)


def _interrupt(*_: Any) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if callable(signal.getsignal(signal.SIGINT)):
        signal.raise_signal(signal.SIGINT)  # asyncio ends its tasks in order on this one
    else:
        raise KeyboardInterrupt
