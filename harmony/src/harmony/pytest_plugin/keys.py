"""Keys that a person presses while something runs, one at a time; the terminal is given back as it was."""

from __future__ import annotations

import contextlib
import os
import select
import termios
import tty
from typing import Any, Final

_LFLAG: Final = 3
"""Where in the mode of a terminal it stands whether it gives whole lines only."""


class Keys:
    """Reads keys of a terminal, from the first time it is asked until it is closed.

    A run in the background reads nothing and changes nothing: the terminal is somebody else's then.

    Args:
        terminal: Its path; nothing where there is none, and no key ever comes.
    """

    def __init__(self, terminal: str) -> None:
        self._terminal = terminal
        self._descriptor: int | None = None
        self._before: list[Any] | None = None

    @property
    def are_read(self) -> bool:
        """Whether a key that is pressed is heard."""
        return self._before is not None

    def pressed(self) -> str:
        """Return the keys that have been pressed since this was asked last."""
        try:
            if self._descriptor is None and self._terminal:
                self._descriptor = os.open(self._terminal, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
            if self._descriptor is None or not self._is_ours(self._descriptor):
                return ""
            mode = termios.tcgetattr(self._descriptor)
            if mode[_LFLAG] & termios.ICANON:  # at first, and when the run has been stopped and goes on
                self._before = self._before or mode
                tty.setcbreak(self._descriptor, termios.TCSANOW)
            if select.select([self._descriptor], [], [], 0)[0]:
                return os.read(self._descriptor, 64).decode("ascii", "replace")
        except (OSError, termios.error):
            self._terminal = ""
            self.close()
        return ""

    def close(self) -> None:
        """Give the terminal back."""
        descriptor, self._descriptor = self._descriptor, None
        before, self._before = self._before, None
        if descriptor is None:
            return
        with contextlib.suppress(OSError, termios.error):
            if before is not None and self._is_ours(descriptor):
                termios.tcsetattr(descriptor, termios.TCSANOW, before)
        with contextlib.suppress(OSError):
            os.close(descriptor)

    @staticmethod
    def _is_ours(descriptor: int) -> bool:
        return os.tcgetpgrp(descriptor) == os.getpgrp()
