"""What a session tells about itself: events, the matrix, the HTML page, durations, shards and the exit code.

Loaded by the plugin. With pytest-xdist the workers run and the controller reports: each report carries the events of
its cell, so that one file and one page hold all of them.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import time
from collections import defaultdict
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
from rich.console import Console

from harmony.errors import ExitCode, HarmonyError
from harmony.plan.cells import parse_shard, shard
from harmony.plan.durations import DURATIONS_FILE, read_durations, write_durations
from harmony.pytest_plugin.crashed_cells import cell_at, lost
from harmony.pytest_plugin.items import EVENT_LINES, HarmonyRun, ScenarioItem, possible_cells
from harmony.report.page import html_report
from harmony.report.terminal import Grid, column_of, plain, tables, totals
from harmony.run.local_runner import PLATFORM
from harmony.verdict.events import (
    Bus,
    CellFinished,
    Event,
    EventFile,
    RunFinished,
    RunPlanned,
    RunStarted,
    StepFinished,
    StepStarted,
    line,
    read,
)
from harmony.verdict.support import SupportCollector, SupportTable, support_lines, unclaimed
from harmony.verdict.tally import combined, counts, exit_code, pass_rate
from harmony.verdict.verdicts import is_red

STATE_DIRECTORY: Final = Path(".harmony")
LAST_RUN: Final = STATE_DIRECTORY / "last-run.ndjson"
PAGE: Final = STATE_DIRECTORY / "matrix.html"
_LINES: Final = "harmony_events"
_KEY: Final = "harmony_key"
_PLAN: Final = "harmony_plan"


def add_options(parser: pytest.Parser) -> None:
    """Add the options of reports."""
    group = parser.getgroup("harmony reports", "what is told about a run of scenarios")
    group.addoption("--events", default=None, metavar="FILE", help="write what happens as NDJSON")
    group.addoption("--html", default=None, metavar="FILE", help=f"the matrix as one HTML page (matrix runs: {PAGE})")
    group.addoption("--show-matrix", action="store_true", help="show the matrix although every role runs in here")
    group.addoption("--expectations", default=None, metavar="FILE", help="what is known to fail (expectations.toml)")
    group.addoption(
        "--min-pass-rate", type=_rate, default=None, metavar="0.95", help="forgive what is red up to this rate"
    )
    group.addoption("--shard", default=None, metavar="2/5", help="run one part of several, balanced by past durations")
    group.addoption("--durations-file", default=None, metavar="FILE", help=f"past durations ({DURATIONS_FILE})")


def _rate(text: str) -> float:
    rate = float(text)
    if not 0 < rate <= 1:
        raise ValueError(f"{text} is no rate above 0 and up to 1")
    return rate


def configure(config: pytest.Config, run: HarmonyRun) -> None:
    """Read what reports need, so that what is wrong is said before anything runs."""
    try:
        config.pluginmanager.register(Reporting(config, run), "harmony-reporting")
    except HarmonyError as error:
        raise pytest.UsageError(str(error)) from error


@dataclass(frozen=True, slots=True)
class _Files:
    """Where things are written; relative names are relative to where pytest was called."""

    events: Path | None
    page: Path | None
    durations: Path


class Reporting:
    """Follows a session from its start to its exit code."""

    def __init__(self, config: pytest.Config, run: HarmonyRun) -> None:
        self._config = config
        self._run = run
        self._began = time.monotonic()
        self._controls = not hasattr(config, "workerinput")
        here, option = config.invocation_params.dir, config.getoption
        self._files = _Files(
            here / option("--events") if option("--events") else None,
            here / option("--html") if option("--html") else None,
            here / option("--durations-file") if option("--durations-file") else run.project.root / DURATIONS_FILE,
        )
        if option("--expectations"):
            run.expectations_file = here / option("--expectations")
        _ = run.expectations
        self._shard = parse_shard(option("--shard")) if option("--shard") else None
        self._past = read_durations(self._files.durations) if self._shard else {}
        self._before_shard: list[str] = []
        self._plan: RunPlanned | None = None
        self._results: list[CellFinished] = []
        self._lines: list[str] = []
        self._seconds: defaultdict[str, float] = defaultdict(float)
        self._failed_cells = 0
        self._other_failures = 0
        self._problems: list[str] = []
        self._notes: list[str] = []
        self._event_file = EventFile(self._files.events) if self._files.events and self._controls else None
        self.bus = Bus()
        self.bus.subscribe("results", self._keep)
        self._support = SupportCollector()
        self.bus.subscribe("step x platform", self._support)
        if self._event_file is not None:
            self.bus.subscribe("--events", self._event_file)

    # ---- before

    @pytest.hookimpl(trylast=True)
    def pytest_sessionstart(self) -> None:
        """Tell that a run begins."""
        if self._controls:
            run = self._run
            platforms = {name: run.unavailable.get(name, "") for name in run.project.settings.platforms}
            self.bus.publish(RunStarted(seed=run.seed, project=run.project.file.name, platforms=platforms))

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Keep the items of this shard."""
        self._before_shard = sorted(item.cell.key for item in items if isinstance(item, ScenarioItem))
        if self._shard is None:
            return
        mine = shard([_key(item) for item in items], *self._shard, self._past)
        others = [item for item in items if _key(item) not in mine]
        if others:
            config.hook.pytest_deselected(items=others)
            items[:] = [item for item in items if _key(item) in mine]

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Tell what will run."""
        planned = [item.cell.key for item in session.items if isinstance(item, ScenarioItem)]
        if not self._before_shard:
            return
        digest = hashlib.sha256("\n".join(self._before_shard).encode()).hexdigest()[:16]
        plan = RunPlanned(
            cells=len(planned),
            of=len(self._before_shard),
            digest=digest,
            shard="/".join(map(str, self._shard)) if self._shard else "",
            partial=self._missing(set(planned)),
        )
        self._take_plan(plan)
        output = getattr(self._config, "workeroutput", None)
        if output is not None:
            output[_PLAN] = line(plan)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Learn from a worker of pytest-xdist what was planned, all plan the same, and what it told at last."""
        output = getattr(node, "workeroutput", {})
        self._run.last_lines += output.get(_LINES, [])
        text = output.get(_PLAN)
        if text:
            plan = read(text)
            if isinstance(plan, RunPlanned):
                self._take_plan(plan)

    # ---- while

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Let the report carry the events of the cell, also from one process to another."""
        report = yield
        setattr(report, _KEY, _key(item))
        if call.when == "call" and EVENT_LINES in item.stash:
            setattr(report, _LINES, item.stash[EVENT_LINES])
        return report

    @pytest.hookimpl(optionalhook=True)
    def pytest_handlecrashitem(self, crashitem: str, report: pytest.TestReport) -> None:
        """Give a cell whose worker of pytest-xdist has died its place among the others."""
        cell = cell_at(self._run, crashitem, self._config.rootpath)
        if cell is not None:
            setattr(report, _KEY, cell.key)
            setattr(report, _LINES, [line(event) for event in lost(self._run, cell, report.longreprtext)])

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take the events of a cell, and how long it took."""
        if not self._controls:
            return
        self._seconds[getattr(report, _KEY, report.nodeid)] += getattr(report, "duration", 0.0)
        lines: list[str] = getattr(report, _LINES, [])
        for text in lines:
            self.bus.publish(read(text))
        if report.failed:
            self._failed_cells += bool(lines)
        # pytest keeps every report until the end of the session; what it has told is not needed that long.
        lines.clear()

    # ---- after

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Decide how the whole run ends, and write what was asked for."""
        output = getattr(self._config, "workeroutput", None)
        if output is not None:
            output[_LINES] = self._run.last_lines
        if not self._controls or self._config.getoption("--collect-only"):
            return
        for text in self._run.last_lines:
            self.bus.publish(read(text))
        results = combined(self._results)
        # Whatever else pytest counts as failed: other tests, modules that cannot be imported, a gate of another plugin.
        self._other_failures = session.testsfailed - self._failed_cells
        code = int(exitstatus)
        if results and exitstatus in {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED}:
            self._problems = self._judge_expectations(results)
            code = self._exit_code(results)
        elif self._empty_shard(exitstatus):
            code = ExitCode.OK
        for support in self._support.events():
            self.bus.publish(support)
        finished = RunFinished(
            verdicts=counts(results), problems=self._problems, exit_code=code, seconds=time.monotonic() - self._began
        )
        self.bus.publish(finished)
        if self._event_file is not None:
            self._event_file.close()
        if results:
            self._write(results)
        if self.bus.failures and code == ExitCode.OK:
            code = ExitCode.REPORTS
        session.exitstatus = code

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Show the matrix."""
        if not self._controls:
            return
        results = combined(self._results)
        if results and (self._is_matrix or self._config.getoption("--show-matrix")):
            terminalreporter.section("matrix")
            self._show(terminalreporter, results)
        for problem in self._problems:
            terminalreporter.write_line(problem, red=True)
        for failure in self.bus.failures:
            terminalreporter.write_line(f"a report is not complete: {failure}", red=True)
        for note in self._notes:
            terminalreporter.write_line(note)

    # ---- parts

    @property
    def _is_matrix(self) -> bool:
        return any(column_of(result) != PLATFORM for result in self._results)

    def _keep(self, event: Event) -> None:
        if isinstance(event, CellFinished):
            self._results.append(event)
        if not isinstance(event, StepStarted | StepFinished):
            self._lines.append(line(event))

    def _take_plan(self, plan: RunPlanned) -> None:
        if self._plan is None:
            self._plan = plan
            if self._controls:
                self.bus.publish(plan)

    def _missing(self, planned: set[str]) -> list[str]:
        """Say what of the whole does not run; nothing if all does."""
        every = {cell.key for cell in self._run.every_cell(self._run.allowed())}
        left_out = len(every - planned)
        return [f"{left_out} of {len(every)} cells were not chosen"] if left_out else []

    def _judge_expectations(self, results: Sequence[CellFinished]) -> list[str]:
        expectations = self._run.expectations
        if not expectations.entries:
            return []
        today = dt.datetime.now(dt.UTC).date()
        found = expectations.problems(possible_cells(self._run), today)
        whole = self._plan is not None and not self._plan.partial and len(results) == self._plan.cells
        return found + (expectations.idle(results, today) if whole else [])

    def _exit_code(self, results: Sequence[CellFinished]) -> int:
        wanted = self._config.getoption("--min-pass-rate")
        code = exit_code(results, self._problems, wanted)
        if wanted is not None:
            self._notes.append(f"pass rate {pass_rate(results):.4f}, at least {wanted} is asked for")
        if code == ExitCode.ONLY_UNSUPPORTED and len(self._seconds) > len(results):
            code = ExitCode.OK
        if code == ExitCode.ONLY_UNSUPPORTED:
            self._notes.append("nothing passed: all that ran is unsupported here")
        if self._other_failures and code in {ExitCode.OK, ExitCode.ONLY_UNSUPPORTED, ExitCode.EXPECTATIONS}:
            code = ExitCode.FAILED
        return code

    def _empty_shard(self, exitstatus: int) -> bool:
        empty = self._plan is not None and self._plan.of > self._plan.cells == 0
        if empty and exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED:
            self._notes.append(f"shard {self._config.getoption('--shard')} has no cell: there are fewer than shards")
            return True
        return False

    def _write(self, results: Sequence[CellFinished]) -> None:
        root = self._run.project.root
        page = self._files.page or (root / PAGE if self._is_matrix else None)
        self._try("durations", lambda: write_durations(self._files.durations, self._seconds))
        self._try("last run", lambda: _replace(root / LAST_RUN, "".join(f"{text}\n" for text in self._lines)))
        if page is not None:
            facts = {
                "seed": str(self._run.seed),
                "project": self._run.project.file.name,
                "finished": dt.datetime.now(dt.UTC).strftime("%Y-%m-%d %H:%M:%S UTC"),
                "took": f"{time.monotonic() - self._began:.1f} s",
                **{f"{name} is not available": reason for name, reason in self._run.unavailable.items()},
            }
            supports = self._support.events()
            self._try("--html", lambda: _replace(page, html_report(results, facts, self._problems, supports)))
            self._notes.append(f"report: {os.path.relpath(page)}")

    def _try(self, name: str, work: Any) -> None:
        try:
            work()
        except (OSError, HarmonyError) as error:
            self.bus.failures.append(f"{name}: {error}")

    def _show(self, terminal: Any, results: Sequence[CellFinished]) -> None:
        grid = Grid.of(results)
        if terminal.isatty:
            console = Console(width=terminal._tw.fullwidth, force_terminal=terminal.hasmarkup)  # noqa: SLF001
            with console.capture() as captured:
                for table in tables(grid, console.width):
                    console.print(table)
            terminal.write(captured.get(), flush=True)
        else:
            for text in plain(grid):
                terminal.write_line(text)
        terminal.write_line("")
        terminal.write_line(totals(results))
        for late in (result for result in results if result.late):
            terminal.write_line(f"{late.cell}: {late.verdict.value}: {late.error}", red=is_red(late.verdict))
        platforms = {name for result in results for name in result.pairing.values()}
        for text in support_lines(SupportTable.of(self._support.events(), platforms)):
            terminal.write_line(text)
        for text in unclaimed([result.note for result in results]):
            terminal.write_line(text)
        for name, reason in sorted(self._run.unavailable.items()):
            terminal.write_line(f"not available: {name}: {reason}")


def _key(item: pytest.Item) -> str:
    """Return what an item is called in every run: a cell by its key, all else by its node id."""
    return item.cell.key if isinstance(item, ScenarioItem) else item.nodeid


def _replace(file: Path, text: str) -> None:
    """Write a file that no reader sees half of."""
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_name(f"{file.name}.{os.getpid()}")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(file)
    finally:
        temporary.unlink(missing_ok=True)
