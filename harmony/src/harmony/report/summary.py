"""What a terminal shows at the end of a run, when it is asked."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Final, Protocol

from rich.console import Console

from harmony.report import squares
from harmony.report.causes import headline, lines
from harmony.report.collected import Collected
from harmony.report.results import mild_lines
from harmony.report.terminal import Grid, blocks, grid_lines, is_matrix, tables, totals
from harmony.verdict.blame import Blame, blame
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
        whole: Whether to show a row for each scenario, also where all of it passed.
        reports: Of how many causes to show the whole report of a cell.
    """

    def __init__(self, *, always: bool, whole: bool, reports: int = 0) -> None:
        super().__init__()
        self._always = always
        self._whole = whole
        self._reports = reports

    @cached_property
    def _blames(self) -> list[Blame]:
        """Who and what made cells red, once all have told."""
        return blame(self._results)

    def begin(self, terminal: Terminal) -> None:
        """Write why the run is red, before all else."""
        if self._blames:
            terminal.section("causes")
        for text in lines(self._blames):
            terminal.write_line(text, red=not text.startswith(" "))
        causes = [cause for one in self._blames for cause in one.causes if cause.first.report]
        for cause in causes[: self._reports]:
            terminal.section(cause.first.cell)
            for text in cause.first.report.splitlines():
                terminal.write_line(text, red=text.startswith(">"))

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
        grid = Grid.of(results) if self._whole else Grid.of(results).without_green()
        overview = squares.squares(results) if is_matrix(results) else []
        if terminal.isatty:
            console = Console(width=width, force_terminal=terminal.hasmarkup)
            with console.capture() as captured:
                for table in (*squares.tables(overview), *tables(grid, console.width)):
                    console.print(table)
                    console.print()
            terminal.write(captured.get(), flush=True)
        else:
            rows = blocks(squares.lines_of(overview), grid_lines(grid))
            for text in (*rows, "") if rows else ():
                terminal.write_line(text)
        terminal.write_line(totals(results))
        for one in self._blames[:1]:
            terminal.write_line(headline(one), red=True)
        for late in (result for result in results if result.late and result.error):
            terminal.write_line(f"{late.cell}: {late.verdict.value}: {late.error}", red=is_red(late.verdict))
        platforms = {name for result in results for name in result.pairing.values()}
        for text in support_lines(SupportTable.of(self._supports, platforms)):
            terminal.write_line(text)
        for text in unclaimed([result.note for result in results]):
            terminal.write_line(text)
        for text in mild_lines(results):
            terminal.write_line(text, yellow=True)
        for who in self._implementations:
            terminal.write_line(f"{who.platform}: {who}")
        for name, reason in sorted(self._unavailable.items()):
            terminal.write_line(f"not available: {name}: {reason}")
