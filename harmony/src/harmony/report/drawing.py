"""Lines that are drawn anew in place, below what is written on a terminal."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TextIO

from rich.console import Console, ConsoleDimensions, Group
from rich.live import Live
from rich.text import Text


class Drawing:
    """Draws on a terminal.

    Args:
        file: Leads to it.
        lines: Returns what is drawn, for a width and a height.
        coloured: Whether it may have colours.
    """

    def __init__(self, file: TextIO, lines: Callable[[int, int], Sequence[Text]], *, coloured: bool) -> None:
        self._file = file
        self._lines = lines
        self._console = Console(file=file, force_terminal=True, no_color=None if coloured else True, highlight=False)
        self._live = Live(
            get_renderable=self._drawn,
            console=self._console,
            auto_refresh=False,  # whoever draws says when
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
            vertical_overflow="crop",
        )

    def start(self) -> None:
        """Begin."""
        self._measure()
        self._live.start(refresh=True)

    def write(self, text: str, style: str = "") -> None:
        """Write a line above it."""
        self._console.print(Text(text, style), soft_wrap=True)

    def refresh(self) -> None:
        """Draw it anew."""
        self._measure()
        self._live.refresh()

    def stop(self) -> None:
        """Take it away; the cursor is seen again."""
        self._live.stop()

    def _drawn(self) -> Group:
        return Group(*self._lines(self._console.width, self._console.height))

    def _measure(self) -> None:
        # Of the terminal itself: the descriptors of this process may be captured.
        try:
            width, height = os.get_terminal_size(self._file.fileno())
        except OSError:
            width = height = 0
        told = [os.environ.get(name, "") for name in ("COLUMNS", "LINES")]
        width, height = (int(one) if one.isdecimal() else size for one, size in zip(told, (width, height), strict=True))
        self._console.size = ConsoleDimensions(width or 80, height or 24)
