"""pytest plugin: feature files are collected like test files, and everything is checked before anything runs.

pytest loads it through :mod:`harmony.pytest_plugin.door`.
"""

from __future__ import annotations

import os
import random
import sys
from pathlib import Path
from typing import Any, Final

import pytest
from _pytest.mark import pytest_collection_modifyitems as deselect

from harmony import early_end
from harmony.errors import HarmonyError
from harmony.printable import adapt
from harmony.process.this_system import missing_promises
from harmony.project_file import PROJECT_FILE
from harmony.pytest_plugin import matrix_plugin, report_options, reporting, run_output, run_terminal
from harmony.pytest_plugin.invocation import PROGRAM
from harmony.pytest_plugin.items import FeatureFile, HarmonySession, ScenarioItem
from harmony.pytest_plugin.request import LintFoundError, project_run, stop
from harmony.pytest_plugin.run_terminal import is_drawn
from harmony.pytest_plugin.tags import declare_tag, marker_name
from harmony.pytest_plugin.termination import Termination
from harmony.pytest_plugin.trials import note_reads
from harmony.pytest_plugin.xdist_worker import is_worker, told
from harmony.run.local_mode import LocalMode
from harmony.run.project_run import ProjectRun
from harmony.steps.lint import report, total

SESSION: Final = pytest.StashKey[HarmonySession]()
SEED: Final = "harmony_seed"


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    """Add harmony's options."""
    group = parser.getgroup("harmony", "scenarios of feature files")
    group.addoption(
        "--scenario",
        action="append",
        default=[],
        metavar="WORD",
        help="run only these: a number (1.1), a feature (4), a pattern (13.*) or part of a name; may be repeated",
    )
    group.addoption(
        "--tag",
        action="append",
        default=[],
        metavar="TAG",
        help="run only scenarios with this tag, also one that runs on request only; `a and not b`; may be repeated",
    )
    group.addoption("--stress", action="store_true", help="run scenarios tagged @stress, too")
    group.addoption("--benchmark", action="store_true", help="run scenarios tagged @benchmark, too")
    group.addoption(
        "--with-tag", action="append", default=[], metavar="TAG", help="run scenarios with this opt-in tag, too"
    )
    group.addoption("--seed", type=int, default=None, help="seed of everything random; printed with each run")
    group.addoption("--harmony-project", metavar="FILE", default=None, help=f"project file (default: {PROJECT_FILE})")
    group.addoption(
        "--harmony-suite", metavar="PACKAGE", default="", help="the project that lies in this installed package"
    )
    group.addoption(
        "--harmony-set", action="append", default=[], metavar="KEY=VALUE", help="a setting, such as timeouts.step=60"
    )
    group.addoption(
        "--validate", action="store_true", help="hold every word of a driver to its contract, not only what matters"
    )
    group.addoption("--no-progress", action="store_true", help="no live progress even on a terminal")
    group.addoption("--timings", action="store_true", help="show the measured operations of each scenario at the end")
    matrix_plugin.add_options(parser)
    report_options.add_options(parser)
    run_output.add_options(parser)
    pluginmanager.register(run_output, "harmony-run")


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Note what is read from the beginning, where trials are played that depend on it."""
    if early_config.known_args_namespace.trials is not None:
        note_reads()


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main() -> None:
    """Let ^C interrupt the session, which begins now, and is reported."""
    early_end.end()


def pytest_configure(config: pytest.Config) -> None:
    """Read the project, so that a wrong setting is said before anything else."""
    config.pluginmanager.register(Termination(config), "harmony-termination")
    run = project_run(config)
    if run is None:
        return
    if not is_worker(config):
        adapt(sys.stdout, sys.stderr)
    run.seed = _seed(config)
    project = run.project
    for tag, meaning in project.known_tags.items():
        if "*" not in tag:
            config.addinivalue_line("markers", f"{marker_name(tag)}: {meaning}")
    pytest.register_assert_rewrite(*project.settings.steps)
    session = HarmonySession(run, matrix_plugin.mode(config, run) or LocalMode(run))
    config.stash[SESSION] = session
    matrix_plugin.configure(config, session)
    reporting.configure(config, session)


@pytest.hookimpl(optionalhook=True, tryfirst=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """Keep the cores busy in a matrix."""
    return matrix_plugin.workers(config)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker of pytest-xdist the seed, and how pytest was called."""
    session = node.config.stash.get(SESSION, None)
    if session is not None:
        node.workerinput[SEED] = session.run.seed
        node.workerinput[PROGRAM] = session.run.invocation.program


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Say what runs, and the seed that repeats it."""
    run = _run(config)
    if run is None:
        return []
    lines = [f"harmony: {run.project.file}, --seed={run.seed}", missing_promises()]
    return [line for line in lines if line]


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Check features, steps and the selection: errors stop everything before anything runs."""
    config = session.config
    run = _run(config)
    if run is None or is_worker(config):
        return
    try:
        _check_expressions(config, run)
        if not (run.choice.words or _touches_features(run, config)):
            return
        problems = run.problems()
        if problems:
            sys.stderr.write(f"{report(problems)}\n")
            stop(config, LintFoundError(f"lint: {total(problems)}, listed above"))
        if run.choice.words:
            run.choose()
    except HarmonyError as error:
        stop(config, error)


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session: pytest.Session) -> None:
    """Start the live progress, after the header has been shown."""
    config = session.config
    if _run(config) is not None and is_drawn(config) and not config.getoption("--harmony-run"):
        run_terminal.begin(config, alone=False)
        config.option.verbose = min(-1, config.option.verbose)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """With ``--scenario``, import no test module in vain."""
    run = _run(config)
    if run is None or not run.choice.words:
        return None
    return True if collection_path.suffix == ".py" else None


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect the feature files of the project."""
    session = parent.config.stash.get(SESSION, None)
    if session is None or file_path.suffix != ".feature":
        return None
    if session.run.project.features_directory not in file_path.parents:
        return None
    return FeatureFile.of(parent, file_path, session)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep what was asked for. With ``--scenario``, nothing but scenarios."""
    run = _run(config)
    if run is None:
        return
    kept: list[pytest.Item] = []
    left: list[pytest.Item] = []
    for item in items:
        wanted = run.is_chosen(item.scenario) if isinstance(item, ScenarioItem) else not run.choice.words
        (kept if wanted else left).append(item)
    if left:
        config.hook.pytest_deselected(items=left)
        items[:] = kept


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Show the measured operations, if asked."""
    if not config.getoption("--timings"):
        return
    lines = [
        f"{report.nodeid.rpartition('::')[2]}: {name.removeprefix('timing ')}: {value}"
        for reports in terminalreporter.stats.values()
        for report in reports
        if getattr(report, "when", "") == "call"
        for name, value in report.user_properties
        if name.startswith("timing ")
    ]
    terminalreporter.section("operations")
    for line in sorted(lines) or ["nothing was measured"]:
        terminalreporter.write_line(line)


def _run(config: pytest.Config) -> ProjectRun | None:
    session = config.stash.get(SESSION, None)
    return session.run if session is not None else None


def _touches_features(run: ProjectRun, config: pytest.Config) -> bool:
    """Whether pytest's arguments include feature files of the project."""
    features = run.project.features_directory
    for argument in config.args:
        path = (config.invocation_params.dir / argument.partition("::")[0]).resolve()
        if path == features or path in features.parents or features in path.parents:
            return True
    return False


def _check_expressions(config: pytest.Config, run: ProjectRun) -> None:
    """Have a wrong -k or -m said before anything runs: pytest-xdist breaks if a worker says it."""
    if config.option.markexpr:
        for tag in {tag for scenario in run.scenarios for tag in scenario.tags}:
            declare_tag(config, tag, run.project.known_tags)
    try:
        deselect([], config)
    except pytest.UsageError as error:
        if not any(f"={platform}" in config.option.keyword for platform in run.project.settings.platforms):
            raise
        raise pytest.UsageError(f"{error}; a role and its platform are written as -k reader:python") from error


def _seed(config: pytest.Config) -> int:
    """Return the seed of the run: given, from the controller, from pytest-randomly, or a new one."""
    given = told(config, SEED)
    if given is not None:
        return int(given)
    given = config.getoption("--seed")
    if given is not None:
        return int(given)
    if os.environ.get("HARMONY_SEED", "").isdecimal():
        return int(os.environ["HARMONY_SEED"])
    randomly = getattr(config.option, "randomly_seed", None)
    return randomly if isinstance(randomly, int) else random.SystemRandom().getrandbits(32)
