"""A ^C while a command still loads what it needs: one line and exit code 2, as there is nothing yet to release.

Loads nothing of harmony, which may be what is being loaded.
"""

from __future__ import annotations

import os
import signal
import threading
from typing import Any

_SAID = b"harmony: broken off\n"
_INTERRUPTED = 2


def watch() -> None:
    """Begin, and hear of a ^C that has come while another program was becoming this one.

    Where ^C means something else already, such as nothing, it still does.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _leave)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def end() -> None:
    """End: from now on ^C interrupts what runs, which says so itself."""
    if signal.getsignal(signal.SIGINT) is _leave:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def hand_over() -> None:
    """Keep a ^C for the program that this one becomes, which must `watch`."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})


def _leave(*_: Any) -> None:
    os.write(2, _SAID)
    os._exit(_INTERRUPTED)
