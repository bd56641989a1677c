"""The terminal of ``harmony run``: what harmony says of a run in place of what pytest says."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Generator
from typing import Any, Final

import pytest

from harmony.errors import HarmonyError
from harmony.printable import adapt
from harmony.pytest_plugin.request import project_run
from harmony.pytest_plugin.run_terminal import begin
from harmony.pytest_plugin.xdist_worker import is_worker
from harmony.text import shown

_SILENT: Final = -2
_IN_VAIN: Final = ("hypothesispytest", "asyncio")
"""Plugins that have nothing to do with cells: one imports all of Hypothesis at the end, one warns of its settings."""


def add_options(parser: pytest.Parser) -> None:
    """Add the options by which `harmony run` says how it was called, and `harmony watch` what is to run."""
    group = parser.getgroup("harmony")
    group.addoption("--harmony-run", default="", metavar="PROGRAM", help=argparse.SUPPRESS)
    group.addoption("--harmony-words", action="append", default=[], metavar="WORD", help=argparse.SUPPRESS)
    group.addoption("--harmony-keys", default="", metavar="TERMINAL", help=argparse.SUPPRESS)
    group.addoption("--touched", action="append", default=[], metavar="WORD", help=argparse.SUPPRESS)
    group.addoption("--trials", type=int, default=None, metavar="DESCRIPTOR", help=argparse.SUPPRESS)
    group.addoption("--show-steps", action="store_true", help=argparse.SUPPRESS)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> Generator[None, Any, Any]:
    """Say what is wrong as every command of harmony does, and end as it does."""
    if not config.getoption("--harmony-run"):
        return (yield)
    adapt(sys.stdout, sys.stderr)
    for name in filter(config.pluginmanager.has_plugin, _IN_VAIN):
        config.pluginmanager.unregister(name=name)
    # A project's own `addopts` may ask pytest to say more.
    config.option.verbose = _SILENT
    try:
        return (yield)
    except pytest.UsageError as error:
        sys.stderr.write(shown(f"harmony: {error}\n"))
        cause = error.__cause__
        return cause.exit_code if isinstance(cause, HarmonyError) else pytest.ExitCode.USAGE_ERROR


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Tell the run on the terminal, where it was begun by `harmony run`."""
    run = project_run(config)
    if not config.getoption("--harmony-run") or run is None or is_worker(config):
        return
    config.pluginmanager.register(RunOutput(config), "harmony-run-output")
    if config.getoption("--trials") is None:
        begin(config, alone=True)


class RunOutput:
    """Keeps what pytest says from the terminal."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self) -> None:
        """Have pytest-xdist say nothing of its workers."""
        manager = self._config.pluginmanager
        controller = manager.get_plugin("dsession")
        if controller is not None:
            controller.terminal = None
            manager.unregister(name="terminaldistreporter")

    @pytest.hookimpl(trylast=True)
    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Have pytest show no place in its code where a person has interrupted it."""
        terminal = self._config.pluginmanager.get_plugin("terminalreporter")
        if excinfo.type is KeyboardInterrupt and terminal is not None and not self._config.getoption("fulltrace"):
            terminal._report_keyboardinterrupt = lambda: None  # noqa: SLF001 - it has no other way to be quiet

    @pytest.hookimpl(wrapper=True)
    def pytest_report_teststatus(self) -> Generator[None, Any, Any]:
        """Leave pytest the kind of each outcome, and no letter to print."""
        result = yield
        return (result[0], "", "") if result else result

    @pytest.hookimpl(tryfirst=True)
    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Write what is no cell and went wrong, such as a module that cannot be imported."""
        for report in terminalreporter.stats.get("error", ()):
            terminalreporter.section(f"error: {report.nodeid or 'session'}")
            terminalreporter.write_line(shown(str(report.longrepr)))
