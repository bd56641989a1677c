"""The matrix in pytest: its options, and one item per cell. What comes of it is told by ``reporting``."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import Final

import pytest

from harmony.errors import ExitCode, HarmonyError
from harmony.plan.pairing import PairingRequest, parse_roles
from harmony.plan.words import MATRIX
from harmony.pytest_plugin.items import HarmonySession, ScenarioItem
from harmony.pytest_plugin.xdist_worker import is_worker
from harmony.run.matrix_mode import MatrixMode, MatrixRequest
from harmony.run.preparation import build_missing
from harmony.run.project_run import ProjectRun

_CELLS_PER_CORE: Final = 3


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
    group.addoption("--pairwise", action="store_true", help="fewer pairings: each pair of platforms in each two roles")
    group.addoption("--record", default=None, metavar="DIR", help="keep every conversation as YAML")


def mode(config: pytest.Config, run: ProjectRun) -> MatrixMode | None:
    """Return the mode of a matrix run, if one is asked for, or if only workers know the steps of the project."""
    option = config.getoption
    if run.project.settings.steps and not _is_asked_for(config):
        return None
    here = config.invocation_params.dir
    leaves_builds = option("--no-build") or option("--collect-only") or is_worker(config)
    if option("--matrix") and not leaves_builds and (trouble := build_missing(run.project, partial(print, flush=True))):
        pytest.exit(trouble, returncode=ExitCode.FAILED)
    try:
        settings = run.project.settings
        request = MatrixRequest(
            PairingRequest(
                tuple(option("--pairing")), parse_roles(option("--role"), settings.platforms), option("--pairwise")
            ),
            here / option("--record") if option("--record") else None,
        )
        matrix = MatrixMode(run, request)
        _ = matrix.platforms
    except HarmonyError as error:
        raise pytest.UsageError(str(error)) from error
    return matrix


def configure(config: pytest.Config, session: HarmonySession) -> None:
    """Have a matrix run that was asked for collect nothing but cells."""
    if isinstance(session.mode, MatrixMode) and _is_asked_for(config):
        config.pluginmanager.register(CellsOnly(), "harmony-matrix")


def _is_asked_for(config: pytest.Config) -> bool:
    option = config.getoption
    return bool(option("--matrix") or option("--pairing") or option("--role") or option("--pairwise"))


def workers(config: pytest.Config) -> int | None:
    """Return how many workers `-n auto` gives a matrix: a cell waits more than it works. Nothing for other runs."""
    option = config.option
    asked = option.matrix or option.pairing or option.role or option.pairwise or MATRIX in config.args
    if not asked or os.environ.get("PYTEST_XDIST_AUTO_NUM_WORKERS"):
        return None
    return _CELLS_PER_CORE * (os.cpu_count() or 1)


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
