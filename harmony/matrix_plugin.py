"""The matrix in pytest: options, one item per cell, the report at the end, the exit code."""

from __future__ import annotations

import os
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any, Final

import pytest

from harmony import matrix_report
from harmony.errors import HarmonyError
from harmony.events import CellFinished, Event, RunFinished, RunStarted, line, read
from harmony.items import HarmonyRun
from harmony.matrix import EVENT_LINES, STATE_DIRECTORY, CellItem, Matrix, MatrixRequest
from harmony.outcome import RunCode, counts, exit_code, pass_rate
from harmony.pairing import PairingRequest, parse_roles
from harmony.planning import parse_shard

REPORT_FILE: Final = "matrix.html"
_LINES: Final = "harmony_events"


def add_options(parser: pytest.Parser) -> None:
    """Add the options of the matrix."""
    group = parser.getgroup("harmony matrix", "scenarios over pairings, each role in a process of its own")
    group.addoption("--matrix", action="store_true", help="run every chosen scenario over every pairing available here")
    group.addoption(
        "--pairing",
        action="append",
        default=[],
        metavar="WORD",
        help="python_cpp (roles in alphabetical order), python (all roles), or reader=python,writer=cpp",
    )
    group.addoption("--role", action="append", default=[], metavar="ROLE=PLATFORM", help="only pairings with this")
    group.addoption("--pairwise", action="store_true", help="fewer pairings: each pair of platforms in each two roles")
    group.addoption("--shard", default=None, metavar="2/5", help="run one part of several, balanced by past durations")
    group.addoption("--record", default=None, metavar="DIR", help="keep every conversation as YAML")
    group.addoption("--events", default=None, metavar="FILE", help="write what happens as NDJSON")
    group.addoption(
        "--matrix-report", default=None, metavar="FILE", help=f"HTML table ({STATE_DIRECTORY}/{REPORT_FILE})"
    )
    group.addoption("--expectations", default=None, metavar="FILE", help="what is known to fail (expectations.toml)")
    group.addoption("--min-pass-rate", type=float, default=None, metavar="0.95", help="forgive failures up to this")


def configure(config: pytest.Config, run: HarmonyRun) -> None:
    """Make this a matrix run, if one is asked for."""
    option = config.getoption
    if not (option("--matrix") or option("--pairing") or option("--role") or option("--pairwise")):
        return
    here = config.invocation_params.dir
    try:
        settings = run.project.settings
        request = MatrixRequest(
            PairingRequest(
                tuple(option("--pairing")), parse_roles(option("--role"), settings.platforms), option("--pairwise")
            ),
            parse_shard(option("--shard")) if option("--shard") else None,
            here / option("--record") if option("--record") else None,
            here / option("--expectations") if option("--expectations") else None,
        )
        matrix = Matrix(run, request)
        _ = matrix.platforms, matrix.expectations
    except HarmonyError as error:
        raise pytest.UsageError(str(error)) from error
    run.items_of = matrix.items
    config.pluginmanager.register(MatrixPlugin(config, matrix), "harmony-matrix")


class MatrixPlugin:
    """Follows a session from its start to its exit code. With pytest-xdist, workers run and the controller reports."""

    def __init__(self, config: pytest.Config, matrix: Matrix) -> None:
        self._config = config
        self._matrix = matrix
        self._began = time.monotonic()
        self._results: dict[str, CellFinished] = {}
        self._problems: list[str] = []
        self._controls = not hasattr(config, "workerinput")
        events = config.getoption("--events")
        self._events = Path(config.invocation_params.dir / events) if events and self._controls else None
        if self._events is not None:
            self._events.parent.mkdir(parents=True, exist_ok=True)
            self._events.write_text("", encoding="utf-8")

    @pytest.hookimpl
    def pytest_ignore_collect(self, collection_path: Path) -> bool | None:
        """Leave everything aside that is no feature."""
        return True if collection_path.suffix == ".py" else None

    @pytest.hookimpl(trylast=True)
    def pytest_sessionstart(self) -> None:
        """Tell that a run begins."""
        run = self._matrix.run
        platforms = {name: self._matrix.missing.get(name, "") for name in run.project.settings.platforms}
        self._tell(RunStarted(seed=run.seed, project=str(run.project.file), platforms=platforms))

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Keep cells only. Whatever was asked for must be some."""
        others = [item for item in items if not isinstance(item, CellItem)]
        if others:
            config.hook.pytest_deselected(items=others)
            items[:] = [item for item in items if isinstance(item, CellItem)]

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Let the report carry the events of the cell, also from one process to another."""
        report = yield
        if call.when == "call" and EVENT_LINES in item.stash:
            setattr(report, _LINES, item.stash[EVENT_LINES])
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take the events of a cell."""
        lines: list[str] = getattr(report, _LINES, [])
        if not self._controls or not lines:
            return
        if self._events is not None:
            with self._events.open("a", encoding="utf-8") as file:
                file.writelines(f"{text}\n" for text in lines)
        event = read(lines[-1])
        if isinstance(event, CellFinished):
            self._results[event.cell] = event

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """End the workers; decide how the whole run ends."""
        self._matrix.close()
        if not self._controls or self._config.getoption("--collect-only"):
            return
        results = list(self._results.values())
        self._problems = self._matrix.problems()
        # Interrupted, misused, nothing selected, broken by pytest itself: that is said as it is.
        code: int = exitstatus
        if exitstatus in {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED} and results:
            code = exit_code(results, self._problems, self._config.getoption("--min-pass-rate"))
            if code == RunCode.PASSED and exitstatus == pytest.ExitCode.TESTS_FAILED and not self._forgiving():
                code = RunCode.FAILED
            session.exitstatus = code
        if results:
            self._matrix.remember(results)
            self._write_html(results)
        seconds = time.monotonic() - self._began
        self._tell(RunFinished(verdicts=counts(results), problems=self._problems, exit_code=code, seconds=seconds))

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Show the matrix."""
        if not self._controls or not self._results:
            return
        results = list(self._results.values())
        terminalreporter.section("matrix")
        for text in matrix_report.as_text(results, self._matrix.missing):
            terminalreporter.write_line(text)
        for problem in self._problems:
            terminalreporter.write_line(f"expectations: {problem}", red=True)
        if self._forgiving():
            wanted = self._config.getoption("--min-pass-rate")
            terminalreporter.write_line(f"pass rate {pass_rate(results):.4f}, at least {wanted} is asked for")
        terminalreporter.write_line(f"report: {os.path.relpath(self._report_file())}")

    def _forgiving(self) -> bool:
        return self._config.getoption("--min-pass-rate") is not None

    def _report_file(self) -> Path:
        wanted = self._config.getoption("--matrix-report")
        if wanted:
            return Path(self._config.invocation_params.dir / wanted)
        return self._matrix.root / STATE_DIRECTORY / REPORT_FILE

    def _write_html(self, results: list[CellFinished]) -> None:
        file = self._report_file()
        file.parent.mkdir(parents=True, exist_ok=True)
        head = {"seed": str(self._matrix.run.seed), "seconds": f"{time.monotonic() - self._began:.1f}"}
        file.write_text(matrix_report.as_html(results, self._matrix.missing, head), encoding="utf-8")

    def _tell(self, event: Event) -> None:
        if self._events is not None:
            with self._events.open("a", encoding="utf-8") as file:
                file.write(f"{line(event)}\n")
