"""What a session tells about itself: who is told, what is planned, what was found, and the exit code.

Loaded by the plugin. With pytest-xdist the workers run and the controller reports.
"""

from __future__ import annotations

import datetime as dt
import os
import time
from collections import defaultdict
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pytest

from harmony.errors import ExitCode, HarmonyError
from harmony.history.store import HISTORY, Keeper, Store
from harmony.model import Verdict
from harmony.plan.cells import Cell
from harmony.plan.durations import write_durations
from harmony.pytest_plugin.items import HarmonySession, ScenarioItem
from harmony.pytest_plugin.live import Outbox, carries_events, events_of, take_events
from harmony.pytest_plugin.planning import PAST, Planning
from harmony.pytest_plugin.shared_ends import Feed, Follower
from harmony.pytest_plugin.surroundings import Surroundings
from harmony.pytest_plugin.trials import Trials
from harmony.pytest_plugin.unplayed_cells import Unplayed, cell_at, crash_events
from harmony.pytest_plugin.xdist_worker import is_worker
from harmony.report.files import LAST_RUN, PAGE, LastRun, Page
from harmony.report.forms import FormFile
from harmony.report.summary import Summary
from harmony.run.local_mode import possible_cells
from harmony.run.matrix_mode import MatrixMode
from harmony.run.trials import Trial
from harmony.text import visible
from harmony.verdict.events import (
    Bus,
    CellFinished,
    CellStarted,
    Event,
    EventFile,
    RunFinished,
    RunPlanned,
    RunStarted,
)
from harmony.verdict.fuse import Fuse
from harmony.verdict.lacks import Believer
from harmony.verdict.patience import Limit, Patience
from harmony.verdict.support import SupportCollector
from harmony.verdict.tally import combined, counts, exit_code, rate_line

_OUTPUT: Final = "harmony_events"
_CELL: Final = "harmony_cell"
_REPORTS: Final = 3
"""How many failures `harmony run` shows in full; the page has all."""


def configure(config: pytest.Config, session: HarmonySession) -> None:
    """Read what reports need, so that what is wrong is said before anything runs."""
    here, option = config.invocation_params.dir, config.getoption
    if option("--expectations"):
        session.run.expectations_file = here / option("--expectations")
    try:
        _ = session.run.expectations
        if is_worker(config):
            config.pluginmanager.register(WorkerReporting(config, session), "harmony-reporting")
        else:
            reporting = Reporting(config, session)
            config.pluginmanager.register(reporting, "harmony-reporting")
            if option("--trials") is not None and isinstance(session.mode, MatrixMode):
                trials = Trials(config, session.mode, reporting.begin_trial)
                config.pluginmanager.register(trials, "harmony-trials")
    except HarmonyError as error:
        raise pytest.UsageError(str(error)) from error


def reporting_of(config: pytest.Config) -> Reporting:
    """Return what tells of the run; not in a worker of pytest-xdist, whose controller tells."""
    reporting = config.pluginmanager.get_plugin("harmony-reporting")
    assert isinstance(reporting, Reporting)  # noqa: S101 - registered above
    return reporting


