"""Live progress of long runs, on a terminal only."""

from __future__ import annotations

import os
import sys
from typing import Final

import pytest
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars
from rich.text import Text

from harmony.pytest_plugin.xdist_worker import is_worker
from harmony.text import visible
from harmony.verdict.events import Event, RunPlanned, StepStarted

_FEATURE: Final = ".feature::"


def wants_progress(config: pytest.Config) -> bool:
    """Whether a person is watching: a terminal, not verbose, no CI, no worker of pytest-xdist."""
    return (
        sys.stdout.isatty()
        and not os.environ.get("CI")
        and not is_worker(config)
        and not config.getoption("--no-progress")
        and (config.option.verbose == 0 or config.getoption("--harmony-run"))
        and config.getoption("capture") != "no"
        and not config.getoption("collectonly")
    )


class Progress:
    """Replaces the dots of scenarios by one line: what runs, how far, how many failed.

    Args:
        steps: Whether to show each step that begins.
        named: Whether to name each scenario that failed.
    """

    def __init__(self, *, steps: bool, named: bool) -> None:
        self._steps = steps
        self._named = named
        # pytest captures the file descriptors while a test runs; the bar writes to a copy of the terminal.
        self._file = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
        self._bars = Bars(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=12),
            MofNCompleteColumn(),
            TextColumn("{task.fields[failed]} failed"),
            TimeElapsedColumn(),
            console=Console(file=self._file, force_terminal=True),
            auto_refresh=False,  # a refreshing thread would look like a leak of the scenario
            transient=True,
        )
        self._task = self._bars.add_task("scenarios", total=None, failed=0)
        self._failed = 0

    def __call__(self, event: Event) -> None:
        """Learn how many cells there are: the controller of pytest-xdist has no items. Show a step that begins."""
        if isinstance(event, RunPlanned):
            self._bars.update(self._task, total=event.cells)
        elif isinstance(event, StepStarted) and self._steps:
            self._show(f"{event.cell.partition('[')[0]} {event.step}")

    def say(self, text: str) -> None:
        """Write a line above the bar."""
        self._bars.console.print(Text(text), highlight=False, soft_wrap=True)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Learn how many there are."""
        if session.items:
            self._bars.update(self._task, total=len(session.items))
        self._bars.start()

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Show what begins."""
        self._show(nodeid.rpartition("::")[2])

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count what has ended; a failure stays on the screen."""
        self._failed += report.failed
        if report.failed and self._named:
            name = report.nodeid.rpartition("::")[2]
            self._bars.console.print(Text.assemble(("FAILED", "red"), f" {visible(name)}"), highlight=False)
        if report.when == "teardown":
            self._bars.update(self._task, advance=1, failed=self._failed)
            self._bars.refresh()

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, str] | None:
        """Print no dot for a scenario that passed: the bar says it."""
        if _FEATURE in report.nodeid and report.passed and report.when == "call":
            return "passed", "", "PASSED"
        return None

    def _show(self, what: str) -> None:
        self._bars.update(self._task, description=visible(what)[: max(20, self._bars.console.width - 45)])
        self._bars.refresh()

    def pytest_sessionfinish(self) -> None:
        """Take the bar away."""
        self._bars.stop()

    def pytest_unconfigure(self) -> None:
        """Give the terminal back."""
        self._file.close()
