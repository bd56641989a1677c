"""The entry point: pytest finds the plugin by itself in a project, and nothing of it anywhere else."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from sandbox import Sandbox, run_python

STEPS = """
from harmony.steps.registry import then

class Tea:
    @then("tea is hot")
    def is_hot(self) -> None:
        assert "hot" in "hot tea"
"""
# What another plugin may call an option, and what would be loaded in vain.
STRANGER = """
import sys

def pytest_addoption(parser):
    parser.addoption("--html")
    parser.addoption("--scenario")

def pytest_unconfigure(config):
    print("loaded:", sorted({"pydantic", "harmony.pytest_plugin.plugin"} & set(sys.modules)))
"""


@pytest.fixture
def tea(tmp_path: Path) -> Sandbox:
    """A project without a word about a plugin."""
    box = Sandbox(tmp_path)
    box.write("pytest.ini", "[pytest]\n")
    box.write("harmony.toml", 'steps = ["steps"]\n')
    box.write("steps.py", STEPS)
    box.write("features/01-tea.feature", "Feature: Tea\n  Scenario: 1.1 Tea\n    Then tea is hot\n")
    return box


# Of what pytest finds by itself, what takes long to load.
OTHERS = ("anyio", "hypothesispytest", "pytest-bdd", "pytest_cov", "randomly")


def pytest_in(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    quiet = ("-q", "-W", "ignore", *(word for name in ("cacheprovider", *OTHERS) for word in ("-p", f"no:{name}")))
    return run_python(directory, "-m", "pytest", *quiet, *arguments)


@pytest.mark.parametrize(
    "more", [("-n", "1"), ("--scenario", "1.1"), ("-p", "harmony.pytest_plugin.plugin", "features")]
)
def test_in_a_project_the_plugin_is_there(tea: Sandbox, more: tuple[str, ...]) -> None:
    done = pytest_in(tea.directory, *more)
    assert (done.returncode, "1 passed" in done.stdout) == (0, True), done.stdout + done.stderr


def test_a_project_elsewhere_is_named(tea: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "pytest.ini").write_text("[pytest]\n")
    words = ("--harmony-project", str(tea.directory / "harmony.toml"), "--rootdir", str(elsewhere))
    done = pytest_in(elsewhere, *words, "-n", "1", str(tea.directory / "features"))
    assert (done.returncode, "1 passed" in done.stdout) == (0, True), done.stdout + done.stderr


def test_without_a_project_nothing_is_loaded_and_every_option_is_free(tmp_path: Path) -> None:
    box = Sandbox(tmp_path)
    box.write("pytest.ini", "[pytest]\n")
    box.write("stranger.py", STRANGER)
    box.write("test_other.py", "def test_other():\n    pass\n")
    done = pytest_in(tmp_path, "-p", "stranger", "--html", "x", "--scenario", "y")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout
    assert "loaded: []" in done.stdout
    assert "harmony" not in pytest_in(tmp_path, "--help").stdout.replace(str(tmp_path), "")