class _Side:
    """What both sides of a session do: where cells run, and where they are told of."""

    def __init__(self, config: pytest.Config, session: HarmonySession) -> None:
        self._config = config
        self._session = session
        self._planning = Planning(config, session)
        asked, settings = config.getoption("--fuse"), session.run.project.settings
        fuse = settings.fuse if asked is None else asked
        self._fuse = Fuse(fuse if isinstance(session.mode, MatrixMode) else 0)
        self._believer = Believer({})
        self._believes = bool(fuse) and config.getoption("--trials") is None
        self._patience = Patience(settings.patience, self._planning.past)
        self._others = Follower(self._hear)
        session.unplayed, session.limits = self._unplayed, self._limits

    def _hear(self, event: Event) -> None:
        self._fuse(event)
        self._believer(event)
        self._patience(event)

    def _unplayed(self, cell: Cell) -> Unplayed | None:
        self._others.catch_up()
        if why := self._fuse.stopped(cell.pairing.platforms):
            return Unplayed(Verdict.NOT_RUN, f"not run: {why}")
        if by := self._believer.shown_by(cell.key):
            return Unplayed(Verdict.UNSUPPORTED, f"not played: {by} has shown what is lacking")
        return None

    def _limits(self, cell: Cell) -> dict[str, Limit]:
        self._others.catch_up()
        return self._patience.limits(cell)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Keep the items of this shard; begin with those that show what is lacking, end with those that need it."""
        self._planning.choose(config, items)
        mode = self._session.mode
        if not self._believes or not isinstance(mode, MatrixMode):
            return
        cells = [item.cell for item in items if isinstance(item, ScenarioItem)]
        self._believer = Believer({cell.key: lacks for cell in cells if (lacks := mode.believable(cell))})
        first, last = self._believer.first_and_last()

        def turn(item: pytest.Item) -> int:
            key = item.cell.key if isinstance(item, ScenarioItem) else ""
            return (key in last) - (key in first)

        items.sort(key=turn)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Let a cell's report say which cell it is of."""
        report = yield
        if isinstance(item, ScenarioItem):
            setattr(report, _CELL, item.cell.key)
        return report

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, str] | None:
        """Leave reports that carry events out: a worker would print a dot into what the cell has printed."""
        return ("", "", "") if carries_events(report) else None


