"""What a person sees of a run: lines for what happens, and below them on a terminal how far it is.

``harmony run`` has nothing else; plain pytest has the drawing in place of its letters.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import sys
import threading
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

import pytest

from harmony.printable import copy_of_stdout
from harmony.project_file import find_project_file
from harmony.pytest_plugin.keys import Keys
from harmony.pytest_plugin.reporting import reporting_of
from harmony.pytest_plugin.request import project_run
from harmony.pytest_plugin.xdist_worker import is_worker
from harmony.report.github import LogFolds
from harmony.report.narration import SILENCE, Line, Narration
from harmony.report.under_way import UnderWay
from harmony.text import visible
from harmony.verdict.events import Event, RunPlanned

if TYPE_CHECKING:
    from rich.text import Text

    from harmony.report.drawing import Drawing

_KEY: Final = "e"
_OFTEN: Final = 0.25
"""Seconds between two drawings."""
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
    terminal = RunTerminal(config, under_way, narration, folds=folds, drawn=drawn, alone=alone)
    config.pluginmanager.register(terminal, "harmony-terminal")
    reporting.bus.subscribe("terminal", terminal)


class RunTerminal:
    """Writes to the terminal while a run goes on.

    Args:
        config: Of the session.
        under_way: How the run stands.
        narration: Makes the lines.
        drawn: Whether it is drawn how far the run is.
        folds: Says where a workflow obeys what is written; nothing where there is no workflow.
        alone: Whether nobody else writes there: a thread draws, and speaks after a silence. Without it all is drawn
            when something happens, as tests in this process may fork.
    """

    def __init__(
        self,
        config: pytest.Config,
        under_way: UnderWay,
        narration: Narration,
        *,
        drawn: bool,
        folds: LogFolds | None = None,
        alone: bool,
    ) -> None:
        self._config = config
        self._run = under_way
        self._narration = narration
        self._drawn = drawn
        self._folds = folds
        self._alone = alone
        # pytest captures the file descriptors while a test runs.
        self._file = copy_of_stdout()
        self._lock = threading.RLock()
        self._drawing: Drawing | None = None
        self._keys = Keys(config.getoption("--harmony-keys") if alone else "")
        self._opened = False
        self._woken = threading.Event()
        self._ticker: threading.Thread | None = None
        self._trouble: Exception | None = None
        self._spoke = time.monotonic()
        self._interrupted = False
        if folds is not None:
            self._write([Line(folds.begin)])
        config.add_cleanup(self.close)

    def __call__(self, event: Event) -> None:
        """Take an event."""
        with self._lock:
            if self._trouble is not None:
                trouble, self._trouble = self._trouble, None
                raise trouble
            now = time.monotonic()
            done = self._run.take(event, now)
            if isinstance(event, RunPlanned):
                self._start()
            self._write(self._narration.lines(event, now, done))
            if not self._alone:
                self._draw()

    # ---- the session

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self) -> None:
        """Begin, where nobody else writes: workers of pytest-xdist take a while to start."""
        if self._alone:
            self._start()

    def pytest_collection_finish(self) -> None:
        """Begin."""
        self._start()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count a test that is no cell; its failure stays on the screen."""
        if self._alone or _FEATURE in report.nodeid:
            return
        with self._lock:
            if report.failed:
                self._run.others_failed += 1
                self._write([Line(f"FAILED {report.nodeid}", "red")])
            if report.when == "teardown":
                self._run.others += 1
                self._draw()

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, str] | None:
        """Have no letter printed for what passed, where it would go into the drawing."""
        drawn = self._drawing is not None and not self._alone
        return ("passed", "", "PASSED") if drawn and report.passed and report.when == "call" else None

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Say that it has been heard, where workers play on for a moment."""
        if excinfo.type is KeyboardInterrupt and not self._interrupted:
            self._interrupted = True
            if self._config.getoption("numprocesses", 0):
                with self._lock:
                    self._write([Line("interrupted: what plays is being ended …", "bold red")])

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        """Take the drawing away."""
        self._stop()

    def close(self) -> None:
        """Give the terminal back."""
        self._stop()
        if self._folds is not None:
            self._write([Line(self._folds.end)])
        self._file.close()

    # ---- parts

    def _start(self) -> None:
        """Draw from now on, or speak after a silence."""
        with self._lock:
            self._spoke = time.monotonic()
            if self._drawing is None and self._drawn:
                self._drawing = self._begun()
        if self._alone and self._ticker is None:
            self._ticker = threading.Thread(target=self._tick, name="harmony-terminal", daemon=True)
            self._ticker.start()

    def _begun(self) -> Drawing:
        from harmony.report.drawing import Drawing  # noqa: PLC0415 - loads what draws, which no pipe needs
        from harmony.report.panel import panel  # noqa: PLC0415 - the same

        def lines(width: int, height: int) -> list[Text]:
            key = _KEY if self._keys.are_read else ""
            return panel(self._run, time.monotonic(), width, height, key=key, opened=self._opened)

        drawing = Drawing(self._file, lines, coloured=self._config.get_terminal_writer().hasmarkup)
        drawing.start()
        return drawing

    def _stop(self) -> None:
        self._woken.set()
        ticker, self._ticker = self._ticker, None
        if ticker is not None:
            ticker.join(timeout=2.0)
        with self._lock:
            self._keys.close()
            drawing, self._drawing = self._drawing, None
            if drawing is not None:
                drawing.stop()

    def _tick(self) -> None:
        try:
            while not self._woken.wait(self._pause()):
                with self._lock:
                    if self._drawing is not None:
                        self._look_at_keys()
                        self._draw()
                    elif self._pause() <= 0:
                        self._write(self._narration.beat(time.monotonic()))
        except Exception as error:  # noqa: BLE001 - it is raised where the bus hears of it; the run goes on
            with self._lock:
                self._trouble = error
                self._keys.close()
                drawing, self._drawing = self._drawing, None
                with contextlib.suppress(Exception):
                    if drawing is not None:
                        drawing.stop()

    def _pause(self) -> float:
        return _OFTEN if self._drawing is not None else max(0.0, self._spoke + SILENCE - time.monotonic())

    def _look_at_keys(self) -> None:
        """Read keys once something is late: until then the terminal is left as it is, with what is typed ahead."""
        now = time.monotonic()
        if self._opened or any(one.is_late(now) for one in self._run.playing.values()):
            self._opened ^= self._keys.pressed().count(_KEY) % 2 == 1

    def _write(self, lines: Iterable[Line]) -> None:
        for text, style in lines:
            self._spoke = time.monotonic()
            if self._drawing is not None:
                self._drawing.write(visible(text), style)
            else:
                self._file.write(f"{visible(text)}\n")
                self._file.flush()

    def _draw(self) -> None:
        if self._drawing is not None:
            self._drawing.refresh()
