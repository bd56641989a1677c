"""What a terminal shows at the end of a run, when it is asked."""

from __future__ import annotations

from typing import Any, Final, Protocol

from rich.console import Console

from harmony.report.collected import Collected
from harmony.report.terminal import Grid, grid_lines, is_matrix, tables, totals
from harmony.verdict.support import SupportTable, support_lines, unclaimed
from harmony.verdict.tally import combined
from harmony.verdict.verdicts import is_red

_MOST_ALARMS: Final = 20


class Terminal(Protocol):
    """What is written to, such as pytest's own terminal reporter."""

    isatty: bool
    hasmarkup: bool

    def section(self, title: str) -> None:
        """Begin a section."""

    def write(self, content: str, *, flush: bool = False) -> None:
        """Write text."""

    def write_line(self, line: str, **markup: Any) -> None:
        """Write a line."""


class Summary(Collected):
    """Shows what it has collected.

    Args:
        always: Whether to show the matrix although every role ran in one process.
    """

    def __init__(self, *, always: bool) -> None:
        super().__init__()
        self._always = always

    def show(self, terminal: Terminal, width: int) -> None:
        """Write the matrix, if there is one, and what is wrong with the expectations."""
        if self._results and (self._always or is_matrix(self._results)):
            terminal.section("matrix")
            self._show_matrix(terminal, width)
        self._show_alarms(terminal)
        for problem in self._end.problems if self._end else ():
            terminal.write_line(problem, red=True)

    def _show_alarms(self, terminal: Terminal) -> None:
        """Write what is alarming in cells that are not red for it; a red one has told it."""
        alarms = [(one, alarm) for one in combined(self._results) if not is_red(one.verdict) for alarm in one.alarms]
        for one, alarm in alarms[:_MOST_ALARMS]:
            terminal.write_line(f"{one.cell}: {one.verdict.value}, but on stderr: {alarm}", yellow=True)
        if len(alarms) > _MOST_ALARMS:
            terminal.write_line(f"{len(alarms) - _MOST_ALARMS} more alarms on stderr: see the page or the events")

    def _show_matrix(self, terminal: Terminal, width: int) -> None:
        results = combined(self._results)
        grid = Grid.of(results)
        if terminal.isatty:
            console = Console(width=width, force_terminal=terminal.hasmarkup)
            with console.capture() as captured:
                for table in tables(grid, console.width):
                    console.print(table)
            terminal.write(captured.get(), flush=True)
        else:
            for text in grid_lines(grid):
                terminal.write_line(text)
        terminal.write_line("")
        terminal.write_line(totals(results))
        for late in (result for result in results if result.late and result.error):
            terminal.write_line(f"{late.cell}: {late.verdict.value}: {late.error}", red=is_red(late.verdict))
        platforms = {name for result in results for name in result.pairing.values()}
        for text in support_lines(SupportTable.of(self._supports, platforms)):
            terminal.write_line(text)
        for text in unclaimed([result.note for result in results]):
            terminal.write_line(text)
        for name, reason in sorted(self._unavailable.items()):
            terminal.write_line(f"not available: {name}: {reason}")