class WorkerReporting(_Side):
    """Sends what a worker of pytest-xdist has to tell to its controller, while it happens."""

    def __init__(self, config: pytest.Config, session: HarmonySession) -> None:
        super().__init__(config, session)
        self._outbox = Outbox()
        self._others.follow(config)
        session.tell = self._tell

    def _tell(self, item: pytest.Item, event: Event) -> None:
        self._hear(event)
        self._outbox.put(event)
        self._outbox.send(item)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Know what will run; it goes with the first cell."""
        plan = self._planning.planned(session.items)
        if plan is not None:
            self._outbox.put(plan)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        """End what plays, and hand over what no cell has taken along."""
        self._session.mode.close(self._outbox.put)
        self._config.workeroutput[_OUTPUT] = self._outbox.take()  # type: ignore[attr-defined]


class Reporting(_Side):
    """Follows a session from its start to its exit code.

    Attributes:
        bus: Tells whoever subscribes; each report can be taken out by its name.
    """

    def __init__(self, config: pytest.Config, session: HarmonySession) -> None:
        super().__init__(config, session)
        self._began = time.monotonic()
        self._plan: RunPlanned | None = None
        self._results: list[CellFinished] = []
        self._open: set[str] = set()
        self._seconds: defaultdict[str, float] = defaultdict(float)
        self._failed_cells = 0
        self._other_failures = 0
        self._interrupted = False
        self._place = Surroundings("", "")
        self._notes: list[str] = []
        self._support = SupportCollector()
        front, steps = bool(config.getoption("--harmony-run")), config.getoption("--show-steps")
        self._summary = Summary(
            always=bool(config.getoption("--show-matrix")),
            whole=config.option.verbose > 0 or steps,
            reports=_REPORTS if front else 0,
        )
        here = config.invocation_params.dir
        self._events = [EventFile(here / file) for file in config.getoption("--events")]
        self._feed = Feed()
        config.pluginmanager.register(Causes(self._summary), "harmony-causes")
        self.bus = Bus()
        self._subscribe()
        session.tell = lambda _item, event: self.bus.publish(event)

    def _subscribe(self) -> None:
        here, option, root = self._config.invocation_params.dir, self._config.getoption, self._session.run.project.home
        self.bus.subscribe("results", self._keep)
        self.bus.subscribe("step x platform", self._support)
        self.bus.subscribe("fuse and patience", self._hear)
        self.bus.subscribe("shared ends", self._feed)
        for file in self._events:
            self.bus.subscribe("--events", file)
        if option("--trials") is not None:
            return  # nobody reads more of a trial, and others may play beside it
        self.bus.subscribe("durations", self._write_durations)
        self.bus.subscribe("last run", LastRun(root / LAST_RUN))
        keeper = Keeper(Store(root / HISTORY, self._session.run.project.settings.history))
        self.bus.subscribe("history", keeper)
        page = here / option("--html") if option("--html") else None
        self.bus.subscribe(
            "--html", Page(page, root / PAGE, self._page_written, option("--min-pass-rate"), keeper.over_time)
        )
        for form, name in option("--report"):
            told = FormFile(form, here / name, self._page_written, option("--min-pass-rate"))
            self.bus.subscribe(f"--report {form}", told)
        self.bus.subscribe("summary", self._summary)

    @property
    def past(self) -> Mapping[str, float]:
        """How long cells took that have passed, by their keys."""
        return self._planning.past

    # ---- before

    def begin_trial(self, trial: Trial, events: Path) -> None:
        """Be the session of a trial, in a process that may have been forked for it."""
        if trial.limited:
            self._patience = Patience(0, trial.cells, trial=True)
        for file in self._events:
            file.go_on_in(events)
        self._tell_start()

    @pytest.hookimpl(trylast=True)
    def pytest_sessionstart(self) -> None:
        """Tell that a run begins."""
        self._place = Surroundings.of(self._session.run.project.home)
        self._tell_start()

    def _tell_start(self) -> None:
        run, mode = self._session.run, self._session.mode
        every = run.project.settings.platforms
        # Who plays on request alone is told of where he was asked for.
        asked = {*mode.platforms, *mode.unavailable} if isinstance(mode, MatrixMode) else every.keys()
        self.bus.publish(
            RunStarted(
                seed=run.seed,
                project=run.project.file.name,
                platforms={name: mode.unavailable.get(name, "") for name in every if name in asked},
                machine=self._place.machine,
                commit=self._place.commit,
                versions={} if self._config.getoption("--collect-only") else dict(mode.versions),
                families={name: one.family for name, one in every.items() if name in asked and one.family},
            )
        )

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell a worker of pytest-xdist past durations, and from now on how the cells of the others end."""
        for word in self._config.args:
            if word != word.encode(errors="replace").decode():
                raise pytest.UsageError(
                    f"pytest-xdist sends no path that is no UTF-8: name the directory of {visible(word)}"
                )
        self._feed.add(node)
        node.workerinput[PAST] = self._planning.past

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Tell what will run."""
        plan = self._planning.planned(session.items)
        if plan is not None:
            self._publish(plan)

    # ---- while

    @pytest.hookimpl(optionalhook=True)
    def pytest_handlecrashitem(self, crashitem: str, report: pytest.TestReport) -> None:
        """Give a cell whose worker of pytest-xdist has died its place among the others."""
        run, mode = self._session.run, self._session.mode
        cell = cell_at(run, mode, crashitem, self._config.rootpath)
        if cell is not None:
            setattr(report, _CELL, cell.key)
            for event in crash_events(run, mode, cell, report.longreprtext, begun=cell.key in self._open):
                self._publish(event)

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Tell what a worker of pytest-xdist has sent; keep how long a test took."""
        if carries_events(report):
            for event in take_events(report, self._config.pluginmanager.get_plugin("terminalreporter")):
                self._publish(event)
            return
        cell = getattr(report, _CELL, None)
        self._seconds[cell or report.nodeid] += getattr(report, "duration", 0.0)
        self._failed_cells += report.failed and cell is not None and report.when not in {"setup", "teardown"}

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Take what a worker of pytest-xdist told at last."""
        for event in events_of(getattr(node, "workeroutput", {}).get(_OUTPUT, ())):
            self._publish(event)

    # ---- after

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Tell a person's interruption from that by which pytest-xdist stops after a failure (``-x``)."""
        self._interrupted |= excinfo.type is KeyboardInterrupt

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Decide how the whole run ends, and tell it."""
        self._session.mode.close(self._publish)
        if exitstatus == pytest.ExitCode.INTERRUPTED and session.shouldfail and not self._interrupted:
            exitstatus = pytest.ExitCode.TESTS_FAILED
        if self._config.getoption("--collect-only"):
            return
        results = combined(self._results)
        # Whatever else pytest counts as failed: other tests, modules that cannot be imported, a gate of another plugin.
        self._other_failures = session.testsfailed - self._failed_cells
        code, problems = int(exitstatus), list[str]()
        if results and exitstatus in {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED}:
            problems = self._judge_expectations(results)
            code = self._exit_code(results, problems)
        elif self._empty_shard(exitstatus):
            code = ExitCode.OK
        elif code == ExitCode.NOTHING_SELECTED and self._config.getoption("--harmony-run"):
            why = ": nothing failed when it last ran" if self._config.getoption("lf", default=False) else ""
            self._notes.append(f"nothing is selected, and nothing is no success{why}")
        for support in self._support.events():
            self.bus.publish(support)
        if results and (specification := self._session.run.specification()):
            self.bus.publish(specification)
        seconds = time.monotonic() - self._began
        self.bus.publish(RunFinished(verdicts=counts(results), problems=problems, exit_code=code, seconds=seconds))
        for file in self._events:
            file.close()
        if self.bus.failures and code == ExitCode.OK:
            code = ExitCode.REPORTS
        session.exitstatus = code

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Show the matrix."""
        self._summary.show(terminalreporter, terminalreporter._tw.fullwidth)  # noqa: SLF001
        for failure in self.bus.failures:
            terminalreporter.write_line(f"a report is not complete: {failure}", red=True)
        for note in self._notes:
            terminalreporter.write_line(note)

    # ---- parts

    def _publish(self, event: Event) -> None:
        """Tell everyone; of the plans that the workers of pytest-xdist tell, which are all the same, the first."""
        if isinstance(event, RunPlanned):
            if self._plan is not None:
                return
            self._plan = event
        self.bus.publish(event)

    def _keep(self, event: Event) -> None:
        if isinstance(event, CellStarted):
            self._open.add(event.cell)
        elif isinstance(event, CellFinished):
            self._open.discard(event.cell)
            self._results.append(event)

    def _write_durations(self, event: Event) -> None:
        if isinstance(event, RunFinished) and self._results:
            # What did not pass took no more, or no less, than its fault; what was broken off has only begun.
            other = {result.cell for result in combined(self._results) if result.verdict is not Verdict.PASSED}
            other |= self._open
            took = {name: seconds for name, seconds in self._seconds.items() if name not in other}
            write_durations(self._planning.durations, took)

    def _page_written(self, page: Path) -> None:
        self._notes.append(f"report: {os.path.relpath(page)}")

    def _judge_expectations(self, results: Sequence[CellFinished]) -> list[str]:
        expectations = self._session.run.expectations
        if not expectations.entries:
            return []
        today = dt.datetime.now(dt.UTC).date()
        found = expectations.problems(possible_cells(self._session.run), today)
        run = [result for result in results if result.verdict is not Verdict.NOT_RUN]
        whole = self._plan is not None and not self._plan.partial and len(run) == self._plan.cells
        return found + (expectations.idle(results, today) if whole else [])

    def _exit_code(self, results: Sequence[CellFinished], problems: Sequence[str]) -> int:
        wanted = self._config.getoption("--min-pass-rate")
        code = exit_code(results, problems, wanted)
        if wanted is not None:
            self._notes.append(rate_line(results, wanted))
        if code == ExitCode.ONLY_UNSUPPORTED and len(self._seconds) > len(results):
            code = ExitCode.OK
        if code == ExitCode.ONLY_UNSUPPORTED:
            self._notes.append("nothing passed: all that ran is unsupported here")
        if self._other_failures and code in {ExitCode.OK, ExitCode.ONLY_UNSUPPORTED, ExitCode.EXPECTATIONS}:
            code = ExitCode.FAILED
        return code

    def _empty_shard(self, exitstatus: int) -> bool:
        empty = self._plan is not None and self._plan.shard and self._plan.of > self._plan.cells == 0
        if empty and exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED:
            self._notes.append(f"shard {self._config.getoption('--shard')} has no cell: there are fewer than shards")
            return True
        return False


class Causes:
    """Says why a run is red before pytest shows each failure."""

    def __init__(self, summary: Summary) -> None:
        self._summary = summary

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_terminal_summary(self, terminalreporter: Any) -> Generator[None, None, None]:
        """Begin with it."""
        self._summary.begin(terminalreporter)
        return (yield)
