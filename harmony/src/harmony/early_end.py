"""A ^C or SIGTERM while a command still loads: one line and exit code 2, as there is nothing yet to release.

Loads nothing of harmony, which may be what is being loaded.
"""

from __future__ import annotations

import os
import signal
import threading
from typing import Any

_SAID = b"harmony: broken off\n"
_INTERRUPTED = 2
_USUAL: dict[signal.Signals, Any] = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}


def watch() -> None:
    """Begin, and hear of what has come while another program was becoming this one.

    What means something else already, such as nothing, still does.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    for number, usual in _USUAL.items():
        if signal.getsignal(number) is usual:
            signal.signal(number, _leave)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _USUAL)


def end() -> None:
    """End: from now on ^C interrupts what runs, which says so itself."""
    for number, usual in _USUAL.items():
        if signal.getsignal(number) is _leave:
            signal.signal(number, usual)


def hand_over() -> None:
    """Keep what comes for the program that this one becomes, which must `watch`."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _USUAL)


def _leave(*_: Any) -> None:
    os.write(2, _SAID)
    os._exit(_INTERRUPTED)
