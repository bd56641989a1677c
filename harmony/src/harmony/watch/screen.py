"""What a person sees of a watch: a table that is redrawn in place, or lines where there is no terminal."""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Callable
from typing import Final, Protocol, Self

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from harmony.text import visible
from harmony.verdict.verdicts import MEANINGS
from harmony.watch.board import Board, Row

_AROUND: Final = 6
"""Lines of the screen that are no rows: head, what is left out, the state, and what keeps the last line free."""


class Screen(Protocol):
    """Shows a board."""

    def __enter__(self) -> Self:
        """Begin."""

    def __exit__(self, *_: object) -> None:
        """End."""

    def state(self, text: str) -> None:
        """Say what goes on."""

    def ended(self, row: Row) -> None:
        """Show that a cell has ended."""

    def trouble(self, text: str) -> None:
        """Show why nothing could run; nothing, if it could."""

    def changed(self) -> None:
        """Show how the board is now."""


class Lines:
    """Writes a line for what happens.

    Args:
        say: Takes each line.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(self, *_: object) -> None:
        """End."""

    def state(self, text: str) -> None:
        """Say what goes on."""
        self._say(text)

    def ended(self, row: Row) -> None:
        """Say what is red, and what is not what it was."""
        if row.changed or row.red:
            verdict = row.verdict or ""
            self._say(f"{row.clock} {verdict:<9} {row.title} [{row.pairing}]{f': {row.cause}' if row.red else ''}")

    def trouble(self, text: str) -> None:
        """Say why nothing could run."""
        if text:
            self._say(text)

    def changed(self) -> None:
        """Say nothing: each end was a line."""


class Panel:
    """Keeps a table on a terminal up to date."""

    def __init__(self, board: Board, console: Console | None = None) -> None:
        self._board = board
        self._console = console or Console()
        self._state = ""
        self._trouble: list[str] = []
        self._live = Live(get_renderable=self.render, console=self._console, auto_refresh=True, refresh_per_second=8)

    def __enter__(self) -> Self:
        """Begin."""
        self._live.start(refresh=True)
        return self

    def __exit__(self, *_: object) -> None:
        """End; the last table stays."""
        self._live.stop()

    def state(self, text: str) -> None:
        """Say what goes on, below the table."""
        self._state = text

    def ended(self, row: Row) -> None:
        """Leave it to the table."""

    def trouble(self, text: str) -> None:
        """Show it below the table, until something runs again."""
        self._trouble = text.splitlines()

    def changed(self) -> None:
        """Draw it anew."""
        self._live.refresh()

    def render(self) -> Group:
        """Return what is on the screen: as many rows as have room, the most urgent ones first."""
        width, room = self._console.width, max(3, self._console.height - _AROUND)
        wrapped = (part for line in self._trouble for part in textwrap.wrap(visible(line), width) or [""])
        trouble = [Text(line) for line in itertools.islice(wrapped, room // 2)]
        room -= len(trouble)
        rows = self._board.rows()
        table = Table(box=None, expand=True, padding=(0, 1, 0, 0), show_edge=False)
        table.add_column("cell", ratio=1, no_wrap=True, overflow="ellipsis")
        table.add_column("with", no_wrap=True, overflow="ellipsis", max_width=width // 3)
        table.add_column("verdict", no_wrap=True, min_width=9)
        table.add_column("since", no_wrap=True, min_width=8)
        shown = 0
        for row in rows:
            lines = 2 if row.red and row.cause else 1
            if room < lines:
                break
            room -= lines
            shown += 1
            self._add(table, row)
        left = len(rows) - shown
        more = Text(f"… and {left} more" if left else "", style="dim")
        return Group(table, more, *trouble, Text(visible(self._state), style="bold"))

    def _add(self, table: Table, row: Row) -> None:
        verdict = Text("") if row.verdict is None else Text(row.verdict, MEANINGS[row.verdict].style)
        if row.running:
            verdict = Text("runs", "cyan")
        table.add_row(Text(visible(row.title)), Text(row.pairing), verdict, Text(row.clock, "dim"))
        if row.red and row.cause:
            table.add_row(Text(f"  {visible(row.cause)}", "red"))
