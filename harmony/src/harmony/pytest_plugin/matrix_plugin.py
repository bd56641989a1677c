"""The matrix in pytest: its options, and one item per cell. What comes of it is told by ``reporting``."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

import pytest

from harmony.errors import HarmonyError
from harmony.plan.cells import plan_cells
from harmony.plan.durations import read_durations
from harmony.plan.parallel import workers_that_pay
from harmony.plan.platforms import playing
from harmony.pytest_plugin.items import HarmonySession, ScenarioItem
from harmony.pytest_plugin.planning import durations_file
from harmony.pytest_plugin.request import (
    BuildFailedError,
    asks_for_pairings,
    pairing_request,
    project_run,
    stop,
    touched_cells,
)
from harmony.pytest_plugin.xdist_worker import is_worker
from harmony.run.matrix_mode import MatrixMode, MatrixRequest
from harmony.run.preparation import build_missing
from harmony.run.project_run import ProjectRun


def add_options(parser: pytest.Parser) -> None:
    """Add the options of the matrix."""
    group = parser.getgroup("harmony matrix", "scenarios over pairings, each role in a process of its own")
    group.addoption(
        "--matrix",
        action="store_true",
        help="build what can be built here and is not, and run every chosen scenario over every pairing",
    )
    group.addoption("--no-build", action="store_true", help="build nothing for the matrix")
    group.addoption(
        "--pairing",
        action="append",
        default=[],
        metavar="WORD",
        help="python_cpp (roles in alphabetical order), python (all roles), or reader=python,writer=cpp",
    )
    group.addoption("--role", action="append", default=[], metavar="ROLE=PLATFORM", help="only pairings with this")
    group.addoption(
        "--platform",
        action="append",
        default=[],
        metavar="NAME[=COMMAND]",
        help="only these platforms; mine=./build/driver brings one, and only cells in which it plays; may be repeated",
    )
    group.addoption("--pairwise", action="store_true", help="fewer pairings: each pair of platforms in each two roles")
    group.addoption(
        "--all-pairings", action="store_true", help="every pairing, also where the project asks for fewer (`pairings`)"
    )
    group.addoption("--record", default=None, metavar="DIR", help="keep every conversation as YAML")


def mode(config: pytest.Config, run: ProjectRun) -> MatrixMode | None:
    """Return the mode of a matrix run, if one is asked for, or if only workers know the steps of the project."""
    option = config.getoption
    if run.project.settings.steps and not asks_for_pairings(config):
        return None
    here = config.invocation_params.dir
    try:
        request = pairing_request(config, run)
        wanted = request.possible(playing(run.project.settings.platforms, request))
    except HarmonyError as error:
        raise pytest.UsageError(str(error)) from error
    if option("--matrix") and not (option("--no-build") or option("--collect-only") or is_worker(config)):
        trouble = build_missing(run.project, wanted, partial(print, flush=True))
        if trouble:
            stop(config, BuildFailedError(trouble))
    try:
        matrix = MatrixMode(run, MatrixRequest(request, here / option("--record") if option("--record") else None))
        _ = matrix.platforms
    except HarmonyError as error:
        raise pytest.UsageError(str(error)) from error
    return matrix


def configure(config: pytest.Config, session: HarmonySession) -> None:
    """Have a matrix run that was asked for collect nothing but cells."""
    if isinstance(session.mode, MatrixMode) and asks_for_pairings(config):
        config.pluginmanager.register(CellsOnly(), "harmony-matrix")


def workers(config: pytest.Config) -> int | None:
    """Return how many workers `-n auto` gives a matrix: as many as pay, by what its cells took.

    Nothing for other runs.
    """
    run = project_run(config)
    if run is None or not asks_for_pairings(config) or os.environ.get("PYTEST_XDIST_AUTO_NUM_WORKERS"):
        return None
    try:
        request = pairing_request(config, run)
        cells = plan_cells(run.choose(), playing(run.project.settings.platforms, request), request)
        past = read_durations(durations_file(config, run.project))
    except HarmonyError:
        return 0  # the session says what is wrong, before anything runs
    touched = touched_cells(config)
    keys = {cell.key for cell in cells if touched is None or touched.has(cell)}
    return workers_that_pay(keys, past, os.cpu_count() or 1, run.project.settings.side_by_side)


class CellsOnly:
    """Keeps cells apart from all else."""

    @pytest.hookimpl
    def pytest_ignore_collect(self, collection_path: Path) -> bool | None:
        """Leave everything aside that is no feature."""
        return True if collection_path.suffix == ".py" else None

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Keep cells only."""
        others = [item for item in items if not isinstance(item, ScenarioItem)]
        if others:
            config.hook.pytest_deselected(items=others)
            items[:] = [item for item in items if isinstance(item, ScenarioItem)]
