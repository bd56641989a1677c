"""What a person sees of a run: lines for what happens, and below them on a terminal how far it is.

``harmony run`` has nothing else; plain pytest has the drawing in place of its letters.
"""

from __future__ import annotations

import os
import secrets
import sys
import time
from typing import Final

import pytest

from harmony.project_file import find_project_file
from harmony.pytest_plugin.reporting import reporting_of
from harmony.pytest_plugin.request import project_run
from harmony.pytest_plugin.screen import Screen
from harmony.pytest_plugin.xdist_worker import is_worker
from harmony.report.github import LogFolds
from harmony.report.narration import Line, Narration
from harmony.report.under_way import UnderWay
from harmony.verdict.events import Event, RunPlanned

_FEATURE: Final = ".feature::"
_DUMB: Final = {"", "dumb", "unknown"}


def is_drawn(config: pytest.Config) -> bool:
    """Whether a person is watching: a terminal that can be drawn on, not verbose, no CI, no worker of pytest-xdist."""
    return (
        sys.stdout.isatty()
        and os.environ.get("TERM", "").lower() not in _DUMB
        and not os.environ.get("CI")
        and not is_worker(config)
        and not config.getoption("--no-progress")
        and (config.option.verbose == 0 or config.getoption("--harmony-run"))
        and config.getoption("capture") != "no"
        and not config.getoption("collectonly")
    )


def begin(config: pytest.Config, *, alone: bool) -> None:
    """Have a run told on the terminal; ``alone`` where nobody else writes there."""
    run = project_run(config)
    if run is None:
        return
    here = config.invocation_params.dir
    outside = find_project_file(here) != run.project.file
    workflow = alone and os.environ.get("GITHUB_ACTIONS") == "true"
    folds = LogFolds(secrets.token_hex()) if workflow else None
    reporting = reporting_of(config)
    drawn = is_drawn(config)
    under_way = UnderWay(reporting.past)
    narration = Narration(
        under_way,
        name=(run.project.suite or os.path.relpath(run.project.root, here)) if outside else "",
        begins=alone,
        steps=config.getoption("--show-steps"),
        mixed=bool(config.getoption("numprocesses", 0)),
        drawn=drawn,
        folds=folds,
    )
    screen = Screen(
        under_way,
        narration.beat,
        drawn=drawn,
        coloured=config.get_terminal_writer().hasmarkup,
        alone=alone,
        keys=config.getoption("--harmony-keys") if alone else "",
    )
    terminal = RunTerminal(config, under_way, narration, screen, folds=folds, alone=alone)
    config.pluginmanager.register(terminal, "harmony-terminal")
    reporting.bus.subscribe("terminal", terminal)


class RunTerminal:
    """Tells on a screen what happens in a run, and in the session of pytest around it.

    Args:
        config: Of the session.
        under_way: How the run stands.
        narration: Makes the lines.
        screen: Where they are written.
        folds: Says where a workflow obeys what is written; nothing where there is no workflow.
        alone: Whether nobody else writes there.
    """

    def __init__(
        self,
        config: pytest.Config,
        under_way: UnderWay,
        narration: Narration,
        screen: Screen,
        *,
        folds: LogFolds | None = None,
        alone: bool,
    ) -> None:
        self._config = config
        self._run = under_way
        self._narration = narration
        self._screen = screen
        self._folds = folds
        self._alone = alone
        self._interrupted = False
        if folds is not None:
            screen.write([Line(folds.begin)])
        config.add_cleanup(self.close)

    def __call__(self, event: Event) -> None:
        """Take an event."""
        with self._screen.lock:
            self._screen.check()
            now = time.monotonic()
            done = self._run.take(event, now)
            if isinstance(event, RunPlanned):
                self._screen.start()
            self._screen.write(self._narration.lines(event, now, done))
            if not self._alone:
                self._screen.draw()

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self) -> None:
        """Begin, where nobody else writes: workers of pytest-xdist take a while to start."""
        if self._alone:
            self._screen.start()

    def pytest_collection_finish(self) -> None:
        """Begin."""
        self._screen.start()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count a test that is no cell; its failure stays on the screen."""
        if self._alone or _FEATURE in report.nodeid:
            return
        with self._screen.lock:
            if report.failed:
                self._run.others_failed += 1
                self._screen.write([Line(f"FAILED {report.nodeid}", "red")])
            if report.when == "teardown":
                self._run.others += 1
                self._screen.draw()

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, str] | None:
        """Have no letter printed for what passed, where it would go into the drawing."""
        drawn = self._screen.is_drawing and not self._alone
        return ("passed", "", "PASSED") if drawn and report.passed and report.when == "call" else None

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Say that it has been heard, where workers play on for a moment."""
        if excinfo.type is KeyboardInterrupt and not self._interrupted:
            self._interrupted = True
            if self._config.getoption("numprocesses", 0):
                with self._screen.lock:
                    self._screen.write([Line("interrupted: what plays is being ended …", "bold red")])

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        """Take the drawing away."""
        self._screen.stop()

    def close(self) -> None:
        """Give the terminal back."""
        self._screen.stop()
        if self._folds is not None:
            self._screen.write([Line(self._folds.end)])
        self._screen.close()
